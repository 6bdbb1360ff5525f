import type { InputItem } from '@penstock/connector-sdk';
import type { ConfiguredStream } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import {
  checkpoint,
  globalCheckpoint,
  outline,
  record,
  status,
  testStream,
  type WriteTest,
  writeItems,
} from '../testing/write-items.ts';

const db = useTestDatabase();

type More = Parameters<typeof testStream>[1];
type RunOptions = Partial<Omit<WriteTest, 'config'>> & { readonly config?: object };
const overwriting = (name: string, generation_id?: number, more: More = {}): ConfiguredStream =>
  testStream(name, {
    destination_sync_mode: 'overwrite',
    sync_mode: 'full_refresh',
    ...(generation_id !== undefined && { generation_id }),
    ...more,
  });
const row = (stream: string, id: string | number, more: object = {}) => record(stream, { id: `${id}`, v: 1, ...more });
const query = async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[];
const ids = async (name: string) => (await query(`select id from "${name}" order by id`)).map(({ id }) => id).join('');
const sidesOf = async (name: string) =>
  (
    await query(
      `select relname as n, (select count(*) from pg_class) from pg_class where relname like '\\_penstock\\_next\\_%\\_${name}' and relkind = 'r' order by 1`,
    )
  ).map(({ n }) => String(n));

const run = (stream: ConfiguredStream, items: readonly InputItem[], more: RunOptions = {}) =>
  writeItems({ streams: [stream], input: [items], ...more, config: { url: db.url, ...more.config } });
/** A whole refresh: these rows and no others. */
const refresh = (stream: ConfiguredStream, items: readonly InputItem[], config = {}) =>
  run(stream, [...items, checkpoint(stream.stream.name, 'end'), status(stream.stream.name, 'complete')], { config });

