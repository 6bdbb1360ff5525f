import { setTimeout as delay } from 'node:timers/promises';
import type { InputItem } from '@penstock/connector-sdk';
import { ConnectorError } from '@penstock/connector-sdk';
import type { DestinationMessage } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, lockTable } from '../testing/locks.ts';
import { whenTrue } from '../testing/when-true.ts';
import {
  checkpoint,
  globalCheckpoint,
  outline,
  record,
  status,
  testStream,
  writeItems,
} from '../testing/write-items.ts';

const db = useTestDatabase();

const row = (stream: string, id: number, more: object = {}) => record(stream, { id: `${id}`, v: 1, ...more }, id);
const rowCount = async (name: string) => Number((await db.pool.query(`select count(*) from "${name}"`)).rows[0].count);

const waitsForLock = async () => (await countBlocked(db)) > 0;

describe('confirming', () => {
  it('puts out results before the checkpoints that they cover, and statuses in their order', async () => {
    const [a, b] = [newName(), newName()];
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(a), testStream(b)],
      input: [
        [
          status(a, 'start'),
          row(a, 1),
          checkpoint(a, 1),
          row(a, 2),
          checkpoint(a, 2),
          status(a, 'complete'),
          globalCheckpoint('g'),
        ],
      ],
    });
    expect(outline(messages)).toEqual([`${a}:start`, `${a}:result`, `${a}:1`, `${a}:2`, `${a}:complete`, 'global:"g"']);
  });

  it('never lets a checkpoint out before its records are committed', async () => {
    const [a, b] = [newName(), newName()];
    await writeItems({ config: { url: db.url }, streams: [testStream(a), testStream(b)], input: [] });
    const unlock = await lockTable(db, a);
    const seen: DestinationMessage[] = [];
    const released = Promise.withResolvers<void>();
    const run = writeItems({
      config: { url: db.url },
      streams: [testStream(a), testStream(b)],
      onMessage: (item) => seen.push(item),
      input: (async function* (): AsyncGenerator<InputItem[]> {
        yield [row(a, 1), checkpoint(a, 1), row(b, 1), checkpoint(b, 1), globalCheckpoint('g')];
        await released.promise;
      })(),
    });
    await whenTrue(() => outline(seen).includes(`${b}:1`));
    await whenTrue(waitsForLock);
    // The other stream is not held up; the global checkpoint is.
    expect(outline(seen)).toEqual([`${b}:result`, `${b}:1`]);
    await unlock();
    await whenTrue(() => outline(seen).includes('global:"g"'));
    expect(outline(seen).slice(2)).toEqual([`${a}:result`, `${a}:1`, 'global:"g"']);
    released.resolve();
    await run;
  });

  it('commits at once when the input is idle and a checkpoint waits, long before the time limit', async () => {
    const a = newName();
    const confirmed: string[] = [];
    let wake = () => {};
    await writeItems({
      config: { url: db.url, limits: { batch_seconds_max: 3600 } },
      streams: [testStream(a)],
      onMessage: (item) => {
        confirmed.push(...outline([item]));
        wake();
      },
      input: (async function* (): AsyncGenerator<InputItem[]> {
        for (let id = 1; id <= 3; id++) {
          yield [row(a, id), checkpoint(a, id)];
          while (!confirmed.includes(`${a}:${id}`))
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      })(),
    });
    expect(confirmed.filter((word) => word.endsWith('result'))).toHaveLength(3);
  });

  it('commits after the time limit without a checkpoint', async () => {
    const a = newName();
    const released = Promise.withResolvers<void>();
    const run = writeItems({
      config: { url: db.url, limits: { batch_seconds_max: 0.05 } },
      streams: [testStream(a)],
      onMessage: () => released.resolve(),
      input: (async function* (): AsyncGenerator<InputItem[]> {
        yield [row(a, 1)];
        await released.promise;
      })(),
    });
    await run;
    expect(await rowCount(a)).toBe(1);
  });

  it('gathers a trickle in one batch while Postgres stands still', async () => {
    const a = newName();
    await writeItems({ config: { url: db.url }, streams: [testStream(a)], input: [] });
    const unlock = await lockTable(db, a);
    const { messages } = await writeItems({
      config: { url: db.url, limits: { batch_seconds_max: 0.005 } },
      streams: [testStream(a)],
      input: (async function* (): AsyncGenerator<InputItem[]> {
        for (let id = 1; id <= 50; id++) {
          yield [row(a, id)];
          await delay(10);
        }
        await unlock();
      })(),
    });
    // Two in flight, one in the queue, one being filled.
    expect(outline(messages).length).toBeLessThanOrEqual(4);
    expect(await rowCount(a)).toBe(50);
  });

  it('stops reading while Postgres stands still, and loses nothing', async () => {
    const a = newName();
    await writeItems({ config: { url: db.url }, streams: [testStream(a)], input: [] });
    const unlock = await lockTable(db, a);
    const limits = { batch_bytes_max: 64 * 1024, open_checkpoints_max: 1_000_000 };
    let read = 0;
    const run = writeItems({
      config: { url: db.url, limits },
      streams: [testStream(a)],
      input: (function* (): Generator<InputItem[]> {
        for (let id = 1; id <= 2000; id++) {
          read++;
          yield [row(a, id, { name: 'x'.repeat(1000) })];
        }
      })(),
    });
    await whenTrue(waitsForLock);
    let before = -1;
    // Reading has come to rest when 50 ms bring nothing new.
    while (before !== read) {
      before = read;
      await delay(50);
    }
    // Two batches in flight and one more in memory, of about 62 records each.
    expect(read).toBeLessThan(4 * 62);
    await unlock();
    await run;
    expect(await rowCount(a)).toBe(2000);
  });
});

