import type { InputItem } from '@penstock/connector-sdk';
import type { DestinationSyncMode } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import type { PassingMessage } from '../testing/postgres-proxy.ts';
import { says, throughProxy } from '../testing/proxy-rules.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

type Bad = {
  readonly what: string;
  /** A record whose line number is 77. */
  readonly json: string;
  /** Of it or, where a record of others is spoilt, of what is left. */
  readonly reason: RegExp;
  readonly key: string;
  /** True where it is bad only as a key: mode append takes it. */
  readonly isKey?: boolean;
};

const bad: readonly Bad[] = [
  { what: 'a NUL character', json: '{"id":"bad","v":1,"name":"a\\u0000b"}', reason: /\\u0000/, key: 'id="bad"' },
  { what: 'a NUL character in a name', json: '{"id":"bad","v":1,"a\\u0000b":1}', reason: /\\u0000/, key: 'id="bad"' },
  {
    what: 'half of a surrogate pair',
    json: '{"id":"bad","v":1,"name":"\\ud834"}',
    reason: /surrogate/i,
    key: 'id="bad"',
  },
  { what: 'no key', json: '{"v":1,"name":"x"}', reason: /no primary key/, key: 'id=missing', isKey: true },
  { what: 'a null key', json: '{"id":null,"v":1}', reason: /no primary key/, key: 'id=null', isKey: true },
  { what: 'an object as its key', json: '{"id":{"a":1},"v":1}', reason: /an object/, key: 'id={"a":1}', isKey: true },
  { what: 'a list as its key', json: '{"id":["a"],"v":1}', reason: /a list/, key: 'id=["a"]', isKey: true },
  { what: 'no JSON', json: '{"id":"bad","v":}', reason: /invalid input syntax for type json/, key: 'not JSON' },
  { what: 'half an object', json: '{"id":"bad","v":1,"name":"x', reason: /invalid input syntax/, key: 'not JSON' },
  {
    what: 'bytes that are no UTF-8',
    json: 'latin1:{"id":"bad","v":1,"name":"\xe9"}',
    reason: /invalid byte sequence/,
    key: 'id="bad"',
  },
  {
    what: 'a number beyond numeric',
    json: '{"id":"bad","v":1,"amount":1e200000}',
    reason: /overflow/,
    key: 'id="bad"',
  },
  {
    what: 'a key that is too long for an index',
    json: `{"id":"${Array.from({ length: 9000 }, (_, i) => (i * 7919) % 9973).join('')}","v":1}`,
    reason: /index row/,
    key: 'id="',
    isKey: true,
  },
  {
    what: 'nesting that is too deep',
    json: `{"id":"bad","v":1,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    reason: /stack depth/,
    key: 'id="bad"',
  },
];

const toItem = (stream: string, json: string, lineNumber: number): InputItem => {
  if (!json.startsWith('latin1:')) return record(stream, json, lineNumber);
  return { ...record(stream, '{}', lineNumber), data: Buffer.from(json.slice(7), 'latin1') } as InputItem;
};

const goodItems = (stream: string, total: number) =>
  Array.from({ length: total }, (_, index) => record(stream, { id: `${index}`, v: 1 }, 1000 + index));
const countOf = async (name: string) =>
  (await db.pool.query(`select count(*)::int as count from "${name}"`)).rows[0].count as number;

const ways = [
  { way: 'among 10,000 in a stage', total: 10_000, mode: 'append_dedup', limits: {} },
  { way: 'among 50 without a stage', total: 50, mode: 'append_dedup', limits: {} },
  { way: 'among 500 in a stage', total: 500, mode: 'append', limits: {} },
  { way: 'among 50 without a stage', total: 50, mode: 'append', limits: {} },
  { way: 'among 500 on the way into a new set', total: 500, mode: 'overwrite', limits: { batch_records_max: 300 } },
] as const;

/** A stream for each kind, so that one run tries them all. */
const streamsOfBad = (mode: DestinationSyncMode) =>
  bad.map((kind) => {
    const name = newName();
    return { ...kind, name, stream: testStream(name, { destination_sync_mode: mode, generation_id: 1 }) };
  });

describe('a bad record of any kind', () => {
  it.each(ways)(
    'is found alone and left out by on_bad_record: skip in mode $mode, $way',
    async ({ total, mode, limits }) => {
      const kinds = streamsOfBad(mode);
      const at = Math.floor(total * 0.7);
      const { messages, logged, results } = await writeItems({
        config: { url: db.url, on_bad_record: 'skip', limits },
        streams: kinds.map(({ stream }) => stream),
        input: kinds.map(({ name, json }) => {
          const good = goodItems(name, total);
          return [
            ...good.slice(0, at),
            toItem(name, json, 77),
            ...good.slice(at),
            checkpoint(name, 1),
            status(name, 'complete'),
          ];
        }),
      });
      for (const { name, what, reason, key, isKey } of kinds) {
        const isBad = !(isKey && mode === 'append');
        const said = logged.filter((line) => line.includes(`"${name}"`));
        expect(said, what).toEqual(isBad ? [expect.stringMatching(reason)] : []);
        if (isBad) expect(said[0]).toContain(`Record ${key.startsWith('id') ? '' : 'that is '}${key}`);
        if (isBad) expect(said[0]).toContain('(input line 77)');
        expect(outline(messages), what).toEqual(expect.arrayContaining([`${name}:1`, `${name}:complete`]));
        const stored = isBad ? total : total + 1;
        expect(results[name], what).toEqual({ created: stored, updated: 0, deleted: 0, skipped: isBad ? 1 : 0 });
        expect(await countOf(name), what).toBe(stored);
      }
    },
  );

  it('fails its stream by default, with what to do', async () => {
    const kinds = streamsOfBad('append_dedup');
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: kinds.map(({ stream }) => stream),
      input: kinds.map(({ name, json }) => [
        record(name, { id: 'a', v: 1 }),
        toItem(name, json, 77),
        checkpoint(name, 1),
      ]),
    });
    const ends = new Map(
      messages.flatMap((item) =>
        item.type === 'stream_status' ? [[item.stream_status.stream, item.stream_status]] : [],
      ),
    );
    expect(messages.filter(({ type }) => type !== 'write_result')).toHaveLength(bad.length);
    for (const { name, what, reason, key } of kinds) {
      const end = ends.get(name);
      expect(end, what).toMatchObject({
        status: 'error',
        failure_type: 'config',
        error: expect.stringMatching(reason),
      });
      expect(end).toMatchObject({ error: expect.stringMatching(/input line 77.*on_bad_record: skip/s) });
      expect(end).toMatchObject({ error: expect.stringContaining(key) });
    }
  });
});

describe('a bad record', () => {
  it('fails its stream only after what came before it is stored and confirmed', async () => {
    const name = newName();
    const { messages } = await writeItems({
      config: { url: db.url, connections: 3, limits: { batch_records_max: 100 } },
      streams: [testStream(name)],
      input: [
        [...goodItems(name, 100), checkpoint(name, 1), ...goodItems(name, 100), checkpoint(name, 2)],
        [
          record(name, '{"id":"bad","name":"\\u0000"}', 77),
          checkpoint(name, 3),
          ...goodItems(name, 99),
          checkpoint(name, 4),
        ],
      ],
    });
    const words = outline(messages).filter((word) => !word.endsWith('result'));
    expect(words).toEqual([`${name}:1`, `${name}:2`, `${name}:error`]);
  });

  it('is left out also when the connection is lost while it is looked for', async () => {
    const name = newName();
    const good = goodItems(name, 1000);
    const [tooLong] = bad.filter(({ what }) => what.startsWith('a key that is too long'));
    let merges = 0;
    const cutSome = {
      onMessage: (message: PassingMessage) =>
        says('B', /^(upsert|merge)/)(message) && ++merges % 4 === 0 ? ('cut' as const) : ('pass' as const),
    };
    const { logged, results, messages } = await throughProxy(db.url, cutSome, (url) =>
      writeItems({
        config: { url, on_bad_record: 'skip', connections: 3, limits: { batch_records_max: 400 } },
        streams: [testStream(name)],
        input: [[...good.slice(0, 500), record(name, tooLong!.json, 77), ...good.slice(500), checkpoint(name, 1)]],
      }),
    );
    expect(logged.filter((line) => !/tried again/.test(line))).toEqual([expect.stringContaining('input line 77')]);
    expect(logged.length).toBeGreaterThan(1);
    expect(results[name]).toEqual({ created: 1000, updated: 0, deleted: 0, skipped: 1 });
    expect(outline(messages).at(-1)).toBe(`${name}:1`);
  });
});

/** Of each kind of finding them. */
const many: readonly { how: string; json: (id: number) => string; prepare?: string; total: number }[] = [
  { how: 'told without Postgres', json: (id) => `{"id":"${id}","name":"\\u0000"}`, total: 10_000 },
  {
    how: 'named by Postgres',
    json: (id) => `{"id":"${id}","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    total: 64,
  },
  { how: 'without a key', json: () => '{"v":1}', total: 10_000 },
  {
    how: 'found by halving',
    json: (id) => `{"id":"${id}","v":1,"amount":5}`,
    prepare: 'check (amount <> 5)',
    total: 128,
  },
];

describe.each(many)('many bad records that are $how', ({ json, prepare, total }) => {
  it.each([1, 3])('are left out where one of %i is one, and none is sent often', async (each) => {
    const name = newName();
    const config = { url: db.url, on_bad_record: 'skip' };
    await writeItems({ config, streams: [testStream(name)], input: [] });
    if (prepare) await db.pool.query(`alter table "${name}" add ${prepare}`);
    const items = Array.from({ length: total }, (_, id) =>
      id % each === 0 ? record(name, json(id), id) : record(name, { id: `${id}`, v: 1 }, id),
    );
    const bytes = items.reduce((sum, item) => sum + (item.kind === 'record' ? item.data.length : 0), 0);
    await throughProxy(db.url, {}, async (url, proxy) => {
      const { results, logged } = await writeItems({
        config: { ...config, url },
        streams: [testStream(name)],
        input: [items],
      });
      const badCount = Math.ceil(total / each);
      expect(results[name]).toEqual({ created: total - badCount, updated: 0, deleted: 0, skipped: badCount });
      expect(logged).toHaveLength(badCount);
      // Some ten times what they are, statements and answers included, not as often as there are bad ones.
      expect(proxy.passed().bytes).toBeLessThan(100_000 + 8 * (bytes + 200 * total));
      expect(proxy.passed().messages).toBeLessThan(300 + 25 * total);
    });
  });
});

describe('a good record', () => {
  it('is not called bad because its line looks canonical and is not', async () => {
    const name = newName();
    // The line {…,"data":{"id":"a","v":1},"more":{"x":1}}} begins and ends like a canonical one.
    const slice = '{"id":"a","v":1,"big":1234567890123456789},"more":{"x":1}';
    const { results } = await writeItems({
      config: { url: db.url },
      streams: [testStream(name)],
      input: [[record(name, { id: 'b', v: 1 }), record(name, slice), record(name, { id: 'c', v: 1 })]],
    });
    expect(results[name]?.created).toBe(3);
    const { rows } = await db.pool.query(`select _raw_data::text as data from "${name}" where id = 'a'`);
    expect(rows).toEqual([{ data: '{"v": 1, "id": "a", "big": 1234567890123456789}' }]);
  });

  it('is stored when it holds text that only looks like a bad escape', async () => {
    const name = newName();
    const text = 'C:\\u0000 and \\ud800';
    const items = [
      record(name, { id: 'a', v: 1, name: text }),
      record(name, '{"id":"bad","name":"\\u0000"}'),
      record(name, { id: 'c', v: 1, name: text }),
    ];
    const { results } = await writeItems({
      config: { url: db.url, on_bad_record: 'skip' },
      streams: [testStream(name)],
      input: [items],
    });
    expect(results[name]).toMatchObject({ created: 2, skipped: 1 });
  });

  it('with a key twice in an object keeps the last value, as jsonb does', async () => {
    const name = newName();
    const items = [record(name, '{"id":"a","v":1,"name":"first","name":"last"}')];
    const { results } = await writeItems({ config: { url: db.url }, streams: [testStream(name)], input: [items] });
    expect(results[name]?.created).toBe(1);
    const { rows } = await db.pool.query(`select name, _raw_data ->> 'name' as raw from "${name}"`);
    expect(rows).toEqual([{ name: 'last', raw: 'last' }]);
  });

  it('of 30 MB is stored', async () => {
    const name = newName();
    const items = [record(name, { id: 'a', v: 1, blob: 'x'.repeat(30_000_000) })];
    const { results } = await writeItems({ config: { url: db.url }, streams: [testStream(name)], input: [items] });
    expect(results[name]?.created).toBe(1);
  });
});
