/** The rows of PROTOCOL's table of bad input, as a destination's program answers them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LINE_BYTES_MAX, type Message, message, type SourceStatePayload } from '@penstock/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { asLines, runConnectorForTest, StopControl, testCatalog, testRecord, testTime } from './testing/index.ts';
import { smallDestination } from './testing/small-connectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sdk-write-'));
const config = join(folder, 'config.json');
const catalog = join(folder, 'catalog.json');
const args = ['write', '--config', config, '--catalog', catalog];

beforeAll(() => {
  writeFileSync(config, '{"api_key": "sk_live_secret"}');
  writeFileSync(catalog, JSON.stringify(testCatalog('a', 'b')));
});

const record = (id: number, stream = 'a') => testRecord(stream, { id });
const complete = (stream: string) => message.streamStatus({ stream, status: 'complete' });
const checkpoint = (recordCount: number | undefined, stream = 'a') => {
  const payload: SourceStatePayload = { state_type: 'stream', stream, data: { at: recordCount ?? 0 } };
  return message.sourceState(recordCount === undefined ? payload : { ...payload, record_count: recordCount });
};
const globalCheckpoint = (recordCount: number) =>
  message.sourceState({ state_type: 'global', data: {}, record_count: recordCount });
const theEnd = asLines(complete('a'), complete('b'));

interface Seen {
  stream?: string;
  data?: string;
  line?: string;
  kind?: string;
}

async function write(...chunks: (string | Buffer)[]) {
  const seen: Seen[] = [];
  const result = await runConnectorForTest(
    smallDestination((item) => seen.push(item as Seen)),
    args,
    { stdin: chunks },
  );
  const logs = result.messages.flatMap((item) => (item.type === 'log' ? [item.log] : []));
  const statuses = result.messages.flatMap((item) => (item.type === 'stream_status' ? [item.stream_status] : []));
  const states = result.messages.flatMap((item) => (item.type === 'source_state' ? [item.source_state] : []));
  return { ...result, seen, logs, statuses, states, records: seen.filter((item) => item.data !== undefined) };
}

describe('bad input of write', () => {
  test('a line that is not JSON, or no message, is counted and logged as a warning with its number and beginning', async () => {
    const result = await write(asLines(record(1)), 'rubbish\n{"type":"record"}\n', theEnd);
    expect(result.exitCode).toBe(0);
    const warnings = result.logs.filter((log) => log.level === 'warn');
    expect(warnings.map((log) => log.message)).toEqual([
      expect.stringMatching(/line 2 is not a message \(not JSON.*rubbish/),
      expect.stringMatching(/line 3 is not a message \(record:/),
    ]);
    expect(warnings[1]!.data).toEqual({ line_number: 3, invalid_lines: 2 });
  });

  test('more than 100 of them fail the run with exit 40, after everything before them was passed on', async () => {
    const passed = await write('x\n'.repeat(100), theEnd);
    expect(passed.exitCode).toBe(0);
    const failed = await write(asLines(record(1), checkpoint(1)), 'x\n'.repeat(101), theEnd);
    expect(failed.exitCode).toBe(40);
    expect(failed.states).toHaveLength(1);
    expect(failed.messages.at(-1)).toMatchObject({
      connection_status: { status: 'failed', message: expect.stringContaining('the source wrote 101 lines') },
    });
  });

  test('a canonical-looking line is given with its whole line, so that it can be parsed before it is called bad', async () => {
    const line = `{"type":"record","record":{"stream":"a","emitted_at":"${testTime}","data":{"id":1}},"x":{"y":{}}}`;
    const result = await write(`${line}\n`, theEnd);
    expect(result.records.map((item) => item.line)).toEqual([line]);
  });

  test('a line over the limit fails the run with exit 40, naming stream and size, before it is complete', async () => {
    const head = `{"type":"record","record":{"stream":"a","emitted_at":"${testTime}","data":{"x":"`;
    const part = Buffer.alloc(8 * 1024 * 1024, 'x');
    const result = await write(asLines(record(1), checkpoint(1)), head, part, part, part, part, part);
    expect(result.exitCode).toBe(40);
    expect(result.states).toHaveLength(1);
    expect(result.stderr).toMatch(
      new RegExp(`Line 3 \\(stream "a"\\) is at least \\d+ bytes long; at most ${LINE_BYTES_MAX}`),
    );
  });

  test('the last line without a newline is dropped, and said', async () => {
    const result = await write(theEnd, asLines(record(1)).slice(0, -1));
    expect(result.records).toEqual([]);
    expect(result.logs).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('(line 3) has no newline') }),
    ]);
  });

  test('CR before the newline, blank lines, spaces and any field order are accepted', async () => {
    const result = await write(
      asLines(record(1)).replace('\n', '\r\n'),
      '\n  \r\n\t\n',
      ` { "record" : {"data":{"id":2,"n":12345678901234567890.10}, "emitted_at":"${testTime}","stream":"a"},"type":"record"}  \n`,
      asLines(checkpoint(2)),
      theEnd,
    );
    expect(result.exitCode).toBe(0);
    expect(result.records.map((item) => item.data)).toEqual(['{"id":1}', '{"id":2,"n":12345678901234567890.10}']);
    expect(result.records[1]!.line).toBe(
      `{"type":"record","record":{"stream":"a","emitted_at":"${testTime}","data":{"id":2,"n":12345678901234567890.10}}}`,
    );
    expect(result.logs).toEqual([]);
  });

  test('an unknown type is passed over and logged at debug level', async () => {
    const result = await write('{"type":"weather","weather":{}}\n', theEnd);
    expect(result.exitCode).toBe(0);
    expect(result.logs).toEqual([
      expect.objectContaining({ level: 'debug', message: expect.stringContaining('"weather"') }),
    ]);
  });

  test('a stream that is not in the catalog is an error, once; the others go on', async () => {
    const stray = asLines(record(1, 'z'), record(2, 'z'), checkpoint(2, 'z'), complete('z'));
    const result = await write(asLines(record(1)), stray, asLines(checkpoint(1), globalCheckpoint(3)), theEnd);
    const ofStray = result.statuses.filter((status) => status.stream === 'z');
    expect(ofStray).toEqual([expect.objectContaining({ status: 'error', failure_type: 'system' })]);
    expect(result.states).toEqual([expect.objectContaining({ stream: 'a' })]);
    expect(result.statuses.filter((status) => status.status === 'complete')).toHaveLength(2);
    expect(result.exitCode).toBe(30);
  });
});

describe('checkpoints', () => {
  test('a checkpoint whose count is right is given, one without a count too', async () => {
    const result = await write(
      asLines(record(1), checkpoint(1), record(2), record(3), checkpoint(undefined), checkpoint(0)),
      theEnd,
    );
    expect(result.states).toHaveLength(3);
    expect(result.exitCode).toBe(0);
  });

  test('one that counts more records than arrived fails its stream and holds global checkpoints back', async () => {
    const text = asLines(
      record(1),
      checkpoint(2),
      record(2),
      checkpoint(1),
      globalCheckpoint(2),
      record(1, 'b'),
      checkpoint(1, 'b'),
    );
    const result = await write(text, theEnd);
    expect(result.states).toEqual([expect.objectContaining({ stream: 'b' })]);
    expect(result.records.map((item) => item.stream)).toEqual(['a', 'b']);
    expect(result.logs).toEqual([]);
    const failed = result.statuses.filter((status) => status.stream === 'a');
    expect(failed).toEqual([
      expect.objectContaining({
        status: 'error',
        error: expect.stringContaining('counts 2 records since the one before, but 1 arrived'),
      }),
    ]);
    expect(result.exitCode).toBe(30);
  });

  test('a record that was dropped as invalid counts as lost', async () => {
    const broken = asLines(record(1))
      .replace('"emitted_at":"2026', '"emitted_at":"x2026')
      .replace('"type":"record"', '"type": "record"');
    const result = await write(broken, asLines(checkpoint(1)), theEnd);
    expect(result.states).toEqual([]);
    expect(result.exitCode).toBe(30);
  });

  test('a global one with a wrong count fails every stream that has not ended', async () => {
    const result = await write(asLines(record(1), complete('b'), globalCheckpoint(7)), theEnd);
    expect(result.states).toEqual([]);
    expect(result.statuses.map((status) => `${status.stream} ${status.status}`)).toEqual(['b complete', 'a error']);
  });
});

describe('the input of write', () => {
  test('is the same whatever the chunks are', async () => {
    const messages: Message[] = [
      record(1),
      checkpoint(1),
      record(2, 'b'),
      testRecord('a', { t: 'ä€😀\n' }),
      checkpoint(1),
    ];
    const bytes = Buffer.from(asLines(...messages) + theEnd);
    const whole = await write(bytes);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const result = await write(...at.slice(1).map((end, i) => bytes.subarray(at[i], end)));
        expect(result.seen).toEqual(whole.seen);
      }),
      { numRuns: 50 },
    );
  });

  test('that ends before its streams did is committed, and the exit code says that there is more', async () => {
    const result = await write(asLines(record(1), checkpoint(1), complete('b')));
    expect(result.exitCode).toBe(10);
    expect(result.states).toHaveLength(1);
    expect(result.logs.at(-1)?.message).toContain('The input ended before the stream a did');
  });

  test('may be empty', async () => {
    expect((await write()).exitCode).toBe(10);
  });

  test('passes log, control and a failed connection on, which decides the exit code', async () => {
    const failed = message.connectionStatus({ status: 'failed', message: 'no key', failure_type: 'config' });
    const control = message.control({ control_type: 'source_config', source_config: { k: 1 } });
    const log = message.log({ level: 'info', message: 'with sk_live_secret in it' });
    const result = await write(asLines(record(1), checkpoint(1), log, control, failed));
    expect(result.exitCode).toBe(20);
    expect(result.messages).toContainEqual(failed);
    expect(result.messages).toContainEqual(control);
    expect(result.logs).toContainEqual({ level: 'info', message: 'with ******** in it' });
    expect(result.states).toHaveLength(1);
  });

  test('gives a second end of a stream to nobody', async () => {
    const result = await write(theEnd, asLines(message.streamStatus({ stream: 'a', status: 'skip', reason: 'x' })));
    expect(result.statuses.map((status) => status.status)).toEqual(['complete', 'complete']);
    expect(result.logs.at(-1)).toMatchObject({ level: 'warn' });
  });

  test('ends at the first request to stop; what was received is committed', async () => {
    const stop = new StopControl();
    async function* neverEnding() {
      yield asLines(record(1), checkpoint(1));
      for (let id = 2; ; id++) {
        await new Promise(setImmediate);
        if (id === 5) stop.request('SIGTERM');
        yield asLines(record(id), checkpoint(1));
      }
    }
    const result = await runConnectorForTest(smallDestination(), args, { stdin: neverEnding(), stop });
    expect(result.exitCode).toBe(10);
    expect(result.messages.filter((item) => item.type === 'source_state').length).toBeGreaterThan(1);
    expect(result.stderr).toContain('SIGTERM: no more input is read');
  });
});

describe('the end of write', () => {
  test('a stream whose end the destination forgot is an error', async () => {
    const forgetful = smallDestination(undefined, {
      async *write({ input }) {
        for await (const items of input) yield message.log({ level: 'info', message: `${items.length}` });
      },
    });
    const result = await runConnectorForTest(forgetful, args, { stdin: [theEnd] });
    expect(result.messages).toHaveLength(3);
    expect(result.messages[1]).toMatchObject({ stream_status: { stream: 'a', status: 'error' } });
    expect(result.exitCode).toBe(30);
  });

  test('a mode that the destination can not do is refused before anything is read', async () => {
    const overwriting = testCatalog('a');
    overwriting.streams[0]!.destination_sync_mode = 'overwrite';
    const path = join(folder, 'overwrite.json');
    writeFileSync(path, JSON.stringify(overwriting));
    const result = await runConnectorForTest(smallDestination(), ['write', '--config', config, '--catalog', path]);
    expect(result.exitCode).toBe(20);
    expect(result.stderr).toContain('asks for overwrite for stream "a"; this destination can do append, append_dedup');
  });
});
