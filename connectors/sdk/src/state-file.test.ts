import { message } from '@penstock/protocol';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { ConnectorLog } from './connector-log.ts';
import { FILE_BYTES_MAX } from './limit.ts';
import { checkStreamStates, readState } from './state-file.ts';
import { asLines, testCatalog, testRecord } from './testing/index.ts';

const warnings: string[] = [];
const log: ConnectorLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: (text) => warnings.push(text),
  error: () => undefined,
};
/** In two chunks, cut in the middle. */
async function* chunksOf(text: string) {
  const bytes = Buffer.from(text);
  const half = bytes.length >> 1;
  yield bytes.subarray(0, half);
  yield bytes.subarray(half);
}
const read = (text: string) => readState('State file s', chunksOf(text), log);
const checkpoint = (stream: string, at: number) =>
  message.sourceState({ state_type: 'stream', stream, data: { at }, record_count: 1 });

describe('state', () => {
  test('{streams, global} is taken as it is, on one line or many', async () => {
    const state = { streams: { a: { at: 1 } }, global: { g: 1 } };
    expect(await read(JSON.stringify(state))).toEqual(state);
    expect(await read(JSON.stringify(state, null, 2))).toEqual(state);
  });

  test('a whole saved state gives its source section', async () => {
    expect(await read(JSON.stringify({ source: { streams: { a: 1 } }, destination: {} }))).toEqual({
      streams: { a: 1 },
      global: {},
    });
  });

  test('printed lines are reduced: the last checkpoint of each stream counts', async () => {
    const text = asLines(checkpoint('a', 1), testRecord('a', { id: 1 }), checkpoint('b', 2), checkpoint('a', 3));
    expect(await read(text)).toEqual({ streams: { a: { at: 3 }, b: { at: 2 } }, global: {} });
  });

  test('printed lines are reduced: a global checkpoint replaces the global state, and the streams that come with it', async () => {
    const global = (cursor: number, streams?: Record<string, unknown>) =>
      message.sourceState({ state_type: 'global', data: { cursor }, ...(streams && { streams }) });
    const text = asLines(
      checkpoint('a', 1),
      global(1, { b: { at: 5 } }),
      checkpoint('a', 2),
      global(2),
      checkpoint('c', 1),
    );
    expect(await read(text)).toEqual({ streams: { a: { at: 2 }, b: { at: 5 }, c: { at: 1 } }, global: { cursor: 2 } });
  });

  test('printed lines without a checkpoint are an empty state', async () => {
    expect(await read(asLines(message.log({ level: 'info', message: 'x' })))).toEqual({ streams: {}, global: {} });
  });

  test('a last line that is torn is dropped, with a warning', async () => {
    warnings.length = 0;
    const torn = asLines(checkpoint('a', 3)).slice(0, -10);
    expect((await read(asLines(checkpoint('a', 1)) + torn)).streams).toEqual({ a: { at: 1 } });
    expect(warnings).toHaveLength(1);
  });

  test('a line that was torn when another run went on behind it is passed over', async () => {
    const torn = asLines(checkpoint('a', 3)).slice(0, -10);
    expect((await read(torn + asLines(checkpoint('a', 1), checkpoint('b', 2)))).streams).toEqual({ b: { at: 2 } });
  });

  test('printed lines may be more than a file of JSON may have', async () => {
    const records = Buffer.from(asLines(testRecord('a', { id: 1, text: 'x'.repeat(1000) })).repeat(1000));
    async function* printed() {
      for (let bytes = 0; bytes <= FILE_BYTES_MAX; bytes += records.length) yield records;
      yield Buffer.from(asLines(checkpoint('a', 1)));
    }
    expect((await readState('State file s', printed(), log)).streams).toEqual({ a: { at: 1 } });
  });

  test('a file of something else is refused when it is too large', async () => {
    const rubbish = Buffer.from(`${'x'.repeat(1024 * 1024)}\n`);
    async function* endless() {
      for (;;) yield rubbish;
    }
    await expect(readState('State file s', endless(), log)).rejects.toThrow('State file s is larger than 256 MiB.');
  });

  test('text that is neither is refused with a position', async () => {
    await expect(read('{"streams": {]')).rejects.toThrow('State file s is not JSON, line 1, column 14');
    await expect(read('{"stream": {}}')).rejects.toThrow('State file s is not a state: Unrecognized key: "stream"');
  });

  test('state of a stream that the source refuses is refused with the reason, others are left alone', () => {
    const schema = z.object({ at: z.number() });
    const state = { streams: { a: { at: 'x' }, old: 'whatever' }, global: {} };
    expect(() => checkStreamStates(state, testCatalog('a'), schema)).toThrow(
      'The state of stream "a" is not one that this source wrote: at:',
    );
    expect(checkStreamStates(state, testCatalog('b'), schema)).toEqual(state);
  });
});
