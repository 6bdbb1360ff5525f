/** Whole processes that misbehave, or whose surroundings do. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { message } from '@penstock/protocol';
import { describe, expect, test } from 'vitest';
import { openToRead, openToWrite } from './open-file.ts';
import { asLines, messagesOf, runConnectorForTest, StopControl, testCatalog, testRecord } from './testing/index.ts';
import { runProcess } from './testing/run-process.ts';
import { smallDestination } from './testing/small-connectors.ts';

const source = join(import.meta.dirname, 'testing/programs/endless-source.ts');
const destination = join(import.meta.dirname, 'testing/programs/slow-destination.ts');
const folder = mkdtempSync(join(tmpdir(), 'sdk-run-'));
const catalog = join(folder, 'catalog.json');
writeFileSync(catalog, JSON.stringify(testCatalog('a', 'b')));

function flags(command: string, text = ''): string[] {
  const config = join(folder, `config-${text}.json`);
  writeFileSync(config, JSON.stringify({ text }));
  return [command, '--config', config, '--catalog', catalog];
}

/** Waits until `isTrue` says so; the test's own time limit bounds it. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(20);
}

describe('a source as a process', () => {
  test.each(['records', 'batches'])(
    'whose reader leaves stops with exit 10 and without a stack trace (%s)',
    async (text) => {
      const run = runProcess(source, flags('read', text), {}, true);
      await once(run.child.stdout!, 'data');
      run.child.stdout!.destroy();
      expect(await run.ended).toBe(10);
      expect(await run.stderr).toBe('source-small: The reader of the output is gone: stopping.\nreleased\n');
    },
  );

  test.each(['records', 'batches'])('whose reader never reads is not asked for more (%s)', async (text) => {
    const pulledFile = join(folder, `pulled-${text}`);
    writeFileSync(pulledFile, '');
    const run = runProcess(source, flags('read', text), { PULLED_FILE: pulledFile }, true);
    let before = -1;
    await until(() => statSync(pulledFile).size > 0);
    // It has come to rest when half a second passes without a pull.
    for (let now = statSync(pulledFile).size; now !== before; now = statSync(pulledFile).size) {
      before = now;
      await sleep(500);
    }
    expect(before).toBeLessThan(text === 'batches' ? 10 : 20_000);
    run.child.kill('SIGTERM');
    run.child.stdout!.resume();
    expect(await run.ended).toBe(10);
  });

  test('that gets SIGTERM ends after a whole line, releases what it holds, and exits with 10', async () => {
    const run = runProcess(source, flags('read', 'batches'), {}, true);
    const chunks: Buffer[] = [];
    let bytes = 0;
    run.child.stdout!.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > 3_000_000 && !run.child.killed) run.child.kill('SIGTERM');
    });
    expect(await run.ended).toBe(10);
    const messages = messagesOf(Buffer.concat(chunks).toString());
    expect(messages.length).toBeGreaterThan(2000);
    expect(await run.stderr).toContain('released');
  });

  test('that does not hear SIGTERM ends at the second one', async () => {
    const run = runProcess(source, flags('read', 'deaf'), {}, true);
    await once(run.child.stdout!, 'data');
    run.child.stdout!.resume();
    run.child.kill('SIGTERM');
    // One that comes together with the first is the same wish, so it is said again until it counts.
    const again = setInterval(() => run.child.kill('SIGINT'), 100);
    expect(await run.ended).toBe(10);
    clearInterval(again);
    expect(await run.stderr).toBe('source-small: SIGTERM: stopping.\n');
  });

  test('with --stop-on-stdin-end stops when stdin ends, and not before', async () => {
    const run = runProcess(source, [...flags('read', 'records'), '--stop-on-stdin-end'], {}, true);
    let bytes = 0;
    run.child.stdout!.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await until(() => bytes > 100_000);
    expect(run.child.exitCode).toBeNull();
    run.child.stdin!.end();
    expect(await run.ended).toBe(10);
  });

  test('without --stop-on-stdin-end never looks at stdin', async () => {
    const run = runProcess(source, flags('read', 'records'), {}, true);
    run.child.stdin!.end();
    let bytes = 0;
    run.child.stdout!.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await until(() => bytes > 1_000_000);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(10);
    expect(await run.stderr).toContain('SIGTERM: stopping.');
  });

  test('keeps what its author prints away from stdout', async () => {
    const run = runProcess(source, flags('read', 'console'));
    expect(messagesOf(await run.stdout).map((item) => item.type)).toEqual(['record', 'stream_status', 'stream_status']);
    expect(await run.stderr).toBe('a line of the author\nanother one\nreleased\n');
    expect(await run.ended).toBe(0);
  });

  test('whose output has no space left stops with exit 30 and says so', async () => {
    const run = runProcess(source, [...flags('read', 'records'), '--output', '/dev/full']);
    expect(await run.ended).toBe(30);
    expect(await run.stderr).toMatch(
      /^source-small: The output can not be written \(ENOSPC.*\): stopping\.\nreleased\n$/,
    );
  });

  test('with a rejection that nobody handles says so in one line and exits with 30', async () => {
    const run = runProcess(source, flags('read', 'careless'));
    const messages = messagesOf(await run.stdout);
    expect(messages.filter((item) => item.type === 'connection_status')).toMatchObject([
      { connection_status: { status: 'failed', failure_type: 'system' } },
    ]);
    expect(await run.stderr).toMatch(/^source-small: Unexpected error: lost with .*\n$/);
    expect(await run.ended).toBe(30);
  });

  test('writes to a file that --output names', async () => {
    const path = join(folder, 'output.ndjson');
    const run = runProcess(source, [...flags('read', 'console'), '--output', path]);
    expect(await run.ended).toBe(0);
    expect(messagesOf(readFileSync(path, 'utf8'))).toHaveLength(3);
  });
});

describe('a destination as a process', () => {
  const complete = asLines(
    message.streamStatus({ stream: 'a', status: 'complete' }),
    message.streamStatus({ stream: 'b', status: 'complete' }),
  );
  const checkpoint = (at: number) =>
    message.sourceState({ state_type: 'stream', stream: 'a', data: { at }, record_count: 1 });

  test('ends when it is done although its author left something open', async () => {
    const run = runProcess(destination, flags('write'));
    run.child.stdin!.end(asLines(testRecord('a', { id: 1 }), checkpoint(1)) + complete);
    expect(messagesOf(await run.stdout)).toHaveLength(3);
    expect(await run.ended).toBe(0);
  });

  test('commits what it has at SIGTERM and exits with 10', async () => {
    const run = runProcess(destination, flags('write'), {}, true);
    const chunks: Buffer[] = [];
    run.child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    run.child.stdin!.write(asLines(testRecord('a', { id: 1 }), checkpoint(1)));
    await until(() => chunks.length > 0);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(10);
    expect(messagesOf(Buffer.concat(chunks).toString())).toEqual([checkpoint(1)]);
  });

  test('that nobody reads stops reading', async () => {
    const run = runProcess(destination, flags('write'), {}, true);
    const line = asLines(message.log({ level: 'info', message: 'x'.repeat(10_000) }));
    let accepted = 0;
    run.child.stdin!.on('error', () => undefined);
    // The pipes hold some, the program a bounded amount; then writing has to block.
    for (;;) {
      if (run.child.stdin!.write(line)) {
        accepted += line.length;
        expect(accepted).toBeLessThan(64 * 1024 * 1024);
        continue;
      }
      accepted += line.length;
      const drained = await Promise.race([once(run.child.stdin!, 'drain').then(() => true), sleep(500, false)]);
      if (!drained) break;
    }
    expect(accepted).toBeLessThan(64 * 1024 * 1024);
    run.child.kill('SIGKILL');
    await run.ended;
  });

  test('whose reader leaves ends with exit 10', async () => {
    const run = runProcess(destination, flags('write'), {}, true);
    run.child.stdin!.on('error', () => undefined);
    run.child.stdout!.destroy();
    const feed = setInterval(() => run.child.stdin!.write(asLines(testRecord('a', { id: 1 }), checkpoint(1))), 5);
    expect(await run.ended).toBe(10);
    clearInterval(feed);
    expect(await run.stderr).toContain('The reader of the output is gone: no more input is read');
  });
});

describe('named pipes', () => {
  function namedPipe(name: string): string {
    const path = join(folder, name);
    execFileSync('mkfifo', [path]);
    return path;
  }

  test('join a source and a destination, whichever end is opened first', async () => {
    const pipe = namedPipe('pipe');
    const run = runProcess(destination, [...flags('write'), '--input', pipe]);
    const feeder = runProcess(source, [...flags('read', 'console'), '--output', pipe]);
    expect(await feeder.ended).toBe(0);
    expect(messagesOf(await run.stdout).map((item) => item.type)).toEqual(['stream_status', 'stream_status']);
    expect(await run.ended).toBe(0);
  });

  test.each([
    ['read', openToRead, 'nobody opened it for writing within 0.1 s'],
    ['written', openToWrite, 'nobody opened it for reading within 0.1 s'],
  ] as const)('that are to be %s are given up when the other end stays closed', async (name, open, text) => {
    await expect(open('Pipe', namedPipe(`alone-${name}`), { timeoutMs: 100 })).rejects.toThrow(text);
  });

  test('are given up at once when the program is asked to stop', async () => {
    const stop = new StopControl();
    const args = [...flags('write'), '--input', namedPipe('stopped')];
    const ended = runConnectorForTest(smallDestination(), args, { stop });
    // Opening is under way by then; were it not, the answer would have to be the same.
    await sleep(100);
    stop.request('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 10, stdout: '' });
  });
});