describe('a failing stream', () => {
  it('ends with exactly one error and holds back what comes later for it, and global checkpoints', async () => {
    const [bad, good] = [newName(), newName()];
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(bad), testStream(good)],
      input: [
        [
          row(bad, 1),
          checkpoint(bad, 1),
          record(bad, { v: 1 }, 2),
          checkpoint(bad, 2),
          row(good, 1),
          checkpoint(good, 1),
          globalCheckpoint(1),
        ],
        [row(bad, 3), checkpoint(bad, 3), status(bad, 'complete'), status(good, 'complete'), globalCheckpoint(2)],
      ],
    });
    const words = outline(messages);
    expect(words.filter((word) => word.startsWith(`${bad}:`) && word !== `${bad}:result`)).toEqual([`${bad}:error`]);
    expect(words.filter((word) => word.startsWith('global'))).toEqual([]);
    expect(words).toContain(`${good}:complete`);
    expect(await rowCount(good)).toBe(1);
  });

  it('ends with the error that the counting of records found', async () => {
    const a = newName();
    const error = new ConnectorError('records_lost', { message: 'Lost on the way.' });
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(a)],
      input: [[row(a, 1), { kind: 'failure', stream: a, error }, checkpoint(a, 1), status(a, 'complete')]],
    });
    expect(outline(messages)).toEqual([`${a}:error`]);
    expect(messages[0]).toMatchObject({
      stream_status: { failure_type: 'system', error: expect.stringContaining('Lost on the way') },
    });
  });

  it('is one whose table belongs to somebody else, and the others go on', async () => {
    const [a, b] = [newName(), newName()];
    await db.pool.query(`create table "${a}" (id text primary key)`);
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(a), testStream(b)],
      input: [[row(a, 1), row(b, 1), checkpoint(b, 1)]],
    });
    expect(outline(messages)).toEqual([`${a}:error`, `${b}:result`, `${b}:1`]);
    expect(messages[0]).toMatchObject({
      stream_status: { failure_type: 'config', error: expect.stringContaining('was not made by Penstock') },
    });
  });
});

