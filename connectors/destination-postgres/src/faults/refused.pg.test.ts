import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { confirmedOf, expectConfirmedRows } from '../testing/counted-run.ts';
import { createTestRole, dropTestRole, type TestRole, writeInterrupted } from '../testing/interrupted-run.ts';

let db: TestDatabase;
let role: TestRole;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  role = await createTestRole(db);
});
afterEach(async () => {
  await unlock();
  await dropTestRole(db, role);
});

const run = (sql: string) => db.pool.query(sql);
const endConnections = () =>
  run(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${role.name}'`);

/** Lets the table of stream `a` refuse what is written, as often as it is tried. @param times without it, for ever */
async function refuseWrites(code: string, times = 1_000_000): Promise<void> {
  await run(`create sequence ${role.schema}.tries;
    create function ${role.schema}.refuse() returns trigger security definer language plpgsql as $$ begin
      if nextval('${role.schema}.tries') <= ${times} then raise exception 'no luck' using errcode = '${code}'; end if;
      return null; end $$;
    create trigger refuse before insert on ${role.schema}.a for each statement execute function ${role.schema}.refuse()`);
}

let unlock = async () => {};

/** Locks the table of stream `a` until something is logged that matches, or the test is over. */
async function lockUntil(onLog: (listener: (line: string) => void) => void, pattern: RegExp): Promise<void> {
  const client = await db.pool.connect();
  await client.query(`begin; lock table ${role.schema}.a in access exclusive mode`);
  unlock = async () => {
    unlock = async () => {};
    await client.query('rollback');
    client.release();
  };
  onLog((line) => {
    if (pattern.test(line)) void unlock();
  });
}

type OnLog = Parameters<Parameters<typeof writeInterrupted>[2]>[0];
type Trouble = {
  readonly what: string;
  /** In the middle of the run, while nothing is written. */
  readonly happen: (watch: OnLog) => Promise<unknown>;
  readonly config?: object;
};

const passing: readonly (Trouble & { readonly logged: RegExp | undefined })[] = [
  { what: 'connections ended by an administrator while idle', happen: endConnections, logged: undefined },
  {
    what: 'connections ended for being idle',
    happen: async () => {
      await run(`alter role ${role.name} set idle_session_timeout = 1000`);
      await endConnections();
      await delay(1500);
    },
    logged: undefined,
  },
  {
    what: 'a serialisable default of the role',
    happen: async () => {
      await run(`alter role ${role.name} set default_transaction_isolation = serializable`);
      await endConnections();
    },
    logged: undefined,
  },
  { what: 'a serialisation failure', happen: () => refuseWrites('40001', 2), logged: /no luck/ },
  { what: 'a deadlock', happen: () => refuseWrites('40P01', 1), logged: /no luck/ },
  { what: 'a disk that is full for a while', happen: () => refuseWrites('53100', 2), logged: /no luck/ },
  { what: 'memory that is short for a while', happen: () => refuseWrites('53200', 1), logged: /no luck/ },
  { what: 'a disk that fails once', happen: () => refuseWrites('58030', 1), logged: /no luck/ },
  { what: 'an internal error of Postgres', happen: () => refuseWrites('XX000', 1), logged: /no luck/ },
  { what: 'a server that takes no writes for a while', happen: () => refuseWrites('25006', 1), logged: /no luck/ },
  {
    what: 'a statement_timeout behind a lock that is released',
    happen: async ({ onLog }) => {
      await run(`alter role ${role.name} set statement_timeout = 100`);
      await endConnections();
      await lockUntil(onLog, /statement timeout/);
    },
    logged: /statement timeout/,
  },
  {
    what: 'a lock_timeout behind a lock that is released',
    happen: async ({ onLog }) => {
      await run(`alter role ${role.name} set lock_timeout = 50`);
      await endConnections();
      await lockUntil(onLog, /lock timeout/);
    },
    logged: /lock timeout/,
  },
  {
    what: 'too many connections for a while',
    happen: async ({ onLog }) => {
      await run(`alter role ${role.name} connection limit 0`);
      await endConnections();
      onLog((line) => {
        if (/too many connections/.test(line)) void run(`alter role ${role.name} connection limit -1`);
      });
    },
    logged: /too many connections/,
  },
];

const ofOneStream: readonly (Trouble & { readonly error: RegExp; readonly type: 'config' | 'transient' })[] = [
  {
    what: 'a disk that stays full',
    happen: () => refuseWrites('53100'),
    error: /\(53100\)\. Free disk space/,
    type: 'transient',
  },
  {
    what: 'endless deadlocks',
    happen: () => refuseWrites('40P01'),
    error: /\(40P01\)\. Run again later/,
    type: 'transient',
  },
  {
    what: 'insert revoked',
    happen: () =>
      run(`alter table ${role.schema}.a owner to postgres; grant select on ${role.schema}.a to ${role.name}`),
    error: /permission denied for table a \(42501\)\. Grant usage and create on its schema, and select, insert/,
    type: 'config',
  },
  {
    what: 'the table dropped',
    happen: () => run(`drop table ${role.schema}.a`),
    error: /\(42P01\)\. The table was dropped/,
    type: 'config',
  },
  {
    what: 'a column dropped',
    happen: () => run(`alter table ${role.schema}.a drop column amount`),
    error: /\(42703\)\. The table was changed/,
    type: 'config',
  },
  {
    what: 'the type of a column changed',
    happen: () => run(`alter table ${role.schema}.a alter column amount type date using null`),
    error: /\(42804\)\. The table was changed/,
    type: 'config',
  },
  {
    what: 'a constraint added that a record breaks',
    happen: () => run(`alter table ${role.schema}.a add constraint small check (amount <> 8)`),
    error: /Record id="8" of stream "a" \(input line 8\).*"small".*on_bad_record: skip/,
    type: 'config',
  },
  {
    what: 'a statement_timeout behind a lock that stays',
    happen: async ({ onLog }) => {
      await run(`alter role ${role.name} set statement_timeout = 50`);
      await endConnections();
      await lockUntil(onLog, /never/);
    },
    error: /\(57014\)\. Raise statement_timeout/,
    type: 'transient',
  },
];

const ofTheRun: readonly (Trouble & { readonly code: string; readonly text: RegExp })[] = [
  {
    what: 'the password changed',
    happen: async () => {
      await run(`alter role ${role.name} password 'other'`);
      await endConnections();
    },
    code: 'credentials_refused',
    text: /refused user "role_.*Check user and password/,
  },
  {
    what: 'login taken away',
    happen: async () => {
      await run(`alter role ${role.name} nologin`);
      await endConnections();
    },
    code: 'credentials_refused',
    text: /not permitted to log in/,
  },
  {
    what: 'the user dropped',
    happen: () => dropTestRole(db, role),
    code: 'credentials_refused',
    text: /refused user "role_/,
  },
  {
    what: 'the right to connect taken away',
    happen: async () => {
      await run(`do $$ begin execute format('revoke connect on database %I from public', current_database()); end $$`);
      await endConnections();
    },
    code: 'permission_missing',
    text: /may not connect to database.*grant connect/,
  },
  {
    what: 'the right to temporary tables taken away',
    happen: async () => {
      await run(
        `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`,
      );
      await endConnections();
    },
    code: 'permission_missing',
    text: /may not make temporary tables.*grant temporary/,
  },
  {
    what: 'the database made read-only',
    happen: async () => {
      await run(`alter role ${role.name} set default_transaction_read_only = on`);
      await endConnections();
    },
    code: 'unreachable',
    text: /takes no writes.*primary server.*default_transaction_read_only/,
  },
  {
    what: 'too many connections that stay',
    happen: async () => {
      await run(`alter role ${role.name} connection limit 0`);
      await endConnections();
    },
    code: 'unreachable',
    text: /too many connections.*connections/,
  },
];

const limits = { retries_max: 2 };

async function expectTruth(messages: Parameters<typeof expectConfirmedRows>[2], streams = ['a', 'b']): Promise<void> {
  for (const stream of streams) await expectConfirmedRows(db, { stream, schema: role.schema }, messages);
}

describe('a run', () => {
  it.each(passing)('survives $what', async ({ happen, logged, config }) => {
    const { messages, failure, logged: lines } = await writeInterrupted(role, { ...config }, happen);
    expect(failure).toBeUndefined();
    await expectTruth(messages);
    for (const stream of ['a', 'b']) expect(confirmedOf(messages, stream)).toEqual([5, 10]);
    if (!logged) expect(lines).toEqual([]);
    else for (const line of lines) expect(line).toMatch(logged);
  });

  it.each(ofOneStream)('goes on with the other streams after $what', async ({ happen, error, type, config }) => {
    const { messages, failure } = await writeInterrupted(role, { limits, ...config }, happen);
    expect(failure).toBeUndefined();
    expect(messages.filter(({ type }) => type === 'stream_status')).toEqual([
      {
        type: 'stream_status',
        stream_status: { stream: 'a', status: 'error', error: expect.stringMatching(error), failure_type: type },
      },
    ]);
    expect(confirmedOf(messages, 'a')).toEqual([5]);
    expect(confirmedOf(messages, 'b')).toEqual([5, 10]);
    await expectTruth(messages, ['b']);
  });

  it.each(ofTheRun)('ends with the reason and what to do after $what', async ({ happen, code, text, config }) => {
    const { messages, failure } = await writeInterrupted(role, { limits, ...config }, happen);
    expect(failure).toMatchObject({ code });
    expect((failure as { text: string }).text).toMatch(text);
    expect((failure as { text: string }).text).not.toContain('geheim');
    for (const stream of ['a', 'b']) expect(confirmedOf(messages, stream)).toEqual([5]);
    await run(
      `do $$ begin execute format('grant connect, temporary on database %I to public', current_database()); end $$`,
    );
  });
});
