import { describe, expect, it } from 'vitest';
import { type CountedRun, confirmedOf, countedItems, expectAllStored, writeCounted } from '../testing/counted-run.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import type { PassingMessage, ProxyRules } from '../testing/postgres-proxy.ts';
import { answerTo, asks, once, says, throughProxy } from '../testing/proxy-rules.ts';
import { checkpoint, outline, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

const staged = { connections: 1, limits: { batch_records_max: 15, unstaged_records_max: 0 } };
const unstaged = { connections: 1, limits: { batch_records_max: 15 } };

/** The first connection prepares tables; later ones write. */
const writing = (message: PassingMessage) => message.connection > 1;
/** The one statement that writes into the table of the stream. */
const merges = asks(/\binsert into "public"\."t\d+"/);
const commits = (message: PassingMessage) => writing(message) && says('Q', /^commit/)(message);
const copyEnds = (message: PassingMessage) => message.from === 'client' && message.type === 'c';

/** When it happens. A function makes each test's own: some of them count. */
type Phase = readonly [what: string, when: () => (message: PassingMessage) => boolean];

const stagedPhases: readonly Phase[] = [
  ['while a server asks for the password', () => (message) => writing(message) && message.type === 'R'],
  ['while the password is on its way', () => (message) => writing(message) && message.type === 'p'],
  ['at the first statement of a connection', () => (message) => writing(message) && message.type === 'Q'],
  ['before the stage is made', () => asks(/create temp table/)],
  ['after the stage is made', () => answerTo(asks(/create temp table/))],
  ['before it begins', () => (message) => writing(message) && says('Q', /^begin/)(message)],
  ['after it began', () => answerTo((message) => writing(message) && says('Q', /^begin/)(message))],
  ['before COPY is asked for', () => asks(/^copy /)],
  ['when COPY may begin', () => answerTo(asks(/^copy /), 'G')],
  ['at the first data of COPY', () => (message) => message.from === 'client' && message.type === 'd'],
  [
    'in the middle of COPY',
    () => {
      let pieces = 0;
      return ({ from, type }) => from === 'client' && type === 'd' && ++pieces === 2;
    },
  ],
  ['at the end of COPY', () => copyEnds],
  ['when COPY is done', () => answerTo(copyEnds)],
  ['between COPY and merge', () => answerTo(copyEnds, 'Z')],
  ['before the merge', () => merges],
  ['when the merge is done', () => answerTo(merges)],
  ['before the commit', () => commits],
  ['when the commit is done, and nobody heard', () => answerTo(commits)],
];

const unstagedPhases: readonly Phase[] = [
  ['before the merge', () => merges],
  ['when the merge is planned', () => answerTo(merges, '1')],
  ['when the merge is done, and nobody heard', () => answerTo(merges)],
];

const preparingPhases: readonly Phase[] = [
  ['at its first statement', () => (message) => message.type === 'Q'],
  ['while it looks what is there', () => asks(/pg_class/)],
  ['before the table is made', () => asks(/create table/)],
  ['when the table is made and not committed', () => answerTo(asks(/create table/))],
  ['when the table is committed, and nobody heard', () => answerTo(says('Q', /^commit/))],
];

/** Writes through a proxy that cuts one connection, once, and checks everything. */
async function writeWithCut([, when]: Phase, config: object) {
  const run = { stream: newName(), total: 40 };
  const fault = once('cut', when());
  const written = await throughProxy(db.url, fault, (url) => writeCounted(run, { url, ...config }));
  expect(fault.isDone()).toBe(true);
  await expectAllStored(db, run, written);
  return { logged: written.logged, counts: written.results[run.stream] };
}

describe('a connection that is lost', () => {
  it.each(stagedPhases)('%s is made again, and nothing is lost or there twice', async (...phase) => {
    const { logged, counts } = await writeWithCut(phase, staged);
    expect(counts).toEqual({ created: 40, updated: 0, deleted: 0, skipped: 0 });
    expect(logged).toEqual([
      expect.stringMatching(/^(Writing to "public"\."t\d+"|Connecting to Postgres) is tried again/),
    ]);
  });

  it.each(unstagedPhases)('%s of a few records is made again', async (...phase) => {
    const { logged } = await writeWithCut(phase, unstaged);
    expect(logged).toEqual([expect.stringMatching(/^Writing to "public"\."t\d+" is tried again/)]);
  });

  it.each(preparingPhases)('%s of preparing the tables is made again', async (...phase) => {
    const { logged } = await writeWithCut(phase, staged);
    expect(logged).toEqual([expect.stringMatching(/^Preparing the tables is tried again/)]);
  });

  it.each([
    ['when the commit is done and nobody heard leaves each row once in mode append', staged, commits, 40],
    // One statement brings, merges and commits them: its number is lost with its answer.
    ['when a few records are committed and nobody heard leaves them twice in mode append', unstaged, merges, 55],
  ] as const)('%s, and loses none', async (_, config, last, count) => {
    const stream = newName();
    const { messages } = await throughProxy(db.url, once('cut', answerTo(last)), (url) =>
      writeItems({
        config: { url, ...config },
        streams: [testStream(stream, { destination_sync_mode: 'append' })],
        input: countedItems({ stream, total: 40 }),
      }),
    );
    expect(confirmedOf(messages, stream).at(-1)).toBe(40);
    const { rows } = await db.pool.query(
      `select count(*)::int as count, count(distinct id)::int as keys from "${stream}"`,
    );
    expect(rows).toEqual([{ count, keys: 40 }]);
  });

  it('between two batches is made again without a word', async () => {
    const stream = newName();
    const seen: string[] = [];
    let wake = () => {};
    await throughProxy(db.url, {}, async (url, proxy) => {
      const { logged, messages } = await writeItems({
        config: { url, index: 'none' },
        streams: [testStream(stream)],
        onMessage: (item) => {
          seen.push(...outline([item]));
          wake();
        },
        input: (async function* () {
          for (let id = 1; id <= 3; id++) {
            yield [record(stream, { id: `${id}`, v: 1 }), checkpoint(stream, id)];
            while (!seen.includes(`${stream}:${id}`)) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
            await proxy.cutAll();
          }
        })(),
      });
      expect(logged).toEqual([]);
      expect(confirmedOf(messages, stream)).toEqual([1, 2, 3]);
    });
  });

  it('after any number of bytes loses nothing', async () => {
    const bytes = await writeShort({});
    const cuts = 29;
    await inParallel(
      Array.from({ length: cuts }, (_, index) => Math.floor((bytes * (index + 0.5)) / cuts)),
      (cutAfterBytes) => writeShort({ cutAfterBytes }),
    );
  });
});

describe('a connection that is lost again and again', () => {
  it('ends the run with what to do, and with no checkpoint without its rows', async () => {
    const run = { stream: newName(), total: 100 };
    let merged = 0;
    const cutLater = {
      onMessage: (message: PassingMessage) =>
        says('B', /^(merge|upsert)/)(message) && ++merged > 3 ? ('cut' as const) : ('pass' as const),
    };
    const seen: Parameters<typeof confirmedOf>[0][number][] = [];
    const failed = throughProxy(db.url, cutLater, (url) =>
      writeCounted(
        run,
        { url, connections: 1, limits: { batch_records_max: 10, retries_max: 2 } },
        { onMessage: (item) => seen.push(item) },
      ),
    );
    await expect(failed).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('The connection to Postgres broke'),
      remedy: 'Run again later.',
    });
    expect(confirmedOf(seen, run.stream)).toEqual([5, 10, 15, 20, 25, 30]);
    expect((await db.pool.query(`select count(*)::int as count from "${run.stream}"`)).rows).toEqual([{ count: 30 }]);
  });
});

/** One staged batch and one of a few records, through a proxy. @returns the bytes that passed */
async function writeShort(rules: ProxyRules): Promise<number> {
  const run: CountedRun = { stream: newName(), total: 8, every: 4 };
  const config = { connections: 1, limits: { batch_records_max: 5, unstaged_records_max: 3 } };
  return throughProxy(db.url, rules, async (url, proxy) => {
    await expectAllStored(db, run, await writeCounted(run, { url, ...config }));
    return proxy.passed().bytes;
  });
}

/** Each spends most of its time waiting for its next try. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const iterator = items.values();
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (const item of iterator) await work(item);
    }),
  );
}