describe('trouble with the server', () => {
  const manyRows = (stream: string, total: number) =>
    (function* (): Generator<InputItem[]> {
      for (let id = 1; id <= total; id++)
        yield [row(stream, id, { name: 'x'.repeat(200) }), ...(id % 100 === 0 ? [checkpoint(stream, id)] : [])];
    })();

  const endConnections = () =>
    db.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'penstock' and datname = current_database()`,
    );

  it('is survived when connections are ended again and again, in whatever phase they are', async () => {
    const a = newName();
    const { messages, results } = await writeItems({
      config: { url: db.url, limits: { batch_records_max: 300, retries_max: 30 } },
      streams: [testStream(a)],
      input: (async function* (): AsyncGenerator<InputItem[]> {
        let read = 0;
        const ended: Promise<unknown>[] = [];
        for (const items of manyRows(a, 6000)) {
          yield items;
          // Not waited for: in a pause all batches would be done.
          if (++read % 450 === 0) ended.push(endConnections());
        }
        await Promise.all(ended);
      })(),
    });
    expect(await rowCount(a)).toBe(6000);
    const { created, skipped } = results[a]!;
    expect(created + skipped).toBe(6000);
    const confirmed = outline(messages).filter((word) => !word.endsWith('result'));
    expect(confirmed).toEqual(Array.from({ length: 60 }, (_, index) => `${a}:${(index + 1) * 100}`));
  });

  it('is survived when the connection is ended during the merge', async () => {
    const a = newName();
    await writeItems({ config: { url: db.url }, streams: [testStream(a)], input: [] });
    const unlock = await lockTable(db, a);
    const run = writeItems({
      config: { url: db.url },
      streams: [testStream(a)],
      input: [[row(a, 1), checkpoint(a, 1)]],
    });
    await whenTrue(waitsForLock);
    await endConnections();
    await unlock();
    const { messages, results } = await run;
    expect(outline(messages)).toEqual([`${a}:result`, `${a}:1`]);
    expect(results[a]?.created).toBe(1);
  });

  it('ends the run with what to do when the server is gone for good', async () => {
    const run = writeItems({
      config: { url: 'postgres://u:geheim@127.0.0.1:1/db' },
      streams: [testStream('x')],
      input: [[row('x', 1)]],
    });
    await expect(run).rejects.toMatchObject({ code: 'unreachable', message: expect.stringContaining('127.0.0.1:1') });
    await expect(run).rejects.not.toMatchObject({ message: expect.stringContaining('geheim') });
  });

  it('is an error of the stream when its table is dropped under it', async () => {
    const [a, b] = [newName(), newName()];
    const seen: string[] = [];
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream(a), testStream(b)],
      onMessage: (item) => seen.push(...outline([item])),
      input: (async function* (): AsyncGenerator<InputItem[]> {
        yield [row(a, 1), checkpoint(a, 1)];
        await whenTrue(() => seen.includes(`${a}:1`));
        await db.pool.query(`drop table "${a}"`);
        yield [row(a, 2), checkpoint(a, 2), row(b, 1), checkpoint(b, 1)];
      })(),
    });
    expect(outline(messages)).toEqual(expect.arrayContaining([`${a}:error`, `${b}:1`]));
    expect(outline(messages)).not.toContain(`${a}:2`);
  });

  it('ends at once when the run is aborted, although a table is locked', async () => {
    const a = newName();
    await writeItems({ config: { url: db.url }, streams: [testStream(a)], input: [] });
    const unlock = await lockTable(db, a);
    const abort = new AbortController();
    const run = writeItems({
      config: { url: db.url },
      streams: [testStream(a)],
      input: [[row(a, 1), checkpoint(a, 1)]],
      signal: abort.signal,
    });
    const failed = expect(run).rejects.toThrow('enough');
    await whenTrue(waitsForLock);
    abort.abort(new Error('enough'));
    await failed;
    await unlock();
  });
});
