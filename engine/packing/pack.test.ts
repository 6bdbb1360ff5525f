import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packEngine } from './pack.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const fakes = join(root, 'engine/src/launch/testing');

const consumer = `
import { type EngineMessage, runSync, type SyncResult } from '@penstock/engine';

const stop = new AbortController();
const pipeline: unknown = JSON.parse(process.argv[2]!);
const seen: EngineMessage['type'][] = [];
const result: SyncResult = await runSync(pipeline as object, {
  signal: stop.signal,
  onMessage(message) {
    seen.push(message.type);
    if (process.argv[3] === 'abort' && message.type === 'source_state') stop.abort();
    return undefined;
  },
});
const { exitCode, eof } = result;
console.log(JSON.stringify({ exitCode, reason: eof.reason, first: seen[0], last: seen.at(-1), streams: eof.run_progress.streams }));
`;

let folder: string;
/**
 * An empty folder outside of the workspace with the tarballs in it. What they depend on is linked: it is in the workspace in the same
 * versions, and a test should not need a registry.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-pack-test-'));
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@penstock'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@penstock' && !name.startsWith('.'))
      await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  const tarballs = await packEngine(join(folder, 'packed'));
  for (const tarball of tarballs) {
    const name = /\/penstock-([a-z-]+)-\d+\.\d+\.\d+\.tgz$/.exec(tarball)![1]!;
    const target = join(modules, '@penstock', name);
    await mkdir(target);
    await run('tar', ['-xzf', tarball, '-C', target, '--strip-components', '1']);
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  await writeFile(join(folder, 'consumer.ts'), consumer);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function consume(name: string, source: object, ...args: string[]): Promise<Record<string, unknown>> {
  const command = (file: string) => [process.execPath, join(fakes, file)];
  const pipeline = {
    name,
    source: { command: command('fake-source.mjs'), config: source },
    destination: { command: command('fake-destination.mjs'), config: { path: join(folder, `${name}.txt`) } },
    state: { file: join(folder, `${name}.json`) },
  };
  const argv = [join(folder, 'consumer.ts'), JSON.stringify(pipeline), ...args];
  const { stdout } = await run(process.execPath, argv, { cwd: folder });
  return JSON.parse(stdout) as Record<string, unknown>;
}

it('an installed engine runs a sync for a program', async () => {
  const result = await consume('whole', { streams: { a: 250 } });
  expect(result).toMatchObject({ exitCode: 0, reason: 'complete', first: 'catalog', last: 'eof' });
  expect((await readFile(join(folder, 'whole.txt'), 'utf8')).trim().split('\n')).toHaveLength(250);
});

it('an installed engine stops softly when its signal is aborted, and goes on with the next call', async () => {
  const stopped = await consume('cut', { streams: { a: 5000 }, page: 10, delay_ms: 20 }, 'abort');
  expect(stopped).toMatchObject({ exitCode: 10, reason: 'aborted', last: 'eof' });
  const rest = await consume('cut', { streams: { a: 5000 } });
  expect(rest).toMatchObject({ exitCode: 0, reason: 'complete' });
  expect(new Set((await readFile(join(folder, 'cut.txt'), 'utf8')).trim().split('\n')).size).toBe(5000);
});

it('the types of an installed engine fit a strict TypeScript program', async () => {
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  await run(join(root, 'node_modules/.bin/tsc'), [...flags, 'consumer.ts'], { cwd: folder });
});

it('the packed command starts', async () => {
  const main = join(folder, 'node_modules/@penstock/engine/src/main.js');
  const { stdout } = await run(process.execPath, [main, '--version'], { cwd: folder });
  expect(stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
});

it('the JSON Schema of the pipeline file is packed where an editor is pointed at it', async () => {
  const file = join(folder, 'node_modules/@penstock/engine/schema/pipeline.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ title: 'Penstock pipeline file' });
});
