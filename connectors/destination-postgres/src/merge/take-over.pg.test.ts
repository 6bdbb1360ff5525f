import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { connect } from '../connect/connection.ts';
import type { Session } from '../connect/session.ts';
import { planSide } from '../tables/plan-side.ts';
import { planTables } from '../tables/plan-tables.ts';
import { record, status, testStream, writeItems } from '../testing/write-items.ts';
import { takeOver } from './take-over.ts';

let db: TestDatabase;
let session: Session;
beforeAll(async () => {
  db = await createTestDatabase();
  session = await connect(configSchema.parse({ url: db.url }));
});
afterAll(async () => {
  await session.end();
  await db.drop();
});

const query = async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[];
const overwriting = (name: string, generation_id: number) =>
  testStream(name, { destination_sync_mode: 'overwrite', generation_id });

describe('taking over', () => {
  it('knows, when its answer was lost, that it was done, and counts what was done then', async () => {
    const name = 'answer_lost';
    const write = (generation: number, items: Parameters<typeof writeItems>[0]['input']) =>
      writeItems({ config: { url: db.url }, streams: [overwriting(name, generation)], input: items });
    await write(1, [[record(name, { id: 'a' }), status(name, 'complete')]]);
    await write(2, [[record(name, { id: 'b' })]]);
    const config = configSchema.parse({ url: db.url });
    const [planned] = planTables({ streams: [overwriting(name, 2)] }, config).plans;
    // As its table allows it: no row of it was ever removed.
    const plan = { ...planned!, tombstones: undefined };
    const work = takeOver(plan, planSide(plan, ''));
    // The commit arrives, and its answer doesn't.
    const deaf = new Proxy(session, {
      get: (target, property) =>
        property !== 'query'
          ? Reflect.get(target, property)
          : async (...args: [string]) => {
              const result = await target.query(...args);
              if (args[0] === 'commit') throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
              return result;
            },
    });
    await expect(work(deaf)).rejects.toThrow('reset');
    expect(await query(`select id from ${name}`)).toEqual([{ id: 'b' }]);
    expect(await work(session)).toEqual({ created: 1, updated: 0, deleted: 1, skipped: 0 });
    expect(await query(`select id from ${name}`)).toEqual([{ id: 'b' }]);
  });

  it('of an unfinished overwrite brings no removed row back, and remembers what is removed', async () => {
    const name = 'removed';
    const write = (stream: object, data: object[]) =>
      writeItems({
        config: { url: db.url, soft_delete: 'remove' },
        streams: [testStream(name, stream)],
        input: [data.map((each) => record(name, each))],
      });
    await write({}, [
      { id: 'a', v: 9, deleted: true },
      { id: 'b', v: 1 },
      { id: 'e', v: 9, deleted: true },
    ]);
    await write({ destination_sync_mode: 'overwrite', generation_id: 1 }, [
      { id: 'a', v: 5, name: 'late' },
      { id: 'b', v: 5, deleted: true },
      { id: 'c', v: 5, deleted: true },
      { id: 'd', v: 5, name: 'new' },
      { id: 'e', v: 3, deleted: true },
    ]);
    await write({}, []);
    expect(await query(`select id from ${name}`)).toEqual([{ id: 'd' }]);
    await write(
      {},
      ['b', 'c', 'e'].map((id) => ({ id, v: 4, name: 'late' })),
    );
    expect(await query(`select id from ${name}`)).toEqual([{ id: 'd' }]);
    expect(await query(`select id, v from _penstock_deleted_${name} order by id`)).toEqual([
      { id: 'a', v: '9' },
      { id: 'b', v: '5' },
      { id: 'c', v: '5' },
      { id: 'e', v: '9' },
    ]);
  });

  it('of a complete set remembers what it says is removed, and forgets what is there again', async () => {
    const name = 'removed_in_set';
    const write = (stream: object, data: object[], isWhole = false) =>
      writeItems({
        config: { url: db.url, soft_delete: 'remove' },
        streams: [testStream(name, stream)],
        input: [[...data.map((each) => record(name, each)), ...(isWhole ? [status(name, 'complete')] : [])]],
      });
    await write({}, [{ id: 'a', v: 9, deleted: true }]);
    const set = [
      { id: 'a', v: 5 },
      { id: 'b', v: 5, deleted: true },
    ];
    await write({ destination_sync_mode: 'overwrite', generation_id: 1 }, set, true);
    await write({}, [
      { id: 'a', v: 6 },
      { id: 'b', v: 4 },
    ]);
    expect(await query(`select id, v from ${name}`)).toEqual([{ id: 'a', v: '5' }]);
    expect(await query(`select id, v from _penstock_deleted_${name}`)).toEqual([{ id: 'b', v: '5' }]);
  });

  it('gives the table that writing the new set into an empty one gives, whatever the old one was', async () => {
    const data = fc.record(
      {
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        v: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
        name: fc.constantFrom('x', 'y', null),
        customer: fc.constantFrom('c1', { id: 'c2' }),
        deleted: fc.boolean(),
      },
      { requiredKeys: ['id'] },
    );
    let count = 0;
    const property = fc.asyncProperty(
      fc.array(data, { maxLength: 8 }),
      fc.array(data, { maxLength: 12 }),
      fc.constantFrom([['id']], [['id'], ['name']], []),
      fc.boolean(),
      async (old, next, primary_key, isCutOff) => {
        const [name, fresh] = [`p${++count}`, `f${count}`];
        const fields = primary_key.map(([field]) => field);
        const fits = (each: object) => fields.every((field) => (each as Record<string, unknown>)[field!] != null);
        const run = (stream: string, generation: number, rows: readonly object[], isWhole = true) =>
          writeItems({
            config: { url: db.url, limits: { batch_records_max: 3 } },
            streams: [
              testStream(stream, {
                destination_sync_mode: 'overwrite',
                generation_id: generation,
                stream: { primary_key },
              }),
            ],
            input: [
              [
                ...rows.filter(fits).map((each) => record(stream, each)),
                ...(isWhole ? [status(stream, 'complete')] : []),
              ],
            ],
          });
        await run(name, 1, old);
        const middle = isCutOff ? Math.floor(next.length / 2) : 0;
        const first = await run(name, 2, next.slice(0, middle), false);
        const { results } = await run(name, 2, next.slice(middle));
        await run(fresh, 1, next);
        const rows = (table: string) =>
          query(`select id, name, customer, _raw_data - 'v' as raw from ${table} order by _raw_data - 'v', id`);
        expect(await rows(name)).toEqual(await rows(fresh));
        // Each record counts once.
        const total = (counts = { created: 0, updated: 0, deleted: 0, skipped: 0 }) =>
          counts.created + counts.updated + counts.skipped;
        const isPlain = next.every(({ deleted }) => !deleted);
        if (isPlain) expect(total(results[name]) + total(first.results[name])).toBe(next.filter(fits).length);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
});