describe('overwriting', () => {
  it('leaves what is in the new set, touches no row that is the same, and counts exactly', async () => {
    const name = newName();
    await refresh(
      overwriting(name, 1),
      [1, 2, 3].map((id) => row(name, id, { name: 'old' })),
    );
    const before = await query(`select id, xmin::text, _updated_at from "${name}" order by id`);
    const { messages, results } = await refresh(overwriting(name, 2), [
      row(name, 2, { v: 9, name: 'old' }),
      row(name, 3, { v: 9, name: 'new' }),
      row(name, 4, { v: 9 }),
      row(name, 4, { v: 8 }),
    ]);
    expect(await query(`select id, name, _raw_data ->> 'v' as v from "${name}" order by id`)).toEqual([
      { id: '2', name: 'old', v: '1' },
      { id: '3', name: 'new', v: '9' },
      { id: '4', name: null, v: '9' },
    ]);
    const after = await query(`select id, xmin::text, _updated_at from "${name}" order by id`);
    expect(after[0]).toEqual(before[1]);
    expect(after[1]).not.toEqual(before[2]);
    expect(results[name]).toEqual({ created: 1, updated: 1, deleted: 1, skipped: 2 });
    expect(outline(messages)).toEqual([`${name}:result`, `${name}:"end"`, `${name}:result`, `${name}:complete`]);
  });

  it('shows the old set until the source says that the new one is complete', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a'), row(name, 'b')]);
    const seen: string[] = [];
    const stream = overwriting(name, 2);
    await run(stream, [], {
      onMessage: (item) => seen.push(...outline([item])),
      input: (async function* (): AsyncGenerator<InputItem[]> {
        yield [row(name, 'b'), checkpoint(name, 1)];
        while (!seen.includes(`${name}:1`)) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(await ids(name)).toBe('ab');
        yield [row(name, 'c'), status(name, 'complete')];
      })(),
    });
    expect(await ids(name)).toBe('bc');
  });

  it('keeps views, grants, own indexes and own columns, and locks out no reader', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a', { name: 'x' })]);
    await db.pool.query(
      `create view "${name}_view" as select id, name from "${name}"; grant select on "${name}" to public;
       create index "${name}_own" on "${name}" (name); alter table "${name}" add column note text default 'mine'`,
    );
    const reader = await db.pool.connect();
    await reader.query(`begin isolation level repeatable read; select count(*) from "${name}"`);
    await refresh(overwriting(name, 2), [row(name, 'b')]);
    // A snapshot that was taken before goes on seeing the old set, and nobody waits for whoever holds it.
    expect((await reader.query(`select id from "${name}"`)).rows).toEqual([{ id: 'a' }]);
    await reader.query('commit');
    expect((await reader.query(`select id, note from "${name}"`)).rows).toEqual([{ id: 'b', note: 'mine' }]);
    reader.release();
    expect(await query(`select id from "${name}_view"`)).toEqual([{ id: 'b' }]);
    expect(await query(`select has_table_privilege('public', '${name}', 'select') as ok`)).toEqual([{ ok: true }]);
    expect(await query(`select indexname from pg_indexes where indexname = '${name}_own'`)).toHaveLength(1);
  });

  it('empties the table when the new set is empty', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a')]);
    const { results } = await refresh(overwriting(name, 2), []);
    expect(await ids(name)).toBe('');
    expect(results[name]).toEqual({ created: 0, updated: 0, deleted: 1, skipped: 0 });
  });

  it.each(['mark', 'remove'])('makes no rows of deleted records (soft_delete: %s)', async (soft_delete) => {
    const name = newName();
    await refresh(
      overwriting(name, 1),
      ['a', 'b', 'c', 'd'].map((id) => row(name, id)),
      { soft_delete },
    );
    const { results } = await refresh(
      overwriting(name, 2),
      [
        row(name, 'a'),
        record(name, { id: 'a', v: 5, deleted: true }),
        row(name, 'a', { v: 3 }),
        record(name, { id: 'b', v: 5, deleted: true }),
        record(name, { id: 'x', v: 5, deleted: true }),
        record(name, { id: 'c', v: 5, deleted: true }),
        row(name, 'c', { v: 6 }),
        row(name, 'd'),
      ],
      { soft_delete },
    );
    expect(await ids(name)).toBe('cd');
    expect(results[name]).toMatchObject({ created: 0, updated: 0, deleted: 2 });
  });

  it('of a stream without a key replaces all rows, as often as each is there', async () => {
    const name = newName();
    const keyless = (generation?: number) => overwriting(name, generation, { stream: { primary_key: [] } });
    await refresh(keyless(1), [row(name, 'a'), row(name, 'a'), row(name, 'b')]);
    expect(await ids(name)).toBe('aab');
    const items = [row(name, 'b'), row(name, 'b'), record(name, { id: 'c', deleted: true })];
    const { results } = await refresh(keyless(2), items);
    expect(await ids(name)).toBe('bb');
    expect(results[name]).toEqual({ created: 2, updated: 0, deleted: 3, skipped: 1 });
    await refresh(keyless(), [row(name, 'z')]);
    expect(await ids(name)).toBe('z');
  });

  it('fills new columns, and follows a table that has been extended', async () => {
    const name = newName();
    const schema = (properties: object) => ({ stream: { json_schema: { properties } } });
    await refresh(overwriting(name, 1, schema({ a: { type: 'string' } })), [row(name, 1, { a: 'x', later: 5 })]);
    const wider = schema({ a: { type: 'string' }, later: { type: 'integer' } });
    await run(overwriting(name, 2, wider), [row(name, 1, { a: 'x', later: 5 })]);
    await refresh(overwriting(name, 2, schema({ ...wider.stream.json_schema.properties, more: { type: 'string' } })), [
      row(name, 2, { later: 6, more: 'm' }),
    ]);
    expect(await query(`select id, a, later, more from "${name}" order by id`)).toEqual([
      { id: '1', a: 'x', later: '5', more: null },
      { id: '2', a: null, later: '6', more: 'm' },
    ]);
  });

  it('leaves a big new set behind as it was sent, in many batches on several connections', async () => {
    const name = newName();
    const rows = (v: number, from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => row(name, from + index, { v, name: `n${(from + index) % 7}` }));
    await refresh(overwriting(name, 1), rows(1, 0, 6000), { limits: { batch_records_max: 250 } });
    const { results } = await refresh(overwriting(name, 2), rows(2, 3000, 9000), {
      limits: { batch_records_max: 250 },
    });
    expect(results[name]).toEqual({ created: 3000, updated: 0, deleted: 3000, skipped: 3000 });
    expect(await query(`select count(*)::int, min(id::int), max(id::int) from "${name}"`)).toEqual([
      { count: 6000, min: 3000, max: 8999 },
    ]);
  });

  it.each(['append_dedup', 'overwrite'] as const)(
    'and merging share a table with the same key (%s first)',
    async (first) => {
      const name = newName();
      const streams = { append_dedup: testStream(name), overwrite: overwriting(name, 1) };
      await refresh(streams[first], [row(name, 'a')]);
      await refresh(streams[first === 'overwrite' ? 'append_dedup' : 'overwrite'], [row(name, 'b')]);
      expect(await ids(name)).toBe(first === 'overwrite' ? 'ab' : 'b');
    },
  );

  it('and appending share a table without a key', async () => {
    const name = newName();
    const noKey = { stream: { primary_key: [] } };
    await refresh(testStream(name, { destination_sync_mode: 'append', ...noKey }), [row(name, 'a')]);
    await refresh(overwriting(name, 1, noKey), [row(name, 'b')]);
    await refresh(testStream(name, { destination_sync_mode: 'append', ...noKey }), [row(name, 'c')]);
    expect(await ids(name)).toBe('bc');
  });

  it.each([
    [
      'with a key, where rows were appended',
      { destination_sync_mode: 'append' as const },
      {},
      'no unique index on \\(id\\)',
    ],
    [
      'without a key, where there is one row a key',
      {},
      { stream: { primary_key: [] } },
      'keeps one row a key \\(id\\)',
    ],
    [
      'without a key, where the key is no field of the schema',
      { stream: { json_schema: { properties: {} } } },
      { stream: { primary_key: [], json_schema: { properties: {} } } },
      'has a column id that may not be null',
    ],
  ])('is refused %s', async (_, made, overwritten, reason) => {
    const name = newName();
    await refresh(testStream(name, made), [row(name, 'a')]);
    const { messages } = await refresh(overwriting(name, 1, overwritten), [row(name, 'b')]);
    expect(messages).toEqual([
      expect.objectContaining({
        stream_status: expect.objectContaining({ status: 'error', error: expect.stringMatching(reason) }),
      }),
    ]);
    expect(await ids(name)).toBe('a');
  });
});

