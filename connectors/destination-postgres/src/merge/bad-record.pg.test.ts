import type { InputItem } from '@penstock/connector-sdk';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpoint, outline, record, testStream, writeItems } from '../testing/write-items.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

let count = 0;
const newName = () => `b${++count}`;

const bad: readonly { what: string; json: string; reason: RegExp; key: string }[] = [
  { what: 'a NUL character', json: '{"id":"bad","v":1,"name":"a\\u0000b"}', reason: /\\u0000/, key: 'id="bad"' },
  { what: 'a NUL character in a name', json: '{"id":"bad","v":1,"a\\u0000b":1}', reason: /\\u0000/, key: 'id="bad"' },
  {
    what: 'half of a surrogate pair',
    json: '{"id":"bad","v":1,"name":"\\ud834"}',
    reason: /surrogate/i,
    key: 'id="bad"',
  },
  { what: 'no key', json: '{"v":1,"name":"x"}', reason: /no primary key/, key: 'id=missing' },
  { what: 'a null key', json: '{"id":null,"v":1}', reason: /no primary key/, key: 'id=null' },
  { what: 'no JSON', json: '{"id":"bad","v":}', reason: /invalid input syntax for type json/, key: 'not JSON' },
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

describe('a bad record', () => {
  it.each(bad)('with $what is found alone and left out by on_bad_record: skip', async ({ json, reason, key }) => {
    const name = newName();
    const good = Array.from({ length: 50 }, (_, index) => record(name, { id: `${index}`, v: 1 }, index));
    const { messages, logged, results } = await writeItems({
      config: { url: db.url, on_bad_record: 'skip' },
      streams: [testStream(name)],
      input: [[...good.slice(0, 30), toItem(name, json, 77), ...good.slice(30), checkpoint(name, 1)]],
    });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(reason);
    expect(logged[0]).toContain(key);
    expect(logged[0]).toContain('input line 77');
    expect(results[name]).toEqual({ created: 50, updated: 0, deleted: 0, skipped: 1 });
    expect(outline(messages).at(-1)).toBe(`${name}:1`);
    expect((await db.pool.query(`select count(*)::int as count from "${name}"`)).rows).toEqual([{ count: 50 }]);
  });

  it.each(bad)('with $what fails its stream by default', async ({ json, reason }) => {
    const name = newName();
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(name)],
      input: [[record(name, { id: 'a', v: 1 }), toItem(name, json, 77), checkpoint(name, 1)]],
    });
    expect(outline(messages)).toEqual([`${name}:error`]);
    expect(messages[0]).toMatchObject({
      stream_status: { failure_type: 'config', error: expect.stringMatching(/input line 77.*on_bad_record: skip/s) },
    });
    expect((messages[0] as { stream_status: { error: string } }).stream_status.error).toMatch(reason);
  });

  it('is left out also when there are many in one batch, without sending the batch once for each', async () => {
    const name = newName();
    const items = Array.from({ length: 4000 }, (_, index) =>
      index % 2
        ? record(name, { id: `${index}`, v: 1 }, index)
        : record(name, `{"id":"${index}","name":"\\u0000"}`, index),
    );
    const { results } = await writeItems({
      config: { url: db.url, on_bad_record: 'skip' },
      streams: [testStream(name)],
      input: [items],
    });
    expect(results[name]).toEqual({ created: 2000, updated: 0, deleted: 0, skipped: 2000 });
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

  it('of 30 MB is stored', async () => {
    const name = newName();
    const items = [record(name, { id: 'a', v: 1, blob: 'x'.repeat(30_000_000) })];
    const { results } = await writeItems({ config: { url: db.url }, streams: [testStream(name)], input: [items] });
    expect(results[name]?.created).toBe(1);
  });
});
