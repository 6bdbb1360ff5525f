import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationMessage, LogPayload } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningConnector } from '../launch/launcher.ts';
import { processConnector } from '../launch/process.ts';
import { scriptConnector } from '../launch/testing/script-connector.ts';
import { Relay, type RelayEnd, type RelayOptions } from './relay.ts';

let folder: string;
const running: RunningConnector[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-relay-test-'));
});
afterEach(async () => {
  for (const connector of running.splice(0)) connector.kill();
  await rm(folder, { recursive: true, force: true });
});

interface Seen {
  readonly messages: DestinationMessage[];
  readonly fromSource: string[];
  readonly logs: LogPayload[];
  readonly unknown: string[];
}

/** Joins two scripts. `out` is a file for the destination. */
async function join2(sourceCode: string, destinationCode: string, more: Partial<RelayOptions> = {}) {
  const source = await scriptConnector('source/test', sourceCode).launch({ command: 'read' });
  const destination = await scriptConnector('destination/test', destinationCode).launch({ command: 'write' });
  return start(source, destination, more);
}

function start(source: RunningConnector, destination: RunningConnector, more: Partial<RelayOptions>) {
  running.push(source, destination);
  const seen: Seen = { messages: [], fromSource: [], logs: [], unknown: [] };
  const relay = new Relay({
    source,
    destination,
    streams: new Set(['a']),
    onSourceMessage: (message) => seen.fromSource.push(message.type),
    onDestinationMessage: (message) => seen.messages.push(message),
    onLog: (log) => seen.logs.push(log),
    onUnknownStream: (stream) => seen.unknown.push(stream),
    stopTimeoutMs: 500,
    finishTimeoutMs: 500,
    ...more,
  });
  return { relay, seen, source, destination };
}

/** Writes what it gets to the file, and ends well. */
const keeper = (file: string): string =>
  `for await (const chunk of process.stdin) appendFileSync(${JSON.stringify(file)}, chunk);`;
/** Reads to the end and says nothing. */
const sink = 'for await (const _ of process.stdin);';
const flood = `for (;;) await write((JSON.stringify(record('a', 'x'.repeat(1000))) + '\\n').repeat(60));`;

function text(end: RelayEnd): string {
  return `${end.error?.code}: ${end.error?.message}`;
}

