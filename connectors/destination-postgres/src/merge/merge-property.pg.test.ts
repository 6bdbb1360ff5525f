import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '../testing/database.ts';
import { record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

type Data = { id: string; v?: number; name?: string; deleted?: boolean };

/** Few, so that they come again and again; and enough for batches that share none, which are merged beside each other. */
const ids = [...'abcdefghijk'];

const dataArbitrary: fc.Arbitrary<Data> = fc.record(
  {
    id: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...ids)),
    v: fc.integer({ min: 1, max: 4 }),
    name: fc.constantFrom('x', 'y', 'z'),
    deleted: fc.boolean(),
  },
  { requiredKeys: ['id'] },
);

/** A row: the content of its record, and the name of the record that made it. */
type Row = { readonly data: Data; readonly firstName: string | undefined };

/** What the table must be: the records applied one by one. The specification, in its plainest form. */
function applyOneByOne(records: readonly Data[], mode: 'mark' | 'remove'): Row[] {
  const rows = new Map<string, Data>();
  const firstNames = new Map<string, string | undefined>();
  const graves = new Map<string, number | undefined>();
  const isNewer = (newer: number | undefined, older: number | undefined) =>
    newer === undefined || older === undefined || newer >= older;
  const content = ({ v: _, ...rest }: Data) => JSON.stringify(Object.entries(rest).toSorted());
  for (const data of records) {
    const row = rows.get(data.id);
    const isRemoval = data.deleted && mode === 'remove';
    const isBehindGrave = graves.has(data.id) && !isNewer(data.v, graves.get(data.id));
    if (isRemoval && !isBehindGrave) graves.set(data.id, data.v ?? graves.get(data.id));
    if (row && !isNewer(data.v, row.v)) continue;
    if (isRemoval) rows.delete(data.id);
    if (isRemoval || isBehindGrave) continue;
    const next = data.deleted ? { ...row, ...data } : data;
    if (!row) firstNames.set(data.id, data.name);
    if (!row || content(next) !== content(row)) rows.set(data.id, next);
  }
  return [...rows.values()]
    .toSorted((a, b) => a.id.localeCompare(b.id))
    .map((data) => ({ data, firstName: firstNames.get(data.id) }));
}

type WriteOptions = {
  readonly softDelete: 'mark' | 'remove';
  readonly batchRecords: number;
  readonly unstaged: number;
  readonly insertOnly?: readonly string[];
};

const made = new Set<string>();

/** Writes the records into an empty table, in batches of a size, and reads it back. Making one for each run would take longest. */
async function write(records: readonly Data[], { softDelete, batchRecords, unstaged, insertOnly = [] }: WriteOptions) {
  const name = ['p', softDelete, ...insertOnly].join('_');
  const writeAll = (all: readonly Data[]) =>
    writeItems({
      config: {
        url: db.url,
        soft_delete: softDelete,
        index: 'none',
        streams: { [name]: { insert_only: insertOnly } },
        limits: { batch_records_max: batchRecords, unstaged_records_max: unstaged },
      },
      streams: [testStream(name)],
      input: [all.map((data) => record(name, data))],
    });
  if (!made.has(name)) await writeAll([]);
  made.add(name);
  const graves = softDelete === 'remove' ? `, "_penstock_deleted_${name}"` : '';
  await db.pool.query(`truncate "${name}"${graves}`);
  await writeAll(records);
  const { rows } = await db.pool.query<{ data: Data; v: string | null; name: string | null; deleted: boolean | null }>(
    `select _raw_data as data, v, name, deleted from "${name}" order by id`,
  );
  return rows;
}

const recordsArbitrary = fc.array(dataArbitrary, { minLength: 1, maxLength: 40 });
const batchRecordsArbitrary = fc.integer({ min: 1, max: 8 });
/** 0: all batches by COPY. */
const unstagedArbitrary = fc.constantFrom(0, 4, 100);

describe.each(['mark', 'remove'] as const)('with soft_delete %s', (softDelete) => {
  it('gives the same table as applying records one by one, however they are cut into batches', async () => {
    const property = fc.asyncProperty(
      recordsArbitrary,
      batchRecordsArbitrary,
      unstagedArbitrary,
      fc.constantFrom([], ['name']),
      async (drawn, batchRecords, unstaged, insertOnly) => {
        // No two alike: of an equal row the stored version stays, so it would depend on what lies between two equal ones.
        const records = drawn.map((data, index) => ({ ...data, name: `${data.name}${index}` }));
        const rows = await write(records, { softDelete, batchRecords, unstaged, insertOnly });
        const expected = applyOneByOne(records, softDelete);
        expect(rows.map((row) => row.data)).toEqual(expected.map(({ data }) => data));
        const columns = expected.map(({ data: { v, name, deleted }, firstName }) => [
          v?.toString() ?? null,
          (insertOnly.length > 0 ? firstName : name) ?? null,
          deleted ?? null,
        ]);
        expect(rows.map((row) => [row.v, row.name, row.deleted])).toEqual(columns);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('ends with the newest state of each key when that is sent last, with equal rows in between', async () => {
    const property = fc.asyncProperty(
      recordsArbitrary,
      batchRecordsArbitrary,
      unstagedArbitrary,
      async (records, batchRecords, unstaged) => {
        const newest = ids.map((id) => ({ id, v: 9, name: `newest ${id}` }));
        const rows = await write([...records, ...newest], { softDelete, batchRecords, unstaged });
        expect(rows.map(({ data: { v: _, ...content } }) => content)).toEqual(
          newest.map(({ v: _, ...content }) => content),
        );
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });
});
