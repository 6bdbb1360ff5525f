import { PassThrough, Writable } from 'node:stream';
import { type EngineMessage, encodeMessage, message } from '@penstock/protocol';
import { expect, it, vi } from 'vitest';
import { createReporter } from './reporter.ts';
import { BEGIN, exampleEof, exampleProgress } from './testing.ts';

const log = (text: string) => message.log({ level: 'warn', message: text });

/** A terminal that remembers what was written to it. */
function fakeTerminal(columns: number, rows: number) {
  let written = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  return { stdout: Object.assign(output, { isTTY: true, columns, rows }), written: () => written };
}

it('json: writes each message as the line it is, with its pipeline and, once that is known, its run', async () => {
  const { stdout, written } = fakeTerminal(80, 24);
  let runId: string | undefined;
  const reporter = createReporter({ mode: 'json', stdout, pipeline: 'p', runId: () => runId });
  const messages: EngineMessage[] = [log('a'), message.progress(exampleProgress()), message.eof(exampleEof())];
  for (const each of messages) {
    await reporter.onMessage(each);
    runId = 'run_1';
  }
  await reporter.close();
  const [first, ...others] = messages.map((each) => ({ ...each, _pipeline: 'p' }));
  const expected = [first!, ...others.map((each) => ({ ...each, _run_id: 'run_1' }))];
  expect(written()).toBe(expected.map(encodeMessage).join(''));
});

it('json: asks to wait while the reader is slow, and no longer', async () => {
  const stdout = new PassThrough({ highWaterMark: 100 });
  const reporter = createReporter({ mode: 'json', stdout, pipeline: 'p' });
  const waits = reporter.onMessage(log('x'.repeat(200)));
  expect(waits).toBeInstanceOf(Promise);
  stdout.resume();
  await waits;
  expect(reporter.onMessage(log('y'))).toBeUndefined();
  await reporter.close();
});

it.each(['json', 'plain'] as const)('%s: goes on when the reader leaves', async (mode) => {
  const stdout = new PassThrough({ highWaterMark: 10 });
  const reporter = createReporter({ mode, stdout, pipeline: 'p' });
  const waits = reporter.onMessage(log('x'.repeat(200)));
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await waits;
  expect(reporter.onMessage(log('y'))).toBeUndefined();
  await reporter.close();
});

it.each(['json', 'plain'] as const)(
  '%s: does not wait for a stalled reader any more, which gets the rest when it goes on',
  async (mode) => {
    const stdout = new PassThrough({ highWaterMark: 10 });
    const reporter = createReporter({ mode, stdout, pipeline: 'p' });
    const waits = reporter.onMessage(log('x'.repeat(200)));
    const closed = reporter.close();
    reporter.stopWaiting();
    await Promise.all([waits, closed]);
    expect(reporter.onMessage(log('yyy'))).toBeUndefined();
    await reporter.close();
    expect(String(stdout.read())).toContain('yyy');
    expect([stdout.listenerCount('drain'), stdout.listenerCount('close')]).toEqual([0, 1]);
  },
);

it('quiet: writes nothing', async () => {
  const { stdout, written } = fakeTerminal(80, 24);
  const reporter = createReporter({ mode: 'quiet', stdout, pipeline: 'p' });
  await reporter.onMessage(message.eof(exampleEof()));
  await reporter.close();
  expect(written()).toBe('');
});

it('plain: uses colours only where they are wanted', async () => {
  for (const color of [true, false]) {
    const { stdout, written } = fakeTerminal(80, 24);
    const reporter = createReporter({ mode: 'plain', stdout, pipeline: 'p', color, now: () => BEGIN });
    await reporter.onMessage(log('careful'));
    await reporter.close();
    expect(written().includes('\u001b')).toBe(color);
    expect(written()).toContain('careful');
  }
});

it('live: leaves the summary and every log on the screen, however short the run', async () => {
  const { stdout, written } = fakeTerminal(100, 24);
  const reporter = createReporter({ mode: 'live', stdout, pipeline: 'shop', color: false });
  reporter.onMessage(message.progress(exampleProgress()));
  reporter.onMessage(log('careful'));
  reporter.onMessage(message.eof(exampleEof()));
  await reporter.close();
  const end = written().slice(written().lastIndexOf('careful'));
  expect(end).toContain('✓ customers');
  expect(end).toContain('shop: stopped at the time limit, 1 of 6 streams failed. Run again to go on.');
});

it('live: draws on the other screen, and leaves it before what stays is printed', async () => {
  const { stdout, written } = fakeTerminal(80, 24);
  const reporter = createReporter({ mode: 'live', stdout, pipeline: 'shop', color: false });
  reporter.onMessage(message.progress(exampleProgress()));
  await vi.waitFor(() => expect(written()).toContain('reading'), 60_000);
  stdout.columns = 40;
  stdout.emit('resize');
  expect(written()).toContain('\u001b[2J\u001b[H');
  reporter.onMessage(message.eof(exampleEof()));
  await reporter.close();
  const [before, after] = written().split('\u001b[?1049l');
  expect(before).toContain('\u001b[?1049h');
  expect(before).not.toContain('Run again');
  expect(after).toContain('Run again to go on.');
  expect(stdout.listenerCount('resize')).toBe(0);
});

it('live: keeps the first and the last of a storm of logs, and says how many it left out', async () => {
  const { stdout, written } = fakeTerminal(80, 24);
  const reporter = createReporter({ mode: 'live', stdout, pipeline: 'p', color: false });
  for (let index = 0; index < 10_000; index++) reporter.onMessage(log(`odd ${index}.`));
  await reporter.close();
  const lines = written().split('\n');
  const at = lines.findIndex((line) => line.endsWith('odd 0.'));
  expect(lines[at + 99]).toContain('odd 99.');
  expect(lines[at + 100]).toContain('… 9,800 lines left out; --plain shows all of them');
  expect(lines[at + 200]).toContain('odd 9999.');
});

it('live: prints at the end what it was told to say, and nothing once it is closed', async () => {
  const { stdout, written } = fakeTerminal(80, 24);
  const reporter = createReporter({ mode: 'live', stdout, pipeline: 'p', color: false });
  expect(reporter.say('SIGINT: stopping')).toBe(true);
  await reporter.close();
  expect(written()).toContain('SIGINT: stopping\n');
  expect(reporter.say('too late')).toBe(false);
});

it.each(['json', 'plain', 'quiet'] as const)('%s: leaves what is said to stderr', (mode) => {
  expect(createReporter({ mode, stdout: new PassThrough(), pipeline: 'p' }).say('SIGINT: stopping')).toBe(false);
});
