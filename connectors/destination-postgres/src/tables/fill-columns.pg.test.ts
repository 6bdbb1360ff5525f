import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { oneStream, withProperties } from '../testing/one-stream.ts';

const db = useTestDatabase();
const { write, query } = oneStream(db);

describe('tables', () => {
  it('go on filling a column whose filling was cut off', async () => {
    const name = newName();
    const stream = withProperties({ a: { type: 'string' } });
    await write(name, stream, [{ id: '1', a: 'x' }]);
    // As after a kill between adding the column and filling it.
    await db.pool.query(`update "${name}" set a = null; comment on column "${name}".a is 'penstock: being filled'`);
    await write(name, stream);
    expect(await query(`select a, col_description('${name}'::regclass, 3) as mark from "${name}"`)).toEqual([
      { a: 'x', mark: null },
    ]);
  });

  it('go on filling each row with each column that it lacks, and touch no other row', async () => {
    const name = newName();
    await write(name, withProperties({}), [
      { id: '1', a: 'x', b: 1 },
      { id: '2', a: 'x', b: 1 },
      { id: '3', a: 'x' },
      { id: '4', b: 'no number' },
    ]);
    await write(name, withProperties({ a: { type: 'string' } }));
    // As after a kill in the middle of filling it.
    const halve = () =>
      db.pool.query(
        `update "${name}" set a = null where id = '2'; comment on column "${name}".a is 'penstock: being filled'`,
      );
    await halve();
    const stream = withProperties({ a: { type: 'string' }, b: { type: 'integer' } });
    await write(name, stream);
    const filled = [
      { id: '1', a: 'x', b: '1' },
      { id: '2', a: 'x', b: '1' },
      { id: '3', a: 'x', b: null },
      { id: '4', a: null, b: null },
    ];
    const rows = () => query(`select id, a, b from "${name}" order by id`);
    expect(await rows()).toEqual(filled);
    // What was filled, or written meanwhile by somebody who knew the column, stays.
    await db.pool.query(
      `update "${name}" set b = 7 where id = '1'; comment on column "${name}".b is 'penstock: being filled'`,
    );
    await halve();
    const places = () => query(`select id, ctid from "${name}" where id <> '2' order by id`);
    const before = await places();
    await write(name, stream);
    expect(await rows()).toEqual([{ ...filled[0], b: '7' }, ...filled.slice(1)]);
    expect(await places()).toEqual(before);
    const marks = `select from pg_description where objoid = '"${name}"'::regclass and description ~ 'being filled'`;
    expect(await query(marks)).toEqual([]);
  });

  it('whose version is new have it in each row, also where filling another column was cut off', async () => {
    const name = newName();
    const fields = { id: { type: 'string' }, a: { type: 'string' } };
    const unversioned = { stream: { newer_than_field: undefined, json_schema: { properties: fields } } };
    const versions = (v: number) => ['1', '2'].map((id) => ({ id, a: 'x', v }));
    await write(name, unversioned, versions(5));
    await db.pool.query(
      `update "${name}" set a = null where id = '2'; comment on column "${name}".a is 'penstock: being filled'`,
    );
    await write(name, withProperties({ ...fields, v: { type: 'integer' } }), versions(4));
    expect(await query(`select v, a, _raw_data ->> 'v' as raw from "${name}"`)).toEqual(
      Array(2).fill({ v: '5', a: 'x', raw: '5' }),
    );
  });
});
