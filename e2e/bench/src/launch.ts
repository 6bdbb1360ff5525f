/**
 * What each way of running costs, next to the engine with programs as connectors: `npm run bench:launch`, after
 * `make images`. The connectors do nothing but write, and count and confirm, so that the way is what is measured. A JSON
 * line for each way, medians of several rounds in which all ways take turns:
 *
 * - `mb_per_second`: from the first byte that reaches the destination to the last; `ratio` to the case `process`
 * - `cold_start_ms`: from nothing to what the source's `spec` says, and the destination's where there is an engine
 * - `sync_start_ms`: what a whole sync takes besides moving the records
 * - `image_mb`: the images that have to be there, shared layers counted once
 *
 *     node e2e/bench/src/launch.ts [--megabytes 400] [--rounds 3] [--only pod,docker]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBenchImages, hasImages, imageMegabytes, removeBenchImages } from './launch/images.ts';
import { removeContainers, type Way, waysOfRunning } from './launch/ways.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const megabytes = Number(values.megabytes);
const reference = 'process';

type Measured = { readonly coldStartMs: number; readonly syncStartMs: number; readonly megabytesPerSecond: number };

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

async function measure(way: Way): Promise<Measured> {
  const spec = await timed(way.spec);
  const sync = await timed(way.sync);
  const { bytes, seconds } = whatCame(way, sync.result);
  return { coldStartMs: spec.ms, syncStartMs: sync.ms - seconds * 1000, megabytesPerSecond: bytes / 1e6 / seconds };
}

/** @throws Error when not all of it came */
function whatCame(way: Way, lines: string): { bytes: number; seconds: number } {
  const messages = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const isComplete = messages.some((message) => message.stream_status?.status === 'complete');
  const measured = messages.find((message) => message.log?.message === 'measured')?.log.data;
  if (!isComplete || measured === undefined || measured.bytes < megabytes * 1e6)
    throw new Error(`${way.name} did not move everything: ${lines.slice(-2000)}`);
  return measured;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

if (!(await hasImages())) {
  process.stderr.write('This needs a Docker engine, and the images on it. Run: make images\n');
  process.exit(1);
}
const images = await buildBenchImages();
const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
// Containers run as another user, and make pipes and a state file in it.
await chmod(folder, 0o777);
try {
  const root = join(import.meta.dirname, '../../..');
  const all = await waysOfRunning({ root, folder, megabytes, images });
  const only = values.only?.split(',') ?? all.map(({ name }) => name);
  const ways = all.filter(({ name }) => only.includes(name));
  const results = new Map<string, Measured[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const way of ways) results.get(way.name)!.push(await measure(way));
  }
  const speed = (name: string) => median(results.get(name)?.map((each) => each.megabytesPerSecond) ?? [Number.NaN]);
  for (const way of ways) {
    const measured = results.get(way.name)!;
    console.log(
      JSON.stringify({
        case: way.name,
        mb_per_second: Math.round(speed(way.name)),
        ratio: Number((speed(way.name) / speed(reference)).toFixed(2)),
        cold_start_ms: Math.round(median(measured.map(({ coldStartMs }) => coldStartMs))),
        sync_start_ms: Math.round(median(measured.map(({ syncStartMs }) => syncStartMs))),
        image_mb: Math.round(await imageMegabytes(way.images)),
      }),
    );
  }
} finally {
  await removeContainers();
  await rm(folder, { recursive: true, force: true });
  await removeBenchImages(images);
}
