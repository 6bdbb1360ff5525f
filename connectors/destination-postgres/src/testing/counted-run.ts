import type { InputItem } from '@penstock/connector-sdk';
import type { TestDatabase } from '@penstock/local-postgres/testing';
import type { ConfiguredStream, DestinationMessage } from '@penstock/protocol';
import { expect } from 'vitest';
import { checkpoint, record, testStream, writeItems } from './write-items.ts';

/** A run whose checkpoints can be held against the table: each says how many records came before it. */
export type CountedRun = {
  readonly stream: string;
  readonly total: number;
  /** Records between two checkpoints. */
  readonly every?: number;
  readonly schema?: string;
};

/** Records with the ids 1 to `total` and a checkpoint after each `every`, as items that one read would bring each. */
export function* countedItems({ stream, total, every = 5 }: CountedRun): Generator<InputItem[]> {
  for (let id = 1; id <= total; id++)
    yield [
      record(stream, { id: `${id}`, v: 1, name: `name ${id} ${'x'.repeat(50)}`, amount: id }, id),
      ...(id % every === 0 || id === total ? [checkpoint(stream, id)] : []),
    ];
}

/** The checkpoints of a stream that came out, as numbers of records. */
export function confirmedOf(messages: readonly DestinationMessage[], stream: string): number[] {
  return messages.flatMap((item) =>
    item.type === 'source_state' && item.source_state.state_type === 'stream' && item.source_state.stream === stream
      ? [item.source_state.data as number]
      : [],
  );
}

/**
 * Holds what came out against the table: every record before each checkpoint is there, once, as it was sent, and checkpoints
 * come in order.
 */
export async function expectConfirmedRows(
  { pool }: TestDatabase,
  { stream, schema = 'public' }: Pick<CountedRun, 'stream' | 'schema'>,
  messages: readonly DestinationMessage[],
): Promise<void> {
  const confirmed = confirmedOf(messages, stream);
  expect(confirmed).toEqual(confirmed.toSorted((a, b) => a - b));
  const last = confirmed.at(-1) ?? 0;
  if (last === 0) return;
  const { rows } = await pool.query(
    `select count(*)::int as count, count(distinct id)::int as keys from "${schema}"."${stream}"
     where id::int <= $1 and amount = id::int and _raw_data ->> 'name' = name`,
    [last],
  );
  expect(rows).toEqual([{ count: last, keys: last }]);
}

/** What a whole run must come to: all rows, all checkpoints, and counts that add up. */
export async function expectAllStored(
  db: TestDatabase,
  run: CountedRun,
  { messages, results }: Pick<Awaited<ReturnType<typeof writeItems>>, 'messages' | 'results'>,
): Promise<void> {
  await expectConfirmedRows(db, run, messages);
  expect(confirmedOf(messages, run.stream).at(-1)).toBe(run.total);
  const { rows } = await db.pool.query(
    `select count(*)::int as count from "${run.schema ?? 'public'}"."${run.stream}"`,
  );
  expect(rows).toEqual([{ count: run.total }]);
  // An answer that was lost leaves "created" or "skipped" open, not how many there were.
  const { created, updated, deleted, skipped } = results[run.stream]!;
  expect(created + updated + deleted + skipped).toBe(run.total);
}

/** Writes a counted run of one stream. */
export function writeCounted(
  run: CountedRun,
  config: { url: string } & Record<string, unknown>,
  more: { streams?: ConfiguredStream[]; signal?: AbortSignal; onMessage?: (item: DestinationMessage) => void } = {},
) {
  return writeItems({ streams: [testStream(run.stream)], config, input: countedItems(run), ...more });
}
