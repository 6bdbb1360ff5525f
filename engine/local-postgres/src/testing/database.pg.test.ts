import { expect, inject, it } from 'vitest';
import { createTestDatabase } from './database.ts';

it('gives each caller an empty database of its own, on the version that the run asked for', async () => {
  const [a, b] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await a.pool.query('create table t ()');
  expect((await b.pool.query("select to_regclass('t') as found")).rows).toEqual([{ found: null }]);
  const { rows } = await a.pool.query<{ major: number }>(
    "select current_setting('server_version_num')::int / 10000 as major",
  );
  expect(rows[0]?.major).toBe(inject('postgresVersion'));
  await Promise.all([a.drop(), b.drop()]);
});
