import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchImages } from './images.ts';
import { run } from './run.ts';

/** A way of running a source and a destination. */
export interface Way {
  readonly name: string;
  /** The smallest useful thing: what `spec` says; of both connectors where there is an engine, which asks both. */
  readonly spec: () => Promise<unknown>;
  /** Moves all records. @returns what came out at the end, messages in lines */
  readonly sync: () => Promise<string>;
  /** Images that have to be there for it: those of the product. */
  readonly images: readonly string[];
}

/** What the ways have in common. */
export interface Setting {
  /** Of the checkout. */
  readonly root: string;
  /** For files of the benchmark; containers see it under the same path. */
  readonly folder: string;
  readonly megabytes: number;
  readonly images: BenchImages;
}

/** On the containers, so that those that a failure left behind can be found. */
const label = 'penstock.bench';
const containerArgs = ['run', '--rm', '--label', label, '--log-driver', 'none', '--network', 'none', '--read-only'];
const connectors = ['source-stripe', 'destination-postgres'] as const;

/** All ways, the reference first. @throws Error when a file can't be written */
export async function waysOfRunning(setting: Setting): Promise<readonly Way[]> {
  const { root, folder, megabytes, images } = setting;
  const path = (name: string): string => join(folder, name);
  const write = (name: string, value: unknown): Promise<void> => writeFile(path(name), JSON.stringify(value));
  const here = {
    source: join(import.meta.dirname, 'source.mjs'),
    destination: join(import.meta.dirname, 'destination.mjs'),
  };
  const inImage = { source: '/bench/source.mjs', destination: '/bench/destination.mjs' };
  const config = { megabytes };
  const stream = { name: 'rows', primary_key: [['id']] };
  const configured = { stream, sync_mode: 'full_refresh', destination_sync_mode: 'append' };
  await write('source.json', config);
  await write('destination.json', {});
  await write('catalog.json', { streams: [configured] });

  const asCommands = (node: string, files: typeof here) => ({
    source: { command: [node, files.source], config },
    destination: { command: [node, files.destination], config: {} },
  });
  await write('process.json', asCommands(process.execPath, here));
  await write('one-container.json', asCommands('/usr/local/bin/node', inImage));
  await write('docker.json', {
    source: { image: images.source, config },
    destination: { image: images.destination, config: {} },
    docker: { pull: 'never' },
  });
  const pipes = { source: path('pipes/source'), destination: path('pipes/destination') };
  await write('pod.json', { source: { pipes: pipes.source }, destination: { pipes: pipes.destination } });

  const engine = join(root, 'dist/penstock/main.mjs');
  const readArgs = ['read', '--config', path('source.json'), '--catalog', path('catalog.json')];
  const writeArgs = ['write', '--config', path('destination.json'), '--catalog', path('catalog.json')];
  const mounted = [...containerArgs, '--volume', `${folder}:${folder}`];
  const pipeline = (name: string): readonly string[] => ['--config', path(`${name}.json`), '--name', name];
  // State is kept nowhere: each run is the first one.
  const syncArgs = (name: string) => [
    'sync',
    ...pipeline(name),
    '--json',
    '--reset-state',
    '--state',
    path(`${name}-state.json`),
  ];
  const engineInContainer = [...mounted, '--tmpfs', '/tmp', images.engine];

  // What the init containers of a pod do, one after the other.
  const prepare = async (): Promise<void> => {
    await makePipes(setting, mounted);
    for (const side of ['source', 'destination'] as const)
      await run('docker', [...mounted, images[side], 'spec', '--output', join(pipes[side], 'spec')]);
  };

  const byHost = (name: string, needed: readonly string[]): Way => ({
    name,
    spec: () => run(process.execPath, [engine, 'spec', ...pipeline(name)]),
    sync: () => run(process.execPath, [engine, ...syncArgs(name)]),
    images: needed,
  });

  return [
    byHost('process', []),
    {
      name: 'bare-pipe',
      spec: () => run(process.execPath, [here.source, 'spec']),
      sync: () =>
        inShell([process.execPath, here.source, ...readArgs], [process.execPath, here.destination, ...writeArgs]),
      images: [],
    },
    byHost('docker', connectors),
    {
      name: 'docker-pipe',
      spec: () => run('docker', [...containerArgs, images.source, 'spec']),
      sync: () =>
        inShell(
          ['docker', ...mounted, images.source, ...readArgs],
          ['docker', ...mounted, '--interactive', images.destination, ...writeArgs],
        ),
      images: connectors,
    },
    {
      name: 'pod',
      spec: async () => {
        await prepare();
        await run('docker', [...engineInContainer, 'spec', ...pipeline('pod')]);
      },
      sync: async () => {
        await prepare();
        await run('docker', [...mounted, images.source, 'discover', '--output', join(pipes.source, 'discover')]);
        const at = (side: keyof typeof pipes, ...names: readonly string[]): readonly string[] =>
          names.flatMap((name) => [`--${name}`, join(pipes[side], name)]);
        const source = ['read', '--config', path('source.json'), '--stop-on-stdin-end'];
        const [, , messages] = await Promise.all([
          run('docker', [...mounted, images.source, ...source, ...at('source', 'catalog', 'state', 'input', 'output')]),
          run('docker', [
            ...[...mounted, images.destination, 'write', '--config', path('destination.json')],
            ...at('destination', 'catalog', 'input', 'output'),
          ]),
          run('docker', [...engineInContainer, ...syncArgs('pod')]),
        ]);
        return messages;
      },
      images: [...connectors, 'penstock'],
    },
    {
      name: 'one-container',
      spec: () => run('docker', [...engineInContainer, 'spec', ...pipeline('one-container')]),
      sync: () => run('docker', [...engineInContainer, ...syncArgs('one-container')]),
      images: ['penstock'],
    },
  ];
}

/** Removes containers of a way that failed: the parts of a pod wait for each other. */
export async function removeContainers(): Promise<void> {
  const ids = (await run('docker', ['ps', '--all', '--quiet', '--filter', `label=${label}`]))
    .split('\n')
    .filter(Boolean);
  if (ids.length > 0) await run('docker', ['rm', '--force', ...ids]);
}

/** `source | destination`, as the shell does it. */
function inShell(source: readonly string[], destination: readonly string[]): Promise<string> {
  const quote = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');
  return run('bash', ['-c', `set -o pipefail; ${quote(source)} | ${quote(destination)}`]);
}

async function makePipes({ folder, images }: Setting, mounted: readonly string[]): Promise<void> {
  const sides = { source: ['catalog', 'state', 'input', 'output'], destination: ['catalog', 'input', 'output'] };
  await rm(join(folder, 'pipes'), { recursive: true, force: true });
  for (const side of Object.keys(sides)) {
    const at = join(folder, 'pipes', side);
    await mkdir(at, { recursive: true });
    // The containers' user writes here.
    await chmod(at, 0o777);
  }
  const paths = Object.entries(sides).flatMap(([side, names]) =>
    names.map((name) => join(folder, 'pipes', side, name)),
  );
  await run('docker', [...mounted, '--entrypoint', 'mkfifo', images.engine, ...paths]);
}
