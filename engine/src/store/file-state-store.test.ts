import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { fileStateStore } from './file-state-store.ts';
import { LEASE_MS } from './lease.ts';
import { exampleState } from './testing.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-state-'));
  path = join(folder, 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('gives back exactly what was saved, from a file that only its owner can read', async () => {
  const store = fileStateStore(path);
  const session = await store.open('p');
  expect(session.previous).toBeUndefined();
  const state = exampleState({ customers: { remaining: [{ gte: 1, lt: 2, cursor: 'cus_1' }] } });
  await session.save(state);
  await session.close();
  expect(await store.load('p')).toEqual(state);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['state.json']);
});

it('removes what an engine left that was killed while it wrote, and nothing else', async () => {
  const draft = `state.json.${randomUUID()}.draft`;
  for (const name of [draft, 'state.json.old', `other.json.${randomUUID()}.draft`]) {
    writeFileSync(join(folder, name), '{');
  }
  const session = await fileStateStore(path).open('p');
  await session.close();
  const left = readdirSync(folder);
  expect(left).not.toContain(draft);
  expect(left).toHaveLength(2);
});

it('refuses a second engine and says who holds the file since when', async () => {
  const session = await fileStateStore(path).open('p');
  await expect(fileStateStore(path).open('p')).rejects.toMatchObject({
    code: 'lease_held',
    message: expect.stringMatching(new RegExp(`process ${process.pid} on ${hostname()}, since 20.*Z`)),
  });
  await expect(fileStateStore(path).reset('p')).rejects.toMatchObject({ code: 'lease_held' });
  await session.close();
  await (await fileStateStore(path).open('p')).close();
});

/** A program that takes the lock, says so or why it couldn't, and then stays. */
const program = () => `
  import { fileStateStore } from ${JSON.stringify(join(import.meta.dirname, 'file-state-store.ts'))};
  const said = await fileStateStore(${JSON.stringify(path)}).open('p').then(() => 'open', (error) => error.message);
  console.log(said);
  setInterval(() => {}, 1000);`;

/** Starts it by `command`. @returns the process, and what it said */
async function startEngine(command = process.execPath, ...args: string[]) {
  const child = spawn(command, [...args, '--input-type=module', '-e', program()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  return { child, said: String(said).trim() };
}

it('takes over at once from an engine that was killed', async () => {
  const { child, said } = await startEngine();
  expect(said).toBe('open');
  await expect(fileStateStore(path).open('p')).rejects.toMatchObject({ code: 'lease_held' });
  child.kill('SIGKILL');
  await once(child, 'close');
  await (await fileStateStore(path).open('p')).close();
});

const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;

/** Where an engine may live, and what starts it there; a namespace of its own takes rights that not everybody has. */
const namespaces: [where: string, start: readonly string[]][] = [['both in one namespace of process ids', []]];
if (spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'true']).status === 0)
  namespaces.push(['each in a namespace of its own', UNSHARE]);

it.each(namespaces)('refuses a second engine while the first one lives, %s', async (_, start) => {
  const [command, ...args] = [...start, process.execPath];
  expect((await startEngine(command, ...args)).said).toBe('open');
  const { pid } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
  await expect(fileStateStore(path).open('p')).rejects.toThrow(`process ${pid} on ${hostname()}`);
  expect((await startEngine(command, ...args)).said).toContain(`process ${pid} on ${hostname()}`);
});

it('trusts a process id that is not there only where it counts, else the time alone', async () => {
  const session = await fileStateStore(path).open('p');
  const own = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
  await session.close();
  // Larger than any id that Linux gives (proc(5), pid_max).
  const gone = { ...own, pid: 2 ** 22 + 1, token: 'other' };
  const { pid_space = 'boot pid:[0]', ...unspoken } = gone;
  const [boot, namespace] = pid_space.split(' ');
  const elsewhere = [`${boot} pid:[1]`, `another-boot ${namespace}`].map((space) => ({ ...gone, pid_space: space }));
  // Older versions wrote a lock without it, and on other systems there is none.
  const untold = process.platform === 'linux' ? [unspoken] : [];
  for (const lock of [...elsewhere, ...untold]) {
    writeFileSync(`${path}.lock`, JSON.stringify(lock));
    await expect(fileStateStore(path).open('p')).rejects.toMatchObject({ code: 'lease_held' });
    const old = new Date(Date.now() - LEASE_MS - 1000);
    utimesSync(`${path}.lock`, old, old);
    await (await fileStateStore(path).open('p')).close();
  }
  writeFileSync(`${path}.lock`, JSON.stringify(gone));
  await (await fileStateStore(path).open('p')).close();
});

it('leaves no draft of the lock behind when the disk has no room for it', async () => {
  const sized = ['-c', 'ulimit -f 0; exec "$0" "$@"', process.execPath];
  const { child, said } = await startEngine('sh', ...sized);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(said).toMatch(/Can not lock the state in .*EFBIG/);
  expect(readdirSync(folder)).toEqual([]);
});

