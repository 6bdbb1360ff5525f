/**
 * What a program takes to start, next to Node alone (`node -e 0`) in the same round: `npm run bench:start`; `--rounds N`, 20 by default;
 * `--images` runs both in the images, after `make images`. A JSON line for each program; a connector says its `spec`, others their
 * `--version`. Of each figure the least of all rounds, since what else runs can only add to it.
 *
 * - `wall_ms`, `node_wall_ms`, and `own_wall_ms`, the one less the other; `ratio` is the one by the other
 * - `cpu_ms`, `node_cpu_ms`, `own_cpu_ms`: the same by processor time, without Docker's own
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './launch/run.ts';
import { printFigures } from './print-figures.ts';
import { numbersIn, readOptions, runWithUsage } from './usage-error.ts';

const usage = `Usage: npm run bench:start -- [options]

  --rounds N   20 when absent
  --images     in containers of the images
`;
const dist = join(import.meta.dirname, '../../../dist');
const preload = join(import.meta.dirname, 'report-usage.mjs');
const programs = [
  { name: 'source-stripe', says: 'spec' },
  { name: 'destination-postgres', says: 'spec' },
  { name: 'penstock', says: '--version' },
  { name: 'stripe-simulator', says: '--version' },
];

/** A command that runs Node with these arguments, and one way to learn what it used. */
interface Place {
  readonly main: string;
  command(nodeArgs: readonly string[]): readonly [string, readonly string[]];
}

interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function onThisMachine(name: string, usageFile: string): Place {
  const variables = [`BENCH_USAGE_FILE=${usageFile}`];
  const node = [process.execPath, '--import', preload];
  return { main: join(dist, name, 'main.mjs'), command: (args) => ['/usr/bin/env', [...variables, ...node, ...args]] };
}

function inItsImage(image: string, usageFile: string, folder: string): Place {
  const mounts = ['-v', `${folder}:/usage`, '-v', `${preload}:/preload.mjs:ro`];
  const variables = ['-e', `BENCH_USAGE_FILE=${usageFile.replace(folder, '/usage')}`];
  const container = ['run', '--rm', '--log-driver', 'none', '--user', '0:0', ...mounts, ...variables];
  const node = ['--entrypoint', 'node', image, '--import', '/preload.mjs'];
  return { main: '/app/main.mjs', command: (args) => ['docker', [...container, ...node, ...args]] };
}

async function start(place: Place, args: readonly string[], usageFile: string): Promise<Start> {
  const startedAt = performance.now();
  await run(...place.command(args));
  const wallMs = performance.now() - startedAt;
  const { cpu_s } = JSON.parse(await readFile(usageFile, 'utf8')) as { cpu_s: number };
  return { wallMs, cpuMs: cpu_s * 1000 };
}

function least(starts: readonly Start[]): Start {
  return {
    wallMs: Math.min(...starts.map(({ wallMs }) => wallMs)),
    cpuMs: Math.min(...starts.map(({ cpuMs }) => cpuMs)),
  };
}

async function measure(rounds: number, images: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
  const usageFile = join(folder, 'usage.json');
  try {
    for (const { name, says } of programs) {
      const place = images ? inItsImage(name, usageFile, folder) : onThisMachine(name, usageFile);
      const ours: Start[] = [];
      const nodes: Start[] = [];
      for (let round = 0; round < rounds; round++) {
        nodes.push(await start(place, ['-e', '0'], usageFile));
        ours.push(await start(place, [place.main, says], usageFile));
      }
      const [own, node] = [least(ours), least(nodes)];
      printFigures({
        case: `${name} ${says}`,
        place: images ? 'image' : 'process',
        wall_ms: own.wallMs,
        node_wall_ms: node.wallMs,
        own_wall_ms: own.wallMs - node.wallMs,
        ratio: own.wallMs / node.wallMs,
        cpu_ms: own.cpuMs,
        node_cpu_ms: node.cpuMs,
        own_cpu_ms: own.cpuMs - node.cpuMs,
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await runWithUsage(usage, async () => {
  const { rounds, images } = readOptions(process.argv.slice(2), {
    rounds: { type: 'string', default: '20' },
    images: { type: 'boolean', default: false },
  });
  for (const count of numbersIn('--rounds', rounds)) await measure(count, images);
});
