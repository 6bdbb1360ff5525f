import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SureCommit } from './sure-commit.ts';

let db: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  db = await createTestDatabase();
  client = new pg.Client({ connectionString: db.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await db.drop();
});
beforeEach(async () => {
  await client.query('drop table if exists t; create table t (n integer)');
});

/** Begins to write over a connection of its own. */
async function beginWriting() {
  const other = new pg.Client({ connectionString: db.url });
  other.on('error', () => {});
  await other.connect();
  await other.query('begin; insert into t values (1)');
  const { rows } = await other.query('select pg_current_xact_id()::text as transaction');
  return { other, transaction: rows[0].transaction as string };
}

/** A connection over which commits are sent and no answer comes. */
const mute = (other: pg.Client, onCommit: () => Promise<unknown>) =>
  ({
    query: async () => {
      await onCommit();
      await other.end();
      throw new Error('Connection terminated unexpectedly');
    },
  }) as unknown as pg.Client;

describe('a commit', () => {
  it('without a try before is not asked for', async () => {
    expect(await new SureCommit().recall(client)).toBeUndefined();
  });

  it('whose answer is lost is known by the next try, with what it did', async () => {
    const { other, transaction } = await beginWriting();
    const commit = new SureCommit<string>();
    const lost = commit.commit(
      mute(other, () => other.query('commit')),
      transaction,
      'done',
    );
    await expect(lost).rejects.toThrow('terminated');
    expect(await commit.recall(client)).toBe('done');
  });

  it('that never reached the server is tried again', async () => {
    const { other, transaction } = await beginWriting();
    const commit = new SureCommit<string>();
    const lost = commit.commit(
      mute(other, async () => {}),
      transaction,
      'done',
    );
    await expect(lost).rejects.toThrow('terminated');
    await expect
      .poll(async () => (await client.query('select pg_xact_status($1::xid8) as s', [transaction])).rows[0].s)
      .toBe('aborted');
    expect(await commit.recall(client)).toBeUndefined();
  });

  it('that the server is still at is asked for again later', async () => {
    const { other, transaction } = await beginWriting();
    const commit = new SureCommit<string>();
    await expect(
      commit.commit({ query: () => Promise.reject(new Error('lost')) } as never, transaction, 'done'),
    ).rejects.toThrow();
    await expect(commit.recall(client)).rejects.toMatchObject({ code: 'unreachable', failureType: 'transient' });
    await other.query('commit');
    expect(await commit.recall(client)).toBe('done');
    await other.end();
  });

  it('that this server has never seen is tried again', async () => {
    const commit = new SureCommit<string>();
    await expect(
      commit.commit({ query: () => Promise.reject(new Error('lost')) } as never, '99999999999', 'done'),
    ).rejects.toThrow();
    expect(await commit.recall(client)).toBeUndefined();
  });
});
