import type { ConnectorLog } from '@penstock/connector-sdk';
import { breakOff, hangUp } from '@penstock/postgres-connection';
import { expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { connect } from '../connect/connection.ts';
import type { Session } from '../connect/session.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import { whenTrue } from '../testing/when-true.ts';
import { testStream } from '../testing/write-items.ts';
import { makeIndexes } from './make-indexes.ts';
import { planTables } from './plan-tables.ts';
import { prepareTables } from './prepare-tables.ts';

const db = useTestDatabase();

const logTo = (put: (line: string) => void): ConnectorLog => ({ debug: put, info: put, warn: put, error: put });

/** Makes a table, which lacks two indexes, and runs something that makes them. */
async function withTable(
  run: (table: {
    name: string;
    session: () => Promise<Session>;
    make: (session: Session, onLog?: (line: string) => void) => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const name = newName();
  const config = configSchema.parse({ url: db.url });
  const sessions: Session[] = [];
  const session = async () => {
    const made = await connect(config);
    sessions.push(made);
    return made;
  };
  const { plans } = planTables({ streams: [testStream(name)] }, config);
  const prepared = await prepareTables(
    await session(),
    'public',
    plans,
    logTo(() => {}),
  );
  const plan = prepared.get(name);
  if (!plan || plan instanceof Error) throw new Error('The table was not made.');
  const stopRequested = new AbortController().signal;
  const make = (over: Session, onLog: (line: string) => void = () => {}) =>
    makeIndexes(over, plan, { log: logTo(onLog), stopRequested, sayEachMs: 5 });
  try {
    await run({ name, session, make });
  } finally {
    await Promise.all(sessions.map(hangUp));
  }
}

/** How many a table has, with that of its key. */
const count = async (name: string) =>
  (await db.pool.query('select from pg_indexes where tablename = $1', [name])).rowCount;

/** Keeps indexes from being made. */
const holdBack = (name: string) => holdLocks(db, `lock table "${name}" in row exclusive mode`);

it('says that it goes on while an index takes long', () =>
  withTable(async ({ name, session, make }) => {
    const release = await holdBack(name);
    const said: string[] = [];
    const made = make(await session(), (line) => said.push(line));
    await whenTrue(() => said.length > 2);
    await release();
    await made;
    expect(said[0]).toMatch(/^The index on created of "public"\."t\d+" is being made, for 0 s now\.$/);
    expect(await count(name)).toBe(3);
  }));

it('makes no index twice when two programs are at it at the same moment', () =>
  withTable(async ({ name, session, make }) => {
    const release = await holdBack(name);
    const made = [make(await session()), make(await session())];
    await whenTrue(async () => (await countBlocked(db, 'lock table')) === 2);
    await release();
    await Promise.all(made);
    expect(await count(name)).toBe(3);
  }));

it('keeps to no limit on the time of a statement, and the session has it again afterwards', () =>
  withTable(async ({ name, session, make }) => {
    const over = await session();
    await over.query('set statement_timeout = 50');
    const release = await holdBack(name);
    const made = make(over);
    await whenTrue(async () => (await countBlocked(db, 'lock table')) === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await release();
    await made;
    expect(await count(name)).toBe(3);
    expect((await over.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '50ms' }]);
  }));

it('has the server notice soon when nobody waits for an index any more', () =>
  withTable(async ({ name, session, make }) => {
    const over = await session();
    const release = await holdBack(name);
    const made = make(over).catch((error: unknown) => error);
    await whenTrue(async () => (await countBlocked(db, 'lock table')) === 1);
    // As a program that is killed leaves it.
    breakOff(over);
    expect(await made).toBeInstanceOf(Error);
    await whenTrue(async () => (await countBlocked(db, 'lock table')) === 0);
    await release();
    expect(await count(name)).toBe(1);
  }));