describe('an overwrite that is cut off', () => {
  it('keeps the old set visible, and goes on under the same generation', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a'), row(name, 'b')]);
    const { messages } = await run(overwriting(name, 2), [row(name, 'b'), row(name, 'c'), checkpoint(name, 1)]);
    expect(outline(messages)).toEqual([`${name}:result`, `${name}:1`]);
    expect(await ids(name)).toBe('ab');
    const { results } = await refresh(overwriting(name, 2), [row(name, 'd')]);
    expect(await ids(name)).toBe('bcd');
    expect(results[name]).toEqual({ created: 2, updated: 0, deleted: 1, skipped: 1 });
  });

  it('starts over under another generation, and leaves one side table at most', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a')]);
    await run(overwriting(name, 2), [row(name, 'b'), checkpoint(name, 1)]);
    await refresh(overwriting(name, 3), [row(name, 'c')]);
    expect(await ids(name)).toBe('c');
    expect(await sidesOf(name)).toEqual([`_penstock_next_3_${name}`]);
    expect(await query(`select * from "_penstock_next_3_${name}"`)).toEqual([]);
  });

  it('is not finished by a stream that failed or was skipped', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a')]);
    const end = {
      kind: 'status',
      message: { type: 'stream_status', stream_status: { stream: name, status: 'error', error: 'e' } },
    };
    const { messages } = await run(overwriting(name, 2), [row(name, 'b'), checkpoint(name, 1), end as InputItem]);
    expect(outline(messages)).toEqual([`${name}:result`, `${name}:1`, `${name}:error`]);
    expect(await ids(name)).toBe('a');
  });

  it('after the new set took its place and before anybody heard of it only adds what is sent again', async () => {
    for (const key of [[['id']], []]) {
      const name = newName();
      const stream = (generation: number) => overwriting(name, generation, { stream: { primary_key: key } });
      await refresh(stream(1), [row(name, 'a')]);
      await refresh(stream(2), [row(name, 'b'), row(name, 'c')]);
      // All checkpoints were saved, and "complete" was lost.
      await refresh(stream(2), []);
      expect(await ids(name)).toBe('bc');
      if (key.length === 0) continue;
      const again = [row(name, 'c'), record(name, { id: 'b', v: 2, deleted: true }), row(name, 'd')];
      const { results } = await refresh(stream(2), again);
      expect(await ids(name)).toBe('cd');
      expect(results[name]).toEqual({ created: 1, updated: 0, deleted: 1, skipped: 2 });
    }
  });

  it('is merged when its stream goes on in another mode, since its checkpoints have left', async () => {
    const name = newName();
    await refresh(overwriting(name, 1), [row(name, 'a'), row(name, 'b'), row(name, 'c')]);
    await run(overwriting(name, 2), [
      row(name, 'b', { v: 2, name: 'new' }),
      row(name, 'd'),
      record(name, { id: 'c', v: 2, deleted: true }),
      checkpoint(name, 1),
    ]);
    await run(testStream(name), [row(name, 'e')]);
    expect(await query(`select id, name, deleted from "${name}" order by id`)).toEqual([
      { id: 'a', name: null, deleted: null },
      { id: 'b', name: 'new', deleted: null },
      { id: 'c', name: null, deleted: true },
      { id: 'd', name: null, deleted: null },
      { id: 'e', name: null, deleted: null },
    ]);
    expect(await sidesOf(name)).toEqual([]);
  });
});

