import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { oneStream, type StreamParts, withProperties } from '../testing/one-stream.ts';
import { outline, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

const { write, query } = oneStream(db);

describe('tables', () => {
  it('are there before any data, with key, types, indexes and a comment', async () => {
    const name = newName();
    await write(name);
    const columns = await query(
      `select column_name || ' ' || data_type || ' ' || is_nullable as c from information_schema.columns where table_name = '${name}' order by ordinal_position`,
    );
    expect(columns.map(({ c }) => c)).toEqual([
      'id text NO',
      'v bigint YES',
      'name text YES',
      'amount bigint YES',
      'created timestamp with time zone YES',
      'customer text YES',
      'deleted boolean YES',
      '_raw_data jsonb NO',
      '_synced_at timestamp with time zone NO',
      '_updated_at timestamp with time zone NO',
    ]);
    const indexes = await query(`select indexname as i from pg_indexes where tablename = '${name}' order by 1`);
    expect(indexes.map(({ i }) => i)).toEqual([`${name}_created_idx`, `${name}_customer_idx`, `${name}_pkey`]);
    expect(await query(`select obj_description('${name}'::regclass) as c`)).toEqual([
      { c: expect.stringContaining('Penstock') },
    ]);
  });

  it('work with names that need care', async () => {
    for (const name of [
      'select',
      'Mixed Case',
      'quo"te',
      "it's",
      'x'.repeat(80),
      `${'x'.repeat(79)}y`,
      'ünïcode 🚰',
      'a.b',
    ]) {
      const properties = {
        user: { type: 'string' },
        'a"b': { type: 'string' },
        "a'b": { type: 'string' },
        ['y'.repeat(70)]: { type: 'string' },
        ctid: { type: 'string' },
        '': { type: 'string' },
      };
      const data = {
        id: '1',
        v: 1,
        user: 'u',
        'a"b': 'q',
        "a'b": 's',
        ['y'.repeat(70)]: 'long',
        ctid: 'c',
        '': 'empty',
      };
      const { messages } = await write(name, withProperties(properties), [data]);
      expect(outline(messages)).toEqual([`${name}:result`]);
    }
    expect(await query('select "user", "a""b", "a\'b", ctid_2, _ as e from "quo""te"')).toEqual([
      { user: 'u', 'a"b': 'q', "a'b": 's', ctid_2: 'c', e: 'empty' },
    ]);
    const long = await query(`select * from pg_tables where tablename like 'xxxx%'`);
    expect(long).toHaveLength(2);
  });

  it('get new columns, filled for the rows that are there, and keep their views and grants', async () => {
    const name = newName();
    await write(name, withProperties({ a: { type: 'string' } }), [
      { id: '1', a: 'x', later: 7 },
      { id: '2', later: 'no number' },
      { id: '3' },
    ]);
    await db.pool.query(
      `create view "${name}_view" as select id, a from "${name}"; grant select on "${name}" to public`,
    );
    await write(name, withProperties({ a: { type: 'string' }, later: { type: 'integer' } }), [{ id: '3', later: 9 }]);
    expect(await query(`select id, later from "${name}" order by id`)).toEqual([
      { id: '1', later: '7' },
      { id: '2', later: null },
      { id: '3', later: '9' },
    ]);
    expect(await query(`select count(*)::int as n from "${name}_view"`)).toEqual([{ n: 3 }]);
    expect(await query(`select has_table_privilege('public', '${name}', 'select') as ok`)).toEqual([{ ok: true }]);
  });

  it('that fit are not locked', async () => {
    const name = newName();
    await write(name);
    const client = await db.pool.connect();
    // Every lock but that of a reader, and of a writer of rows, would have to wait for this one.
    await client.query(`begin; lock table "${name}" in row exclusive mode`);
    await write(name, {}, [{ id: '1', v: 1 }]);
    await client.query('rollback');
    client.release();
    expect(await query(`select id from "${name}"`)).toEqual([{ id: '1' }]);
  });

  it('keep a column whose type has changed in the schema, and say so', async () => {
    const name = newName();
    await write(name, withProperties({ a: { type: 'string' } }), [{ id: '1', a: 'x' }]);
    const { logged } = await write(name, withProperties({ a: { type: 'integer' } }), [{ id: '2', a: 5 }]);
    expect(logged).toEqual([expect.stringContaining('stays text')]);
    expect(await query(`select id, a from "${name}" order by id`)).toEqual([
      { id: '1', a: 'x' },
      { id: '2', a: '5' },
    ]);
  });

  it('keep filling a time that loses its format, whether numbers come or text', async () => {
    const name = newName();
    const time = { type: 'integer', format: 'unix-time' };
    await write(name, withProperties({ a: time, b: time }), [{ id: '1', a: 0, b: 0 }]);
    const { logged } = await write(name, withProperties({ a: { type: 'integer' }, b: { type: 'string' } }), [
      { id: '1', a: 60, b: '1970-01-01T00:02:00Z' },
    ]);
    expect(logged).toEqual(Array(2).fill(expect.stringContaining('stays timestamp with time zone')));
    expect(await query(`select a, b from "${name}"`)).toEqual([{ a: new Date(60_000), b: new Date(120_000) }]);
  });

  it('lose no column when the schema loses one', async () => {
    const name = newName();
    await write(name, withProperties({ a: { type: 'string' } }), [{ id: '1', a: 'x' }]);
    await write(name, withProperties({}), [{ id: '2', a: 'y' }]);
    expect(await query(`select id, a from "${name}" order by id`)).toEqual([
      { id: '1', a: 'x' },
      { id: '2', a: null },
    ]);
  });

  it('keep the old values of a field that was gone, until its column is dropped and made again', async () => {
    const name = newName();
    const whole = withProperties({ a: { type: 'string' } });
    await write(name, whole, [{ id: '1', a: 'old' }]);
    await write(name, withProperties({}), [
      { id: '1', a: 'new' },
      { id: '2', a: 'new' },
    ]);
    await write(name, whole);
    const values = () => query(`select a, _raw_data ->> 'a' as raw from "${name}" order by id`);
    expect(await values()).toEqual([
      { a: 'old', raw: 'new' },
      { a: null, raw: 'new' },
    ]);
    await db.pool.query(`alter table "${name}" drop column a`);
    await write(name, whole);
    expect((await values()).map(({ a }) => a)).toEqual(['new', 'new']);
  });

  it('keep comparing versions as they were, or refuse', async () => {
    const name = newName();
    await write(name, {}, [{ id: '1', v: 5, name: 'new' }]);
    const properties = { id: { type: 'string' }, v: { type: 'string', format: 'date-time' } };
    const { messages } = await write(name, { stream: { json_schema: { properties } } }, [{ id: '1', v: '2024-01-01' }]);
    expect(messages).toEqual([
      expect.objectContaining({
        stream_status: expect.objectContaining({ error: expect.stringContaining('drop column "v"') }),
      }),
    ]);
    expect(await query(`select _raw_data ->> 'name' as name from "${name}"`)).toEqual([{ name: 'new' }]);
  });

  it.each([
    ['a time', { type: 'string', format: 'date-time' }, '2026-01-01T00:00:00Z'],
    ['text', { type: 'string' }, '2'],
  ])('with a numeric version are refused when it becomes %s', async (_, v, value) => {
    const name = newName();
    await write(name, withProperties({ id: { type: 'string' }, v: { type: 'number' } }), [{ id: '1', v: 1.5 }]);
    const { messages } = await write(name, withProperties({ id: { type: 'string' }, v }), [{ id: '1', v: value }]);
    expect(JSON.stringify(messages)).toContain('newer and older records could not be told apart');
    await write(name, withProperties({ id: { type: 'string' }, v: { type: 'integer' } }), [{ id: '1', v: 1 }]);
    expect(await query(`select v from "${name}"`)).toEqual([{ v: '1.5' }]);
  });

  it('whose version was made anew have the versions of removed rows follow', async () => {
    const name = newName();
    const remove = { soft_delete: 'remove' };
    const stream = (v: object) => withProperties({ id: { type: 'string' }, v });
    await write(name, stream({ type: 'integer' }), [{ id: 'a', v: 9, deleted: true }], remove);
    const refused = await write(name, stream({ type: 'string' }), [], remove);
    expect(JSON.stringify(refused.messages)).toContain('drop column');
    await db.pool.query(`alter table "${name}" drop column v`);
    const data = [
      { id: 'a', v: '8' },
      { id: 'b', v: '1' },
    ];
    const { messages, logged } = await write(name, stream({ type: 'string' }), data, remove);
    expect(outline(messages)).toEqual([`${name}:result`]);
    expect(logged).toEqual([expect.stringContaining('is now text')]);
    expect(await query(`select id from "${name}"`)).toEqual([{ id: 'b' }]);
    expect(await query(`select id, v from "_penstock_deleted_${name}"`)).toEqual([{ id: 'a', v: '9' }]);
    expect((await write(name, stream({ type: 'string' }), [], remove)).logged).toEqual([]);
  });

  it('remember removed rows by a key that is named like a column of that table', async () => {
    const name = newName();
    const stream = { stream: { primary_key: [['_deleted_at']] } };
    const remove = { soft_delete: 'remove' };
    await write(name, stream, [{ _deleted_at: 'a', v: 2, deleted: true }], remove);
    await write(name, stream, [{ _deleted_at: 'a', v: 1 }], remove);
    expect(await query(`select from "${name}"`)).toEqual([]);
    expect(await query(`select _deleted_at_2 as k from "_penstock_deleted_${name}"`)).toEqual([{ k: 'a' }]);
  });

  it('are not written when something else has the name for their removed rows', async () => {
    const name = newName();
    await db.pool.query(`create table "_penstock_deleted_${name}" (id bigint primary key)`);
    const { messages } = await write(name, {}, [{ id: 'a', deleted: true }], { soft_delete: 'remove' });
    expect(JSON.stringify(messages)).toContain('does not fit');
  });

  it('of mode append get the columns of another key, filled for the rows that are there', async () => {
    const name = newName();
    const append = { destination_sync_mode: 'append' as const };
    await write(name, append, [{ id: '1', ref: { no: 7 } }]);
    await write(name, { ...append, stream: { primary_key: [['ref', 'no']] } }, [{ id: '2', ref: { no: 8 } }]);
    expect(await query(`select ref_no from "${name}" order by 1`)).toEqual([{ ref_no: '7' }, { ref_no: '8' }]);
  });

  it('have system columns of the types that the catalog names in the words of Postgres', async () => {
    const name = newName();
    const types = ['text', 'bigint', 'numeric', 'boolean', 'timestamptz', 'timestamp with time zone', 'jsonb'];
    const system_columns = types.map((type, index) => ({ name: `_s${index}`, type, index: index < 2 }));
    const [text, date] = ['x', '2026-01-01T00:00:00Z'];
    const values = [text, 5, 1.5, true, date, date, { a: 1 }];
    const data = { id: 'a', v: 1, ...Object.fromEntries(values.map((value, index) => [`_s${index}`, value])) };
    await write(name, { system_columns }, [data]);
    const columns = await query(
      `select data_type as t from information_schema.columns where table_name = '${name}' and column_name ~ '^_s[0-9]' order by column_name`,
    );
    expect(columns.map(({ t }) => t)).toEqual(types.map((type) => (type === 'timestamptz' ? types[5] : type)));
    const [row] = await query(`select _s0, _s1, _s2, _s3, _s4, _s5, _s6 from "${name}"`);
    expect(Object.values(row!)).toEqual([text, '5', '1.5', true, new Date(date), new Date(date), { a: 1 }]);
    const indexes = await query(`select indexname as i from pg_indexes where tablename = '${name}'`);
    expect(indexes.map(({ i }) => i)).toEqual(expect.arrayContaining([`${name}__s0_idx`, `${name}__s1_idx`]));
  });

  it('have all their indexes where those of two tables would have one name, or something else has it', async () => {
    const references = (field: string): StreamParts =>
      withProperties({ id: { type: 'string' }, [field]: { type: ['string', 'object'] } });
    const streams = [testStream('invoice', references('item_price')), testStream('invoice_item', references('price'))];
    const writeBoth = (input: ReturnType<typeof record>[] = []) =>
      writeItems({ config: { url: db.url }, streams, input: [input] });
    await db.pool.query('create sequence invoice_item_price_idx');
    await writeBoth();
    const indexed = () =>
      query(`select tablename as t, indexdef as d from pg_indexes where indexdef ~ 'price\\)$' order by 1`);
    expect(await indexed()).toEqual([
      { t: 'invoice', d: expect.stringContaining('(item_price)') },
      { t: 'invoice_item', d: expect.stringContaining('(price)') },
    ]);
    const client = await db.pool.connect();
    await client.query('begin; lock table invoice, invoice_item in row exclusive mode');
    await writeBoth([record('invoice_item', { id: 'a' })]);
    await client.query('rollback');
    client.release();
    expect(await indexed()).toHaveLength(2);
  });

  it('have no second index on a column where a user made one of another name', async () => {
    const name = newName();
    await write(name, {}, [], { index: 'none' });
    await db.pool.query(`create index mine on "${name}" (customer, created)`);
    await write(name);
    const indexes = await query(`select indexname as i from pg_indexes where tablename = '${name}' order by 1`);
    expect(indexes.map(({ i }) => i)).toEqual(['mine', `${name}_created_idx`, `${name}_pkey`]);
  });

  it('are written without an index that can not be made now, with a warning', async () => {
    const name = newName();
    await write(name);
    await db.pool.query(`drop index "${name}_created_idx"`);
    const client = await db.pool.connect();
    await client.query(`begin; lock table "${name}" in row exclusive mode`);
    const { logged, messages } = await write(name, {}, [{ id: '1', v: 1 }]);
    await client.query('rollback');
    client.release();
    expect(logged).toEqual([expect.stringMatching(/index on created .*could not be made: .*lock timeout/)]);
    expect(outline(messages)).toEqual([`${name}:result`]);
    await write(name);
    expect(await query(`select 1 from pg_indexes where indexname = '${name}_created_idx'`)).toHaveLength(1);
  });

  it('that are partitioned are refused', async () => {
    const name = newName();
    await db.pool.query(
      `create table "${name}" (id text primary key, _raw_data jsonb, _synced_at timestamptz, _updated_at timestamptz) partition by hash (id)`,
    );
    const { messages } = await write(name, {}, [{ id: '1' }]);
    expect(JSON.stringify(messages)).toContain('was not made by Penstock');
  });

  it.each([
    ['another key', { stream: { primary_key: [['id'], ['name']] } }, 'no unique index on \\(id, name\\)'],
    ['mode append', { destination_sync_mode: 'append' as const }, 'keeps one row a key'],
  ])('are not written with %s than they were made for', async (_, stream, reason) => {
    const name = newName();
    await write(name, {}, [{ id: '1' }]);
    const { messages } = await write(name, stream, [{ id: '2' }]);
    expect(messages).toEqual([
      {
        type: 'stream_status',
        stream_status: { stream: name, status: 'error', failure_type: 'config', error: expect.stringMatching(reason) },
      },
    ]);
  });

  it('are made in a schema that does not exist yet', async () => {
    await write('elsewhere', {}, [{ id: '1' }], { schema: 'My "schema"' });
    expect(await query('select id from "My ""schema""".elsewhere')).toEqual([{ id: '1' }]);
  });

  it('are made in a schema that several programs make at the same moment', async () => {
    for (let round = 1; round <= 5; round++) {
      const schema = `together_${round}`;
      const runs = await Promise.all([1, 2, 3].map((id) => write('both', {}, [{ id: `${id}` }], { schema })));
      for (const { messages } of runs) expect(outline(messages)).toEqual(['both:result']);
      expect(await query(`select id from ${schema}.both order by id`)).toHaveLength(3);
    }
  });

  it('are made once when two programs start at the same moment', async () => {
    const name = newName();
    const runs = await Promise.all([1, 2, 3].map((id) => write(name, {}, [{ id: `${id}` }])));
    for (const { messages } of runs) expect(outline(messages)).toEqual([`${name}:result`]);
    expect(await query(`select id from "${name}" order by id`)).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }]);
  });
});
