import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

type Row = Record<string, unknown>;
type Case = {
  readonly says: string;
  readonly config?: Record<string, unknown>;
  /** What the config says of this stream. */
  readonly options?: object;
  readonly stream?: object;
  readonly fields?: string[];
  readonly mode?: 'append' | 'append_dedup';
  /** Each array arrives in one batch, after the one before it is committed. */
  readonly batches: readonly (readonly (object | string)[])[];
  readonly rows: readonly Row[];
  /** created, updated, deleted, skipped over all batches */
  readonly counts: readonly [number, number, number, number];
};

const a1 = { id: 'a', v: 1, name: 'one', amount: 5 };
const cases: Case[] = [
  {
    says: 'a new record becomes a row with its columns filled',
    batches: [
      [{ id: 'a', v: 1, name: 'Zoë "q" \\ \t', amount: 12, created: 1_700_000_000, customer: 'cus_1', tags: [1] }],
    ],
    rows: [
      { id: 'a', v: '1', name: 'Zoë "q" \\ \t', amount: '12', created: new Date(1_700_000_000_000), customer: 'cus_1' },
    ],
    counts: [1, 0, 0, 0],
  },
  {
    says: 'a newer version replaces the row',
    batches: [[a1], [{ id: 'a', v: 2 }]],
    rows: [{ id: 'a', v: '2', name: null }],
    counts: [1, 1, 0, 0],
  },
  {
    says: 'an older version is skipped',
    batches: [[{ ...a1, v: 3 }], [{ id: 'a', v: 2 }]],
    rows: [{ v: '3', name: 'one' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'an equal version that arrives later replaces the row',
    batches: [[a1], [{ ...a1, name: 'two' }]],
    rows: [{ v: '1', name: 'two' }],
    counts: [1, 1, 0, 0],
  },
  {
    says: 'a column that is written on insert only keeps its first value, also when the record is deleted',
    options: { insert_only: ['name'] },
    batches: [[a1], [{ id: 'a', v: 2, name: 'two', amount: 6 }], [{ id: 'a', v: 3, name: 'three', deleted: true }]],
    rows: [{ v: '3', name: 'one', amount: '6', deleted: true }],
    counts: [1, 1, 1, 0],
  },
  {
    says: 'a column that is written on insert only takes its value from the first of a batch',
    options: { insert_only: ['name'] },
    batches: [[a1, { ...a1, v: 2, name: 'two' }, { ...a1, v: 3, name: 'three', amount: 6 }]],
    rows: [{ v: '3', name: 'one', amount: '6' }],
    counts: [1, 2, 0, 0],
  },
  {
    says: 'a record that differs in volatile fields alone is equal',
    options: { volatile: ['amount', 'tags'] },
    batches: [[a1], [{ ...a1, v: 2, amount: 6, tags: [1] }]],
    rows: [{ v: '1', amount: '5' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'a record that differs in more than volatile fields replaces the row, volatile ones included',
    options: { volatile: ['amount'] },
    batches: [[a1], [{ ...a1, v: 2, amount: 6, name: 'two' }]],
    rows: [{ v: '2', amount: '6', name: 'two' }],
    counts: [1, 1, 0, 0],
  },
  {
    says: 'a record without a version differs in volatile fields alone and is equal',
    options: { volatile: ['amount'] },
    stream: { newer_than_field: undefined },
    batches: [[{ id: 'a', amount: 1 }], [{ id: 'a', amount: 2 }]],
    rows: [{ amount: '1' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'an equal row is not rewritten and keeps its version',
    batches: [[a1], [{ ...a1, v: 9 }]],
    rows: [{ v: '1', name: 'one' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'a record without a version replaces one with a version',
    batches: [[a1], [{ id: 'a', name: 'x' }]],
    rows: [{ v: null, name: 'x' }],
    counts: [1, 1, 0, 0],
  },
  {
    says: 'a record with a version replaces one without',
    batches: [[{ id: 'a', name: 'x' }], [a1]],
    rows: [{ v: '1', name: 'one' }],
    counts: [1, 1, 0, 0],
  },
  {
    says: 'of duplicates in a batch the largest version wins',
    batches: [
      [
        { ...a1, v: 2 },
        { ...a1, v: 7, name: 'new' },
        { ...a1, v: 5 },
      ],
    ],
    rows: [{ v: '7', name: 'new' }],
    counts: [1, 0, 0, 2],
  },
  {
    says: 'of duplicates with one version the last wins',
    batches: [[a1, { ...a1, name: 'last' }]],
    rows: [{ name: 'last' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'a missing version in the middle of a batch lets an older one in',
    batches: [
      [
        { ...a1, v: 5 },
        { id: 'a', name: 'none' },
        { ...a1, v: 3 },
      ],
    ],
    rows: [{ v: '3', name: 'one' }],
    counts: [1, 2, 0, 0],
  },
  {
    says: 'without newer_than_field the last to arrive wins',
    stream: { newer_than_field: undefined },
    batches: [
      [{ ...a1, v: 9 }],
      [
        { ...a1, v: 1 },
        { ...a1, v: 4 },
      ],
    ],
    rows: [{ v: '4' }],
    counts: [1, 1, 0, 1],
  },
  {
    says: 'a deletion marks the row and keeps its content',
    batches: [[a1], [{ id: 'a', v: 2, deleted: true }]],
    rows: [{ v: '2', name: 'one', amount: '5', deleted: true }],
    counts: [1, 0, 1, 0],
  },
  {
    says: 'a deletion in the same batch keeps the content too',
    batches: [[a1, { id: 'a', v: 2, deleted: true }]],
    rows: [{ v: '2', name: 'one', deleted: true }],
    counts: [1, 0, 1, 0],
  },
  {
    says: 'a late older record does not bring a deleted one back',
    batches: [[a1], [{ id: 'a', v: 5, deleted: true }], [{ ...a1, v: 4 }]],
    rows: [{ v: '5', deleted: true }],
    counts: [1, 0, 1, 1],
  },
  {
    says: 'a deletion that is older than the row is skipped',
    batches: [[{ ...a1, v: 5 }], [{ id: 'a', v: 2, deleted: true }]],
    rows: [{ v: '5', deleted: null }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'an object that is made again after its deletion is not deleted',
    batches: [[a1, { id: 'a', v: 2, deleted: true }, { ...a1, v: 3, name: 'again' }]],
    rows: [{ v: '3', name: 'again', deleted: null }],
    counts: [1, 1, 1, 0],
  },
  {
    says: 'a repeated deletion changes nothing',
    batches: [[a1], [{ id: 'a', v: 2, deleted: true }], [{ id: 'a', v: 2, deleted: true }]],
    rows: [{ deleted: true }],
    counts: [1, 0, 1, 1],
  },
  {
    says: 'a deletion of an unknown object leaves a marked row',
    batches: [[{ id: 'a', v: 2, deleted: true }]],
    rows: [{ id: 'a', deleted: true }],
    counts: [0, 0, 1, 0],
  },
  {
    says: 'deleted: false is no deletion',
    batches: [[{ ...a1, deleted: false }]],
    rows: [{ deleted: false }],
    counts: [1, 0, 0, 0],
  },
  {
    says: 'soft_delete remove takes the row away',
    config: { soft_delete: 'remove' },
    batches: [[a1], [{ id: 'a', v: 2, deleted: true }]],
    rows: [],
    counts: [1, 0, 1, 0],
  },
  {
    says: 'a removed row is not brought back by a late older record',
    config: { soft_delete: 'remove' },
    batches: [[a1], [{ id: 'a', v: 5, deleted: true }], [{ ...a1, v: 4 }]],
    rows: [],
    counts: [1, 0, 1, 1],
  },
  {
    says: 'a removed row comes back with a newer record',
    config: { soft_delete: 'remove' },
    batches: [[a1], [{ id: 'a', v: 5, deleted: true }], [{ ...a1, v: 6 }]],
    rows: [{ v: '6' }],
    counts: [2, 0, 1, 0],
  },
  {
    says: 'an older deletion does not remove a newer row',
    config: { soft_delete: 'remove' },
    batches: [[{ ...a1, v: 6 }], [{ id: 'a', v: 5, deleted: true }]],
    rows: [{ v: '6' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'removal without a version field removes',
    config: { soft_delete: 'remove' },
    stream: { newer_than_field: undefined },
    batches: [[a1, { id: 'a', deleted: true }]],
    rows: [],
    counts: [1, 0, 1, 0],
  },
  {
    says: 'a composite key keeps rows apart',
    stream: { primary_key: [['id'], ['_account_id']] },
    batches: [
      [
        { ...a1, _account_id: 'x' },
        { ...a1, _account_id: 'y' },
        { ...a1, v: 2, _account_id: 'y', name: 'y2' },
      ],
    ],
    rows: [
      { _account_id: 'x', name: 'one' },
      { _account_id: 'y', name: 'y2' },
    ],
    counts: [2, 0, 0, 1],
  },
  {
    says: 'a nested key is found',
    stream: { primary_key: [['ref', 'id']] },
    batches: [
      [
        { ref: { id: 'n1' }, v: 1 },
        { ref: { id: 'n1' }, v: 2, name: 'b' },
      ],
    ],
    rows: [{ ref_id: 'n1', name: 'b' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'a key of whole numbers is a bigint',
    stream: { primary_key: [['amount']] },
    batches: [['{"amount":9223372036854775807,"v":1}']],
    rows: [{ amount: '9223372036854775807' }],
    counts: [1, 0, 0, 0],
  },
  {
    says: 'fields may be named like anything that the statements use inside',
    stream: {
      json_schema: {
        properties: Object.fromEntries(
          ['k0', 'n', 'v', 'data', 'l', 's', 't', 'c', 'd', 'line', 'rows', 'excluded', 'a\0b'].map((name) => [
            name,
            { type: 'string' },
          ]),
        ),
      },
    },
    batches: [
      [{ id: 'a', v: '1', k0: 'K', n: 'N', data: 'D', l: 'L', s: 'S', t: 'T', c: 'C', d: 'D', line: 'I', rows: 'R' }],
      [{ id: 'a', v: '2', k0: 'K', n: 'N', deleted: true }],
    ],
    rows: [{ id: 'a', v: '2', k0: 'K', n: 'N', data: 'D', l: 'L', s: 'S', t: 'T', c: 'C', d: 'D', line: 'I' }],
    counts: [1, 0, 1, 0],
  },
  {
    says: 'append adds a row for every record',
    mode: 'append',
    batches: [[a1, a1], [a1]],
    rows: [{ id: 'a' }, { id: 'a' }, { id: 'a' }],
    counts: [3, 0, 0, 0],
  },
  {
    says: 'columns raw keeps key and version only',
    config: { columns: 'raw' },
    batches: [[a1, { ...a1, v: 2, name: 'b' }]],
    rows: [{ id: 'a', v: '2' }],
    counts: [1, 0, 0, 1],
  },
  {
    says: 'an expanded reference is stored as its id',
    batches: [
      [
        { id: 'a', v: 1, customer: { id: 'cus_9', name: 'N' } },
        { id: 'b', v: 1, customer: null },
      ],
    ],
    rows: [
      { id: 'a', customer: 'cus_9' },
      { id: 'b', customer: null },
    ],
    counts: [2, 0, 0, 0],
  },
  {
    says: 'a value that does not fit its column is null there and stays in _raw_data',
    batches: [[{ id: 'a', v: 1, amount: 'many', name: { x: 1 }, created: 1e300, customer: [1] }]],
    rows: [
      {
        amount: null,
        name: null,
        created: null,
        customer: null,
        _raw_data: { id: 'a', v: 1, amount: 'many', name: { x: 1 }, created: 1e300, customer: [1] },
      },
    ],
    counts: [1, 0, 0, 0],
  },
  {
    says: 'selecting fields without the version field leaves the version guard working',
    fields: ['id', 'name'],
    batches: [[{ ...a1, v: 5 }], [{ ...a1, v: 4, name: 'old' }]],
    rows: [{ v: '5', name: 'one' }],
    counts: [1, 0, 0, 1],
  },
];

describe.each([
  ['a few records at a time', { unstaged_records_max: 100 }],
  ['by COPY', { unstaged_records_max: 0 }],
])('merging %s', (_, limits) => {
  it.each(cases)(
    '$says',
    async ({ config = {}, options, stream = {}, fields, mode = 'append_dedup', batches, rows, counts }) => {
      const name = newName();
      const configured = testStream(name, { destination_sync_mode: mode, stream, ...(fields && { fields }) });
      let results = [0, 0, 0, 0];
      for (const batch of batches) {
        const run = await writeItems({
          config: { url: db.url, limits, ...config, ...(options && { streams: { [name]: options } }) },
          streams: [configured],
          input: [batch.map((data) => record(name, data))],
        });
        const { created, updated, deleted, skipped } = run.results[name]!;
        results = [results[0]! + created, results[1]! + updated, results[2]! + deleted, results[3]! + skipped];
      }
      const found = await db.pool.query(`select * from "${name}" order by 1, 2`);
      expect(found.rows).toEqual(rows.map((row) => expect.objectContaining(row)));
      expect(results).toEqual(counts);
    },
  );
});