describe('the relay', () => {
  it('gives the destination the same bytes, and ends when both have', async () => {
    const out = join(folder, 'out');
    const { relay, seen } = await join2(
      `for (let i = 0; i < 20000; i++) await write(JSON.stringify(record('a', 'é' + i)) + (i % 3 ? '\\n' : '\\r\\n'));`,
      keeper(out),
    );
    const end = await relay.done;
    const line = (i: number): string =>
      `${JSON.stringify({ type: 'record', record: { stream: 'a', emitted_at: '2026-01-01T00:00:00Z', data: { id: `é${i}` } } })}${i % 3 ? '\n' : '\r\n'}`;
    expect(await readFile(out, 'utf8')).toBe(Array.from({ length: 20000 }, (_, i) => line(i)).join(''));
    expect(end).toMatchObject({ error: undefined, sourceCutOff: false, sourceEnd: { kind: 'exited', code: 0 } });
    expect(relay.takeCounts().get('a')).toMatchObject({ records: 20000 });
    expect(seen.logs).toEqual([]);
  });

  it('stops a source that never ends, and has the destination finish', async () => {
    const { relay } = await join2(
      `process.on('SIGTERM', () => process.exit(10)); say(record('a', 1)); forever();`,
      sink,
      // Both may still be starting, which takes its time on a busy machine.
      { stopTimeoutMs: 20_000, finishTimeoutMs: 20_000 },
    );
    relay.stop();
    expect(await relay.done).toMatchObject({
      error: undefined,
      sourceCutOff: true,
      destinationEnd: { kind: 'exited', code: 0 },
    });
  });

  it('kills a source that ignores SIGTERM', async () => {
    const { relay, source } = await join2(`process.on('SIGTERM', () => {}); say(record('a', 1)); forever();`, sink);
    source.stdout.once('data', () => relay.stop());
    expect(await relay.done).toMatchObject({ sourceEnd: { kind: 'killed', signal: 'SIGKILL' } });
  });

  it('ends a destination that never reads, while the source floods', async () => {
    const { relay, destination } = await join2(flood, 'forever();');
    await expect.poll(() => destination.stdin.writableLength).toBeGreaterThan(1024 * 1024);
    expect(destination.stdin.writableLength).toBeLessThan(8 * 1024 * 1024);
    relay.stop();
    const end = await relay.done;
    expect(text(end)).toMatch(/timed_out: destination\/test did not take what source\/test wrote/);
    expect(end.destinationEnd).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  it('stops the source when the destination fails, and says what that wrote on stderr', async () => {
    const { relay } = await join2(
      flood,
      `process.stdin.once('data', () => { console.error('disk full'); process.exit(3); });`,
    );
    const end = await relay.done;
    expect(text(end)).toMatch(/connector_failed: destination\/test ended with exit code 3.*disk full/);
    expect(end.sourceCutOff).toBe(true);
  });

  it('calls it a violation when the destination ends well before its input', async () => {
    const { relay } = await join2(flood, `process.stdin.once('data', () => process.exit(0));`);
    expect(text(await relay.done)).toMatch(/protocol_violated: destination\/test ended before/);
  });

  it('lets the destination finish when the source fails, without the half line', async () => {
    const out = join(folder, 'out');
    const { relay, seen } = await join2(
      `say(record('a', 1)); process.stdout.write('{"type":"record","rec', () => process.exit(3));`,
      `${keeper(out)} say(status('a', 'running'));`,
    );
    const end = await relay.done;
    expect(end).toMatchObject({ sourceCutOff: false, sourceEnd: { kind: 'exited', code: 3 } });
    expect((await readFile(out, 'utf8')).split('\n')).toHaveLength(2);
    expect(seen.messages).toHaveLength(1);
    expect(seen.logs[0]?.message).toContain('in the middle of line 2');
  });

  it('takes a last line without its newline from a source that ends well', async () => {
    const out = join(folder, 'out');
    const { relay } = await join2(`process.stdout.write(JSON.stringify(record('a', 1)));`, keeper(out));
    expect((await relay.done).error).toBeUndefined();
    expect(await readFile(out, 'utf8')).toMatch(/\}\}\}\n$/);
  });

  it('refuses a line of 100 MB without keeping it', async () => {
    const { relay } = await join2(
      `process.stdout.on('error', () => process.exit(1));
       await write('{"type":"record","record":{"stream":"a","emitted_at":"2026-01-01T00:00:00Z","data":{"x":"');
       for (let i = 0; i < 100; i++) await write('x'.repeat(1024 * 1024));`,
      sink,
    );
    const end = await relay.done;
    expect(end.error).toMatchObject({ code: 'line_too_long', exitCode: 40 });
    expect(end.error?.message).toContain('stream "a"');
  });

  it('gives up on a source that prints rubbish', async () => {
    const { relay } = await join2(`for (;;) await write('Hello, world\\n');`, sink);
    const end = await relay.done;
    expect(end.error).toMatchObject({ code: 'protocol_violated', exitCode: 40 });
    expect(end.error?.message).toContain('source/test');
  });

  it('gives up on a destination that prints rubbish, and believes nothing that follows', async () => {
    const { relay, seen } = await join2(
      flood,
      `for (let i = 0; i < 101; i++) say('rubbish'); say(status('a', 'complete')); ${sink}`,
    );
    const end = await relay.done;
    expect(end.error?.message).toContain('destination/test wrote 101 lines');
    expect(seen.messages).toEqual([]);
  });

  it('takes no records from a destination', async () => {
    const { relay } = await join2(flood, `say(record('a', 1)); ${sink}`);
    expect(text(await relay.done)).toMatch(/protocol_violated: destination\/test wrote a record on line 1/);
  });

  it('ends when the source can not be started', async () => {
    const nowhere = processConnector({ name: 'source/nowhere', command: ['/no/such/program'] });
    const source = await nowhere.launch({ command: 'read' });
    const destination = await scriptConnector('destination/test', sink).launch({ command: 'write' });
    const end = await start(source, destination, {}).relay.done;
    expect(end).toMatchObject({ sourceEnd: { kind: 'never_started' }, destinationEnd: { kind: 'exited', code: 0 } });
  });

  it('ends when the destination can not be started', async () => {
    const nowhere = processConnector({ name: 'destination/nowhere', command: ['/no/such/program'] });
    const destination = await nowhere.launch({ command: 'write' });
    const source = await scriptConnector('source/test', flood).launch({ command: 'read' });
    const end = await start(source, destination, {}).relay.done;
    expect(text(end)).toMatch(/connector_not_found: destination\/nowhere could not be started/);
  });

  it('does not wait for ever for a source that closes its output and stays', async () => {
    const { relay } = await join2(`process.stdout.end(); forever();`, sink);
    const end = await relay.done;
    expect(text(end)).toMatch(/timed_out: source\/test closed its output/);
  });

  it('does not wait for ever for the first word of a source', async () => {
    const { relay } = await join2('forever();', sink, { startTimeoutMs: 100 });
    expect(text(await relay.done)).toMatch(/timed_out: source\/test said nothing within 0.1 s/);
  });

  it('does not wait for ever for a destination that stays after its input', async () => {
    const { relay } = await join2(`say(record('a', 1));`, `${sink} forever();`);
    const end = await relay.done;
    expect(text(end)).toMatch(/timed_out: destination\/test did not end within 0.5 s/);
  });

  it('is over in time after a stop, however much the destination says and whoever listens', async () => {
    const talks = `${sink} setInterval(() => say({ type: 'log', log: { level: 'info', message: 'busy' } }), 20);`;
    for (const pace of [() => undefined, () => new Promise<void>(() => {})]) {
      const { relay, destination } = await join2(`say(record('a', 1));`, talks, { pace, finishTimeoutMs: 60_000 });
      await expect.poll(() => destination.stdin.writableFinished).toBe(true);
      // The source has ended by itself, so nothing is cut off.
      relay.stop();
      const end = await relay.done;
      expect(text(end)).toMatch(/timed_out: destination\/test did not end within 0.5 s/);
      expect(end.sourceCutOff).toBe(false);
    }
  });

  it('ends on demand while its listener is stuck', async () => {
    const { relay, source } = await join2(flood, sink, { pace: () => new Promise<void>(() => {}) });
    await expect.poll(() => source.stdout.isPaused()).toBe(true);
    relay.kill();
    expect(await relay.done).toMatchObject({ killed: true });
  });

  it('does not wait for a process that the source leaves behind', async () => {
    const { relay } = await join2(
      `import { spawn } from 'node:child_process';
       spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
       process.stdout.write(JSON.stringify(record('a', 1)) + '\\n', () => process.exit(0));`,
      sink,
    );
    expect((await relay.done).sourceEnd).toEqual({ kind: 'exited', code: 0 });
  });

  it('ends the run when the source says that its connection failed', async () => {
    const { relay, seen } = await join2(
      `say({ type: 'connection_status', connection_status: { status: 'failed', message: 'bad key', failure_type: 'config' } });
       process.on('SIGTERM', () => process.exit(20)); forever();`,
      sink,
    );
    const end = await relay.done;
    expect(end.error).toMatchObject({ exitCode: 20, message: 'source/test: bad key' });
    expect(seen.fromSource).toEqual(['connection_status']);
  });

  it.each([
    [
      'a source that falls silent',
      `say(record('a', 1)); forever();`,
      sink,
      /^No message from source\/test for 0\.\d s\.$/,
    ],
    ['a destination that stops reading', flood, 'forever();', /^destination\/test has read nothing for/],
    [
      'a destination that does not end',
      `say(record('a', 1));`,
      `${sink} forever();`,
      /^source\/test has ended, and no message/,
    ],
  ])('says that it waits for %s, and goes on waiting', async (_who, sourceCode, destinationCode, said) => {
    const { relay, seen } = await join2(sourceCode, destinationCode, { stallTimeoutMs: 200, finishTimeoutMs: 60_000 });
    await expect.poll(() => seen.logs.map(({ message }) => message)).toContainEqual(expect.stringMatching(said));
    relay.kill();
    expect((await relay.done).error).toBeUndefined();
  });

  it('does not blame the source while its listener is stuck', async () => {
    const { relay, seen, source } = await join2(flood, sink, {
      pace: () => new Promise<void>(() => {}),
      stallTimeoutMs: 20,
    });
    await expect.poll(() => source.stdout.isPaused()).toBe(true);
    seen.logs.length = 0;
    await delay(200);
    expect(seen.logs).toEqual([]);
    relay.kill();
    await relay.done;
  });

  it('kills both on demand, and that is no error', async () => {
    const { relay } = await join2(flood, `process.on('SIGTERM', () => {}); forever();`);
    relay.kill();
    expect(await relay.done).toMatchObject({ error: undefined, killed: true });
  });

  it('reads no more from either while its listener is busy', async () => {
    let release = (): void => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = 0;
    const { relay, source, destination } = await join2(flood, `${keeper(join(folder, 'out'))}`, {
      pace: () => (asked++ === 0 ? busy : undefined),
    });
    await expect.poll(() => source.stdout.isPaused()).toBe(true);
    expect(asked).toBe(1);
    release();
    await expect.poll(() => asked).toBeGreaterThan(10);
    expect(destination.stdin.destroyed).toBe(false);
    relay.kill();
    await relay.done;
  });
});