describe('without a generation', () => {
  it('checkpoints leave only after the new set took its place, those of all streams too', async () => {
    const [name, other] = [newName(), newName()];
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [overwriting(name), testStream(other)],
      input: [
        [
          status(name, 'start'),
          globalCheckpoint(0),
          row(name, 1),
          checkpoint(name, 1),
          row(other, 1),
          checkpoint(other, 1),
        ],
        [row(name, 2), checkpoint(name, 2), globalCheckpoint(1), status(name, 'complete'), globalCheckpoint(2)],
      ],
    });
    const words = outline(messages).filter((word) => !word.startsWith(other));
    const beforeIt = words.splice(0, words.lastIndexOf(`${name}:result`));
    expect(beforeIt.filter((word) => !word.endsWith('result'))).toEqual([`${name}:start`, 'global:0']);
    const [a, b, end] = [`${name}:1`, `${name}:2`, `${name}:complete`];
    expect(words).toEqual([`${name}:result`, a, b, end, 'global:1', 'global:2']);
  });

  it('one that is cut off starts over, and nothing of it has been confirmed', async () => {
    const name = newName();
    await refresh(overwriting(name), [row(name, 'a')]);
    const { messages } = await run(overwriting(name), [row(name, 'b'), checkpoint(name, 1), globalCheckpoint(1)]);
    expect(outline(messages)).toEqual([`${name}:result`]);
    expect(await ids(name)).toBe('a');
    await refresh(overwriting(name), [row(name, 'c')]);
    expect(await ids(name)).toBe('c');
    expect(await sidesOf(name)).toHaveLength(1);
  });

  it('more checkpoints than may be open do not stop the reading', async () => {
    const name = newName();
    const items = Array.from({ length: 3000 }, (_, id) => [row(name, id), checkpoint(name, id)]).flat();
    const { messages } = await refresh(overwriting(name), items, { limits: { open_checkpoints_max: 10 } });
    expect(outline(messages).slice(-2)).toEqual([`${name}:"end"`, `${name}:complete`]);
    expect(await query(`select count(*)::int from "${name}"`)).toEqual([{ count: 3000 }]);
  });

  it('a stream that fails says so, and its checkpoints and those of all streams stay back', async () => {
    const name = newName();
    const skip = {
      kind: 'status',
      message: { type: 'stream_status', stream_status: { stream: name, status: 'skip', reason: 'r' } },
    };
    const { messages } = await run(overwriting(name), [
      row(name, 1),
      checkpoint(name, 1),
      skip as InputItem,
      globalCheckpoint(1),
    ]);
    expect(outline(messages)).toEqual([`${name}:result`, `${name}:skip`]);
  });
});
