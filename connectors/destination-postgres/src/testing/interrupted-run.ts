import type { InputItem } from '@penstock/connector-sdk';
import type { TestDatabase } from '@penstock/local-postgres/testing';
import type { DestinationMessage } from '@penstock/protocol';
import { confirmedOf, countedItems } from './counted-run.ts';
import { testStream, writeItems } from './write-items.ts';

/** A user with a schema of its own, for trouble that is made for one user alone. */
export type TestRole = { readonly name: string; readonly schema: string; readonly url: string };

let roles = 0;

/** Makes a user that may do what writing needs, and nothing else. */
export async function createTestRole({ pool, url }: TestDatabase): Promise<TestRole> {
  const { rows } = await pool.query<{ name: string }>('select current_database() as name');
  const name = `role_${rows[0]!.name}_${++roles}`;
  await pool.query(`create role ${name} login password 'geheim'; create schema ${name} authorization ${name}`);
  const own = new URL(url);
  own.username = name;
  own.password = 'geheim';
  return { name, schema: name, url: own.href };
}

/** Takes a user away, with what it owns. */
export async function dropTestRole({ pool }: TestDatabase, { name }: TestRole): Promise<void> {
  await pool.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${name}'`);
  const { rows } = await pool.query('select from pg_roles where rolname = $1', [name]);
  if (rows.length > 0) await pool.query(`drop owned by ${name} cascade; drop role ${name}`);
}

/** How a run that was interfered with ended. */
export type InterruptedRun = {
  readonly messages: readonly DestinationMessage[];
  readonly logged: readonly string[];
  /** The error that ended the run. */
  readonly failure: unknown;
};

/**
 * Writes ten records of the streams `a` and `b` each. In the middle, when the first five are confirmed and the writer waits for
 * more, something happens.
 *
 * @param happen gets what is logged from then on
 */
export async function writeInterrupted(
  role: Pick<TestRole, 'schema' | 'url'>,
  config: object,
  happen: (watch: { onLog: (listener: (line: string) => void) => void }) => Promise<unknown>,
): Promise<InterruptedRun> {
  const messages: DestinationMessage[] = [];
  const logged: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  let wake = () => {};
  const halves = ['a', 'b'].map((stream) => {
    const items = [...countedItems({ stream, total: 10 })];
    return [items.slice(0, 5).flat(), items.slice(5).flat()] as const;
  });
  const failure = await writeItems({
    // Making indexes is other work, over the same connection, and would meet the trouble as well.
    config: { url: role.url, schema: role.schema, connections: 1, index: 'none', ...config },
    streams: [testStream('a'), testStream('b')],
    onMessage: (item) => {
      messages.push(item);
      wake();
    },
    onLog: (line) => {
      logged.push(line);
      for (const listener of listeners) listener(line);
    },
    input: (async function* (): AsyncGenerator<InputItem[]> {
      yield halves.flatMap(([first]) => first);
      while (['a', 'b'].some((stream) => confirmedOf(messages, stream).length === 0))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      await happen({ onLog: (listener) => listeners.push(listener) });
      yield halves.flatMap(([, second]) => second);
    })(),
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { messages, logged, failure };
}
