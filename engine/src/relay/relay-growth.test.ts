import { PassThrough, Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeMessage, message } from '@penstock/protocol';
import { expect, it } from 'vitest';
import type { ConnectorEnd } from '../launch/connector-end.ts';
import type { RunningConnector } from '../launch/launcher.ts';
import { Relay } from './relay.ts';

const ROUNDS = 10_000;
const RECORDS_PER_ROUND = 100;
/**
 * How much more memory there may be, in MB. What other tests left in the process comes and goes by some; of 80 MB that go through between
 * the two looks all would stay if pieces were kept, and half of that if something were for each record.
 */
const GROWTH_MB_MAX = 20;
const record = message.record({ stream: 'a', emitted_at: '2026-01-01T00:00:00Z', data: { id: 1 } });
const checkpoint = message.sourceState({
  state_type: 'stream',
  stream: 'a',
  data: {},
  record_count: RECORDS_PER_ROUND,
});
const round = Buffer.from(encodeMessage(record).repeat(RECORDS_PER_ROUND) + encodeMessage(checkpoint));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function connector(name: string, stdin: Writable, stdout: PassThrough, ended: Promise<ConnectorEnd>): RunningConnector {
  return { name, stdin, stdout, ended, stderrTail: () => '', stop() {}, kill() {} };
}

it('has no more listeners and memory after a million messages than after the first thousands', {
  timeout: 60_000,
}, async () => {
  const sourceEnd = Promise.withResolvers<ConnectorEnd>();
  const destinationEnd = Promise.withResolvers<ConnectorEnd>();
  const source = connector('source/test', new PassThrough(), new PassThrough(), sourceEnd.promise);
  const answers = new PassThrough();
  let taken = 0;
  const input = new Writable({
    // Takes its time, so that reading stops and goes on.
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length;
      answers.write(encodeMessage(checkpoint));
      setImmediate(done);
    },
    final(done) {
      answers.end();
      destinationEnd.resolve({ kind: 'exited', code: 0 });
      done();
    },
  });
  const destination = connector('destination/test', input, answers, destinationEnd.promise);
  let said = 0;
  const paces: (Promise<void> | undefined)[] = [
    undefined,
    Promise.resolve(),
    new Promise((done) => setImmediate(done)),
  ];
  const relay = new Relay({
    source,
    destination,
    streams: new Set(['a']),
    onSourceMessage() {},
    onDestinationMessage: () => void said++,
    onLog() {},
    onUnknownStream() {},
    pace: () => paces[said % paces.length],
  });
  const streams = [source.stdout, source.stdin, input, answers];
  const footprint = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    const listeners = streams.flatMap((each) => each.eventNames().map((name) => each.listenerCount(name)));
    return { listeners: listeners.reduce((sum, count) => sum + count, 0), mb: (heapUsed + external) / 1e6 };
  };
  let early = { listeners: 0, mb: 0 };
  const stdout = source.stdout as PassThrough;
  let records = 0;
  for (let i = 0; i < ROUNDS; i++) {
    // Memory of its own each time: a parent of it that is kept would show.
    if (!stdout.write(Buffer.from(round))) await new Promise((resolve) => stdout.once('drain', resolve));
    if (i % 500 !== 499) continue;
    for (const count of relay.takeCounts().values()) records += count.records;
    if (i < 2000) early = footprint();
  }
  await expect.poll(() => taken).toBe(ROUNDS * round.length);
  const late = footprint();
  expect(late.listeners).toBeLessThanOrEqual(early.listeners + 1);
  expect(late.mb - early.mb).toBeLessThan(GROWTH_MB_MAX);
  stdout.end();
  sourceEnd.resolve({ kind: 'exited', code: 0 });
  expect((await relay.done).error).toBeUndefined();
  for (const count of relay.takeCounts().values()) records += count.records;
  expect(records).toBe(ROUNDS * RECORDS_PER_ROUND);
  expect(said).toBeGreaterThan(1000);
});
