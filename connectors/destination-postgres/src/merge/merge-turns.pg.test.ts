import type { DestinationMessage } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import { whenTrue } from '../testing/when-true.ts';
import { checkpoint, outline, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();
const query = async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[];
const rowsOf = (table: string) => query(`select id, name from "${table}" order by id`);

/** Two batches at a time, each of two records and by COPY. */
const config = () => ({
  url: db.url,
  connections: 2,
  limits: { batch_records_max: 2, unstaged_records_max: 0, batch_seconds_max: 3600 },
});

type Data = { readonly id: string; readonly name?: string };

/** Makes the table, with the rows `1` and `2`. */
async function makeRows(stream: string): Promise<void> {
  const old = ['1', '2'].map((id) => record(stream, { id, v: 1, name: 'old' }));
  await writeItems({ config: config(), streams: [testStream(stream)], input: [old] });
}

/** Writes batches of equal versions, with a checkpoint behind each. */
function writeBatches(stream: string, batches: readonly (readonly Data[])[], more: object = {}) {
  const seen: DestinationMessage[] = [];
  const run = writeItems({
    config: { ...config(), ...more },
    streams: [testStream(stream)],
    onMessage: (item) => seen.push(item),
    input: batches.map((batch, index) => [
      ...batch.map((data) => record(stream, { v: 2, name: `batch ${index + 1}`, ...data })),
      checkpoint(stream, index + 1),
    ]),
  });
  return { run, seen: () => outline(seen) };
}

/** Whether one of our sessions has looked at its batch and does nothing with it. */
const hasWaiting = async () =>
  (
    await query(
      `select from pg_stat_activity where application_name = 'penstock' and datname = current_database()
       and state = 'idle in transaction' and state_change < clock_timestamp() - interval '100 ms'`,
    )
  ).length > 0;

type Case = {
  readonly says: string;
  /** The keys of each batch. The first can't go on: somebody holds the row `1`. */
  readonly batches: readonly (readonly [string, string])[];
  /** How many batches are committed meanwhile. */
  readonly ahead: number;
  /** Whether one waits meanwhile with its records staged. */
  readonly waits: boolean;
};

const cases: readonly Case[] = [
  {
    says: 'with other keys is committed',
    batches: [
      ['1', '2'],
      ['3', '4'],
    ],
    ahead: 1,
    waits: false,
  },
  {
    says: 'with one of its keys waits',
    batches: [
      ['1', '2'],
      ['2', '3'],
    ],
    ahead: 0,
    waits: true,
  },
  {
    says: 'with the row that is held waits',
    batches: [
      ['1', '2'],
      ['1', '3'],
    ],
    ahead: 0,
    waits: true,
  },
  {
    says: 'with keys of one that is committed is committed, too',
    batches: [
      ['1', '2'],
      ['3', '4'],
      ['4', '5'],
    ],
    ahead: 2,
    waits: false,
  },
  {
    says: 'with one of its keys waits, and the one in between is committed',
    batches: [
      ['1', '2'],
      ['3', '4'],
      ['2', '3'],
    ],
    ahead: 1,
    waits: true,
  },
];

describe('while a batch stands behind a lock, one of the same stream', () => {
  it.each(cases)('$says, and no checkpoint comes before its turn', async ({ batches, ahead, waits }) => {
    const stream = newName();
    await makeRows(stream);
    const release = await holdLocks(db, `select from "${stream}" where id = '1' for update`);
    const { run, seen } = writeBatches(
      stream,
      batches.map((keys) => keys.map((id) => ({ id }))),
    );
    await whenTrue(async () => (await countBlocked(db)) === 1 && seen().length === ahead);
    if (waits) await whenTrue(hasWaiting);
    expect(seen()).toEqual(Array(ahead).fill(`${stream}:result`));
    const committed = Object.fromEntries(
      batches.slice(1, ahead + 1).flatMap((keys, index) => keys.map((id) => [id, `batch ${index + 2}`])),
    );
    const whileHeld = { 1: 'old', 2: 'old', ...committed };
    expect(await rowsOf(stream)).toEqual(Object.entries(whileHeld).map(([id, name]) => ({ id, name })));

    await release();
    const { results, logged } = await run;
    const isAhead = (index: number) => index > 0 && index <= ahead;
    expect(seen().slice(ahead)).toEqual(
      batches.flatMap((_, index) => [...(isAhead(index) ? [] : [`${stream}:result`]), `${stream}:${index + 1}`]),
    );
    // Of equal versions the newest by arrival.
    const newest = Object.fromEntries(batches.flatMap((keys, index) => keys.map((id) => [id, `batch ${index + 1}`])));
    expect(await rowsOf(stream)).toEqual(Object.entries(newest).map(([id, name]) => ({ id, name })));
    const created = Object.keys(newest).length - 2;
    expect(results[stream]).toEqual({ created, updated: batches.length * 2 - created, deleted: 0, skipped: 0 });
    expect(logged).toEqual([]);
  });
});

describe('a bad record', () => {
  /** Makes the table refuse what is named `bad`, once the lock that is held here is free. */
  async function holdBad(stream: string): Promise<() => Promise<void>> {
    await query(
      `create function refuse_${stream}() returns trigger language plpgsql as $$ begin
         perform pg_advisory_xact_lock(1);
         raise exception 'this one is bad' using errcode = '22023';
       end $$;
       create trigger refuse before insert or update on "${stream}" for each row when (new.name = 'bad')
         execute function refuse_${stream}()`,
    );
    return holdLocks(db, 'select pg_advisory_xact_lock(1)');
  }

  it.each([
    { on_bad_record: 'fail_stream', rest: ['result', 'error'], skipped: 0 },
    { on_bad_record: 'skip', rest: ['result', '1', '2'], skipped: 1 },
  ])('in a batch leaves the rows of a later one counted, with on_bad_record $on_bad_record', async (expected) => {
    const { on_bad_record, rest, skipped } = expected;
    const stream = newName();
    await makeRows(stream);
    const release = await holdBad(stream);
    const batches = [
      [{ id: '1' }, { id: 'x', name: 'bad' }],
      [{ id: '3' }, { id: '4' }],
    ];
    const { run, seen } = writeBatches(stream, batches, { on_bad_record });
    await whenTrue(async () => (await countBlocked(db)) === 1 && seen().length === 1);
    await release();
    const { results } = await run;
    const words = seen().filter((word) => word !== 'log');
    expect(words).toEqual(['result', ...rest].map((word) => `${stream}:${word}`));
    expect(results[stream]).toEqual({ created: 2, updated: 1, deleted: 0, skipped });
    expect(await rowsOf(stream)).toEqual([
      { id: '1', name: 'batch 1' },
      { id: '2', name: 'old' },
      { id: '3', name: 'batch 2' },
      { id: '4', name: 'batch 2' },
    ]);
  });

  it('in a later batch fails the stream after what came before is stored and confirmed', async () => {
    const stream = newName();
    await makeRows(stream);
    const release = await holdLocks(db, `select from "${stream}" where id = '1' for update`);
    const batches = [
      [{ id: '1' }, { id: '2' }],
      [{ id: '3', name: 'a\0b' }, { id: '4' }],
    ];
    const { run, seen } = writeBatches(stream, batches);
    const hasRolledBack = async () =>
      (
        await query(
          `select from pg_stat_activity where application_name = 'penstock' and datname = current_database()
           and state = 'idle' and query ilike 'rollback%'`,
        )
      ).length > 0;
    await whenTrue(async () => (await countBlocked(db)) === 1 && (await hasRolledBack()));
    expect(seen()).toEqual([]);
    await release();
    await run;
    expect(seen()).toEqual(['result', '1', 'error'].map((word) => `${stream}:${word}`));
  });
});
