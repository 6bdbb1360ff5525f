import { expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

/** Writes records of one stream, one run. @returns its counts */
async function write(name: string, soft_delete: 'mark' | 'remove', records: readonly object[]) {
  const { results } = await writeItems({
    config: { url: db.url, soft_delete },
    streams: [testStream(name)],
    input: [records.map((data) => record(name, data))],
  });
  return results[name];
}

const rows = async (name: string) =>
  (await db.pool.query(`select id, _raw_data ->> 'v' as v, deleted from "${name}" order by id`)).rows;

it('of rows that were removed count on when rows are marked from then on', async () => {
  const name = newName();
  await write(name, 'remove', [
    { id: 'a', v: 8 },
    { id: 'a', v: 8, deleted: true },
  ]);
  expect(await write(name, 'mark', [{ id: 'a', v: 7 }])).toMatchObject({ created: 0, skipped: 1 });
  await write(name, 'mark', [{ id: 'a', v: 7, deleted: true }]);
  expect(await rows(name)).toEqual([]);
  await write(name, 'mark', [
    { id: 'a', v: 9 },
    { id: 'a', v: 10, deleted: true },
  ]);
  expect(await rows(name)).toEqual([{ id: 'a', v: '10', deleted: true }]);
  await write(name, 'remove', [
    { id: 'a', v: 11 },
    { id: 'a', v: 12, deleted: true },
    { id: 'a', v: 11 },
  ]);
  expect(await rows(name)).toEqual([]);
});

it('have no table where rows were only ever marked', async () => {
  const name = newName();
  await write(name, 'mark', [{ id: 'a', v: 1, deleted: true }]);
  const { rows: tables } = await db.pool.query('select to_regclass($1) as found', [`_penstock_deleted_${name}`]);
  expect(tables).toEqual([{ found: null }]);
});
