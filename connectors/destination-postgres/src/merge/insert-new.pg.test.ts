import { beforeEach, describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { holdLocks } from '../testing/locks.ts';
import { whenTrue } from '../testing/when-true.ts';
import { record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

let name = '';
beforeEach(() => {
  name = newName();
});

/** Batches of so many records, by COPY, one after the other: the first two bring only new keys. */
const size = 4;
const allNew = Array.from({ length: 2 * size }, (_, index) => ({ id: `new ${index}`, v: 5 }));

const write = (data: readonly object[], config: object = {}) =>
  writeItems({
    config: {
      url: db.url,
      connections: 1,
      index: 'none',
      limits: { batch_records_max: size, unstaged_records_max: 0 },
      ...config,
    },
    streams: [testStream(name)],
    input: [data.map((each, index) => record(name, each, index + 1))],
  });

const rowsLike = async (pattern: string) =>
  (await db.pool.query(`select id, v, name from "${name}" where id like $1 order by id`, [pattern])).rows;

/** The statement that waits for another session. */
const waiting = async () =>
  (
    await db.pool.query<{ query: string }>(
      `select query from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
  ).rows.map(({ query }) => query);

describe('after batches of new keys', () => {
  it('a batch with keys that are there is merged as any other', async () => {
    const mixed = [
      { id: 'new 1', v: 6, name: 'newer' },
      { id: 'new 2', v: 4, name: 'older' },
      { id: 'new 3', v: 6 },
      { id: 'mixed', v: 1 },
    ];
    const { results } = await write([...allNew, ...mixed]);
    expect(results[name]).toEqual({ created: 9, updated: 1, deleted: 0, skipped: 2 });
    expect(await rowsLike('new %')).toEqual(
      allNew.map(({ id, v }) => ({ id, v: `${id === 'new 1' ? 6 : v}`, name: id === 'new 1' ? 'newer' : null })),
    );
  });

  it('of a batch with one key twice the newer record stays', async () => {
    const twice = [
      { id: 'twice', v: 2, name: 'newer' },
      { id: 'twice', v: 1, name: 'older' },
      { id: 'once', v: 1 },
    ];
    const { results } = await write([...allNew, ...twice]);
    expect(results[name]).toEqual({ created: 10, updated: 0, deleted: 0, skipped: 1 });
    expect(await rowsLike('twice')).toEqual([{ id: 'twice', v: '2', name: 'newer' }]);
  });

  it('a key that another writer has not committed yet is waited for, and the newer record stays', async () => {
    await write([]);
    const release = await holdLocks(
      db,
      `insert into "${name}" (id, v, name, _raw_data) values ('a', 9, 'other', '{}'), ('b', 1, 'other', '{}')`,
    );
    const ours = ['a', 'b', 'c', 'd'].map((id) => ({ id, v: 5, name: 'ours' }));
    const written = write([...allNew, ...ours]);
    await whenTrue(async () => (await waiting()).length > 0);
    expect(await waiting()).toEqual([expect.not.stringContaining('on conflict')]);
    await release('commit');
    const { results } = await written;
    expect(results[name]).toEqual({ created: 10, updated: 1, deleted: 0, skipped: 1 });
    expect((await rowsLike('_')).map((row) => [row.id, row.name])).toEqual([
      ['a', 'other'],
      ['b', 'ours'],
      ['c', 'ours'],
      ['d', 'ours'],
    ]);
  });

  it('a record that is older than the removal of its row stays out', async () => {
    const remove = { soft_delete: 'remove' };
    await write([{ id: 'gone', v: 9, deleted: true }], remove);
    const { results } = await write([...allNew, { id: 'gone', v: 8 }, { id: 'here', v: 8 }], remove);
    expect(results[name]).toEqual({ created: 9, updated: 0, deleted: 0, skipped: 1 });
    expect(await rowsLike('gone')).toEqual([]);
  });

  it.each([
    ['a constraint', 'add check (amount < 100)', 'check constraint'],
    ['a unique index of the user', 'add unique (amount)', 'unique constraint'],
  ])('a record that %s refuses is left out alone', async (_, constraint, reason) => {
    await write([{ id: 'first', v: 1, amount: 100 - 1 }]);
    await db.pool.query(`alter table "${name}" ${constraint}`);
    const more = [1, constraint.includes('unique') ? 99 : 100, 3, 4].map((amount) => ({
      id: `more ${amount}`,
      amount,
    }));
    const { results, logged } = await write([...allNew, ...more], { on_bad_record: 'skip' });
    expect(logged).toEqual([expect.stringContaining(reason)]);
    expect(results[name]).toEqual({ created: 11, updated: 0, deleted: 0, skipped: 1 });
    expect(await rowsLike('more %')).toHaveLength(3);
  });
});