it('removes drafts of the lock that an engine left long ago, and none that may be in use', async () => {
  const [young, old] = [1, 2].map(() => `state.json.lock.${randomUUID()}`) as [string, string];
  for (const name of [young, old]) writeFileSync(join(folder, name), '');
  const then = new Date(Date.now() - LEASE_MS - 1000);
  utimesSync(join(folder, old), then, then);
  await (await fileStateStore(path).open('p')).close();
  expect(readdirSync(folder)).toEqual([young]);
});

it('takes over from another host only when the lock was not touched for the length of a lease', async () => {
  const lock = { host: 'elsewhere', pid: 7, since: '2026-01-31T12:00:00Z', token: 'other' };
  writeFileSync(`${path}.lock`, JSON.stringify(lock));
  await expect(fileStateStore(path).open('p')).rejects.toThrow('process 7 on elsewhere, since 2026-01-31T12:00:00Z');
  const old = new Date(Date.now() - LEASE_MS - 1000);
  utimesSync(`${path}.lock`, old, old);
  await (await fileStateStore(path).open('p')).close();
});

it('rejects the writes of an engine whose lock was taken over, and keeps what the new one saved', async () => {
  const old = await fileStateStore(path).open('p');
  rmSync(`${path}.lock`);
  const taken = await fileStateStore(path).open('p');
  const state = exampleState({ a: 1 });
  await taken.save(state);
  await expect(old.save(exampleState({ a: 2 }))).rejects.toMatchObject({ code: 'lease_held' });
  expect(old.lost.aborted).toBe(true);
  await expect(old.save(exampleState({ a: 3 }))).rejects.toMatchObject({ code: 'lease_held' });
  await old.close();
  await taken.save(exampleState({ a: 4 }));
  await taken.close();
  expect((await fileStateStore(path).load('p'))?.source.streams).toEqual({ a: 4 });
});

it.each([
  ['{"source":', 'not JSON'],
  ['{"source": {"streams": 7}, "sync_run": {}}', 'source.streams'],
  ['[]', 'expected object'],
])('refuses the state file %j, names it, and a reset gets rid of it', async (text, reason) => {
  writeFileSync(path, text);
  const store = fileStateStore(path);
  const error = await store.open('p').catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'state_invalid', remedy: expect.stringContaining('--reset-state') });
  expect(error.message).toContain(path);
  expect(error.message).toContain(reason);
  expect(readFileSync(path, 'utf8')).toBe(text);
  expect(await store.reset('p')).toBe(true);
  expect(await store.load('p')).toBeUndefined();
  expect(await store.reset('p')).toBe(false);
});

it('refuses the state of another pipeline, also for a reset', async () => {
  const store = fileStateStore(path);
  const session = await store.open('p');
  await session.save(exampleState({ a: 1 }));
  await session.close();
  await expect(store.load('q')).rejects.toThrow('belongs to pipeline "p"');
  await expect(store.reset('q')).rejects.toThrow('belongs to pipeline "p"');
  expect(await store.list()).toMatchObject([{ pipeline: 'p', streamCount: 1 }]);
});

it('forgets some streams and keeps the others', async () => {
  const store = fileStateStore(path);
  const session = await store.open('p');
  await session.save(exampleState({ a: 1, b: 2 }));
  await session.close();
  expect(await store.resetStreams('p', ['a', 'c'])).toEqual(['a']);
  const state = await store.load('p');
  expect(state?.source.streams).toEqual({ b: 2 });
  expect(Object.keys(state?.sync_run.progress.streams ?? {})).toEqual(['b']);
  expect(await store.resetStreams('p', ['a'])).toEqual([]);
});

it('says which file it can not write', async () => {
  const session = await fileStateStore(path).open('p');
  const nowhere = fileStateStore(join(folder, 'missing', 'state.json'));
  await expect(nowhere.open('p')).rejects.toMatchObject({
    code: 'state_store_unreachable',
    message: expect.stringContaining(join(folder, 'missing', 'state.json')),
  });
  await session.close();
});

it('refuses a stream state over the limit, with its stream and size', async () => {
  const session = await fileStateStore(path).open('p');
  await expect(session.save(exampleState({ big: 'x'.repeat(1024 * 1024) }))).rejects.toThrow(
    'stream "big" has 1048578 bytes; at most 1048576',
  );
  await session.close();
});

it('puts a state in the place of whatever is there, also of what can not be read, but of no other pipeline', async () => {
  const store = fileStateStore(path);
  writeFileSync(path, '{"source":');
  const state = exampleState({ a: { z: 1, a: 2 } });
  await store.replace('p', state);
  expect(await store.load('p')).toEqual(state);
  await expect(store.replace('q', state)).rejects.toThrow('belongs to pipeline "p"');
  const session = await store.open('p');
  await expect(store.replace('p', state)).rejects.toMatchObject({ code: 'lease_held' });
  await session.close();
});
