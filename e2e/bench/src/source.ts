/**
 * How fast the source reads when neither rate nor latency holds it up: `npm run bench:source`. `source-stripe read` of one
 * list against the simulator, its output drained. A JSON line for each size, `--records 200000,1000000` by default:
 *
 * - `records_per_second`, `mb_per_second`: of its output, from the first list request to the last record
 * - `cpu_s`: of the source, its start included; `simulator_cpu_s` of the simulator, which has the other half of the work:
 *   where it is near `wall_s`, the simulator is what is measured, and `records_per_cpu_second` says what the source could do
 * - `peak_rss_mb`: the most memory that the source had
 */
import type { Stream } from '@penstock/protocol';
import { printFigures } from './print-figures.ts';
import { startSimulator } from './simulator-process.ts';
import { discoverStreams, pathOf, readSource, sourceProgram } from './source-program.ts';
import { numbersIn, readOptions, runWithUsage } from './usage-error.ts';

const usage = `Usage: npm run bench:source -- [options]

  --records N,N     records of each run; 200000,1000000 when absent
  --program FILE    the source to run; by default its bundle
`;
const path = '/v1/customers';
/** Requests a second: more than it can make. */
const noLimit = 1_000_000;

async function measure(program: string, stream: Stream, records: number): Promise<void> {
  const simulator = await startSimulator(['--objects', '0', '--count', `${path}=${records}`]);
  try {
    const idleCpu = simulator.cpuSeconds();
    const read = await readSource({ program, simulator, latencyMs: 0, rate: noLimit, streams: [stream] });
    if (read.records < records) throw new Error(`only ${read.records} of ${records} objects came`);
    const wallSeconds = (read.endedAtMs - read.startedAtMs) / 1000;
    printFigures({
      records,
      bytes_per_record: Math.round(read.bytes / read.records),
      records_per_second: read.records / wallSeconds,
      mb_per_second: read.bytes / 1e6 / wallSeconds,
      wall_s: wallSeconds,
      cpu_s: read.cpuSeconds,
      records_per_cpu_second: read.records / read.cpuSeconds,
      simulator_cpu_s: simulator.cpuSeconds() - idleCpu,
      peak_rss_mb: read.peakRssMb,
    });
  } finally {
    await simulator.stop();
  }
}

await runWithUsage(usage, async () => {
  const { records, program } = readOptions(process.argv.slice(2), {
    records: { type: 'string', default: '200000,1000000' },
    program: { type: 'string', default: sourceProgram },
  });
  const sizes = numbersIn('--records', records);
  const stream = (await discoverStreams(program)).find((each) => pathOf(each) === path);
  if (stream === undefined) throw new Error(`The source has no stream for ${path}`);
  for (const size of sizes) await measure(program, stream, size);
});
