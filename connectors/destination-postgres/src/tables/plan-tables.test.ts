import { describe, expect, it } from 'vitest';
import { testStream } from '../testing/write-items.ts';
import { planSide } from './plan-side.ts';
import { planTables, type TableOptions } from './plan-tables.ts';

const options: TableOptions = { schema: 'public', columns: 'typed', index: 'default', soft_delete: 'mark' };

function plan(stream: Parameters<typeof testStream>[1], more: Partial<TableOptions> = {}) {
  return planTables({ streams: [testStream('s', stream)] }, { ...options, ...more }).plans[0]!;
}

const columnNames = (table: ReturnType<typeof plan>) => table.columns.map((column) => column.name);

describe('planning a table', () => {
  it('gives each top-level scalar a column, but key and version only one place', () => {
    const table = plan({});
    expect(table.key.map(({ name, kind }) => [name, kind])).toEqual([['id', 'text']]);
    expect(table.version).toMatchObject({ name: 'v', kind: 'bigint' });
    expect(table.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['name', 'text'],
      ['amount', 'bigint'],
      ['created', 'unix_time'],
      ['customer', 'reference'],
      ['deleted', 'boolean'],
    ]);
  });

  it('indexes created and references, and nothing with index: none', () => {
    expect(plan({}).indexes).toEqual([
      { name: 's_created_idx', column: 'created' },
      { name: 's_customer_idx', column: 'customer' },
    ]);
    expect(plan({}, { index: 'none' }).indexes).toEqual([]);
  });

  it('keeps the version column when it is not among the fields, and with columns: raw', () => {
    expect(plan({ fields: ['id', 'name'] })).toMatchObject({ version: { name: 'v' } });
    expect(columnNames(plan({ fields: ['id', 'name'] }))).toEqual(['name', 'deleted']);
    expect(plan({}, { columns: 'raw' })).toMatchObject({ version: { name: 'v' }, columns: [] });
  });

  it('compares a version that no schema describes as JSON', () => {
    expect(plan({ stream: { json_schema: undefined } }).version).toMatchObject({ kind: 'jsonb' });
  });

  it('uses the key column as version column when they are the same field', () => {
    const table = plan({ stream: { primary_key: [['v']] } });
    expect(table.version).toBe(table.key[0]);
    expect(table.key[0]).toMatchObject({ kind: 'bigint' });
  });

  it('moves fields aside that are named like our columns or like those of Postgres', () => {
    const properties = { _raw_data: { type: 'string' }, ctid: { type: 'string' }, oid: { type: 'string' } };
    expect(columnNames(plan({ stream: { json_schema: { properties } } }))).toEqual([
      '_raw_data_2',
      'ctid_2',
      'oid',
      'deleted',
    ]);
  });

  it('gives a field the same name whatever the order of the fields and which of them are asked for', () => {
    const withFields = (properties: string[], fields?: string[]) =>
      plan({
        ...(fields ? { fields } : {}),
        stream: {
          json_schema: { properties: Object.fromEntries(properties.map((name) => [name, { type: 'string' }])) },
        },
      }).columns.map(({ name, path }) => [path[0], name]);
    const names = [
      ['xmin', 'xmin_3'],
      ['xmin_2', 'xmin_2'],
    ];
    expect(withFields(['xmin', 'xmin_2'])).toEqual(expect.arrayContaining(names));
    expect(withFields(['xmin_2', 'xmin'])).toEqual(expect.arrayContaining(names));
    expect(withFields(['xmin', 'xmin_2'], ['xmin'])).toContainEqual(names[0]);
  });

  it('moves a key or version aside that is named like a column of the table of removed rows, but no other field', () => {
    const table = plan({ stream: { primary_key: [['_deleted_at']] } }, { soft_delete: 'remove' });
    expect(table.key).toEqual([expect.objectContaining({ name: '_deleted_at_2', path: ['_deleted_at'] })]);
    const properties = { _deleted_at: { type: 'string' } };
    expect(columnNames(plan({ stream: { json_schema: { properties } } }))).toContain('_deleted_at');
  });

  it('has tombstones only where rows are deleted and have a version', () => {
    expect(plan({}, { soft_delete: 'remove' }).tombstones).toBe('_penstock_deleted_s');
    // There may be some of a time when rows were removed.
    expect(plan({}).tombstones).toBe('_penstock_deleted_s');
    expect(plan({ stream: { soft_delete_field: undefined } }).tombstones).toBeUndefined();
    expect(plan({ stream: { newer_than_field: undefined } }, { soft_delete: 'remove' }).tombstones).toBeUndefined();
  });

  it('adds system columns, indexed where they say so', () => {
    const table = plan({ system_columns: [{ name: '_batch', type: 'integer', index: true }] });
    expect(table.columns.at(-1)).toMatchObject({ name: '_batch', kind: 'bigint' });
    expect(table.indexes.map(({ column }) => column)).toContain('_batch');
  });

  it('indexes key and version as any other field, but for the first column of a primary key', () => {
    const more = { type: 'string', 'x-expandable': true };
    const properties = { id: more, account: more, created: { type: 'integer', format: 'unix-time' } };
    const stream = { primary_key: [['id'], ['account']], newer_than_field: 'created', json_schema: { properties } };
    const indexed = (table: ReturnType<typeof plan>) => table.indexes.map(({ column }) => column);
    expect(indexed(plan({ stream }))).toEqual(['account', 'created']);
    expect(indexed(plan({ stream, destination_sync_mode: 'append' }))).toEqual(['id', 'account', 'created']);
    const own = plan({ stream, system_columns: [{ name: 'id', type: 'text', index: true }] }, { columns: 'raw' });
    expect(indexed(own)).toEqual([]);
  });

  it('gives no index to a version that can be too long for one, since a version is never cut short', () => {
    const json_schema = { properties: { created: { type: 'string' } } };
    const table = plan({ stream: { newer_than_field: 'created', json_schema } });
    expect(table.version).toMatchObject({ kind: 'text' });
    expect(table.indexes).toEqual([]);
  });

  it('cuts a value short where it has an index, and nowhere else', () => {
    const column = (index: boolean, type: string) =>
      plan({ system_columns: [{ name: '_tag', type, index }] }).columns.at(-1)!.kind;
    expect(['text', 'numeric', 'jsonb', 'bigint'].map((type) => column(true, type))).toEqual([
      'short_text',
      'short_numeric',
      'short_jsonb',
      'bigint',
    ]);
    expect(column(false, 'text')).toBe('text');
    const none = plan({ system_columns: [{ name: '_tag', type: 'text', index: true }] }, { index: 'none' });
    expect(none.columns.at(-1)!.kind).toBe('text');
  });

  it('refuses a system column of a type that there is not', () => {
    const stream = testStream('s', { system_columns: [{ name: '_batch', type: 'bigserial', index: false }] });
    expect(planTables({ streams: [stream] }, options)).toEqual({
      plans: [],
      refused: [expect.objectContaining({ stream: 's', code: 'config_invalid' })],
    });
  });

  it.each([
    ['insert_only', ['nam'], 'Did you mean name?'],
    ['insert_only', ['v'], 'Leave it out.'],
    ['volatile', ['amout'], 'Did you mean amount?'],
    ['volatile', ['id'], 'Leave it out.'],
    ['volatile', ['deleted'], 'Leave it out.'],
  ])('refuses %s %j, which would have no effect or a wrong one', (key, names, remedy) => {
    const { refused } = planTables({ streams: [testStream('s')] }, { ...options, streams: { s: { [key]: names } } });
    expect(refused).toEqual([expect.objectContaining({ stream: 's', code: 'config_invalid', remedy })]);
  });

  it('refuses a stream whose table would be taken for what belongs to another table', () => {
    const { plans, refused } = planTables({ streams: [testStream('x'), testStream('_penstock_deleted_x')] }, options);
    expect(plans.map(({ stream }) => stream)).toEqual(['x']);
    expect(refused).toEqual([expect.objectContaining({ stream: '_penstock_deleted_x', code: 'config_invalid' })]);
  });

  it('refuses choices about updates where rows are never updated', () => {
    const stream = testStream('s', { destination_sync_mode: 'append' });
    const { refused } = planTables({ streams: [stream] }, { ...options, streams: { s: { volatile: ['name'] } } });
    expect(refused).toEqual([expect.objectContaining({ code: 'config_invalid' })]);
  });

  it('gives two streams different tables when their names begin with the same 63 bytes', () => {
    const long = 'x'.repeat(70);
    const { plans } = planTables({ streams: [testStream(`${long}1`), testStream(`${long}2`)] }, options);
    expect(new Set(plans.map(({ table }) => table)).size).toBe(2);
    expect(new Set(plans.flatMap(({ indexes }) => indexes.map(({ name }) => name))).size).toBe(4);
  });

  it('gives no index the name of another one, or of a table', () => {
    const withReference = (name: string, field: string) =>
      testStream(name, {
        stream: { json_schema: { properties: { [field]: { type: 'string', 'x-expandable': true } } } },
      });
    const streams = [
      withReference('a', 'b_c'),
      withReference('a_b', 'c'),
      withReference('d', 'e'),
      testStream('d_e_idx'),
    ];
    const names = planTables({ streams }, options).plans.flatMap(({ indexes }) => indexes.map(({ name }) => name));
    expect(names.slice(0, 3)).toEqual(['a_b_c_idx', 'a_b_c_idx_2', 'd_e_idx_2']);
  });

  it('refuses what it can not do, and says what can be done', () => {
    const streams = [
      testStream('b', { stream: { primary_key: [] } }),
      testStream('c', { stream: { primary_key: [] }, destination_sync_mode: 'append' }),
    ];
    const { plans, refused } = planTables({ streams }, options);
    expect(plans.map(({ stream }) => stream)).toEqual(['c']);
    expect(refused).toEqual([
      {
        stream: 'b',
        code: 'mode_unsupported',
        reason: expect.stringContaining('needs a primary key'),
        remedy: expect.stringContaining('append or overwrite'),
      },
    ]);
  });

  it('overwrites rows by their key where there is one, and all of them where there is none', () => {
    const overwrite = { destination_sync_mode: 'overwrite' as const };
    expect(plan({ ...overwrite, generation_id: 7 })).toMatchObject({
      mode: 'append_dedup',
      overwrite: { generation: 7, deletedField: 'deleted' },
    });
    expect(plan({ ...overwrite, stream: { primary_key: [] } })).toMatchObject({
      mode: 'append',
      version: undefined,
      softDeleteField: undefined,
      overwrite: { generation: undefined, deletedField: 'deleted' },
    });
    expect(plan({}).overwrite).toBeUndefined();
  });

  it('names a side table after its generation, whatever the length of the name', () => {
    const long = 'x'.repeat(70);
    const planned = [long, `${long}y`].flatMap((name) =>
      [1, 2].map((generation_id) =>
        planTables({ streams: [testStream(name, { destination_sync_mode: 'overwrite', generation_id })] }, options),
      ),
    );
    const sides = planned.map(({ plans }) => planSide(plans[0]!, 'run').table);
    expect(new Set(sides).size).toBe(4);
    for (const side of sides) expect(Buffer.byteLength(side)).toBeLessThanOrEqual(63);
    expect(planSide(plan({ destination_sync_mode: 'overwrite' }), 'x1').table).toBe('_penstock_next_x1_s');
  });
});
