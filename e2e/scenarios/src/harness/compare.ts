import { isDeepStrictEqual } from 'node:util';
import type { Stream } from '@penstock/protocol';
import type { Client } from 'pg';
import { escapeIdentifier } from 'pg';
import { expectedObjects, listPathOf } from './expected-objects.ts';
import type { Simulator } from './simulator.ts';

/** How one table differs from what Stripe has. All zero means: equal. A row that is marked as deleted counts as not there. */
export interface TableDifference {
  readonly stream: string;
  readonly expected: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  readonly samples: readonly DifferenceSample[];
}

/** One object that differs: what is stored, and what Stripe has, by the members that differ; null where it is not there. */
export interface DifferenceSample {
  readonly id: string;
  readonly stored: Readonly<Record<string, unknown>> | null;
  readonly truth: Readonly<Record<string, unknown>> | null;
}

/** Rows whose mark as deleted is wrong, by id. */
export interface MarkDifference {
  readonly stream: string;
  /** Stripe has deleted them; the table doesn't say so, or never had them. */
  readonly unmarked: readonly string[];
  /** The table says that they are deleted, and Stripe doesn't. */
  readonly wronglyMarked: readonly string[];
}

/** The fields that the source adds; they are not Stripe's. */
const OWN_FIELDS = ['_account_id', '_as_of', '_parent_id'];
const SAMPLES_MAX = 3;
/** Stripe forgets the oldest ones while a table keeps them. */
const EVENTS_PATH = '/v1/events';

function tableOf(stream: Stream, schema: string): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(stream.name)}`;
}

/**
 * Compares tables with the simulator's truth, object by object, in Postgres itself (as jsonb: spelling doesn't count).
 *
 * @param schema where the tables are
 * @returns the tables that differ, and how
 */
export async function compareWithTruth(
  client: Client,
  simulator: Simulator,
  streams: readonly Stream[],
  schema = 'public',
): Promise<TableDifference[]> {
  const differences: TableDifference[] = [];
  for (const stream of streams) {
    const objects = await expectedObjects(simulator, stream);
    const rememberedSince =
      listPathOf(stream) === EVENTS_PATH ? (JSON.parse(objects.at(-1) ?? '{}') as { created?: number }).created : null;
    const { rows } = await client.query<Omit<TableDifference, 'stream' | 'expected'>>(
      `with truth as (select o ->> 'id' as id, o from unnest($1::jsonb[]) as o),
            live as (select id, _raw_data - $2::text[] as o from ${tableOf(stream, schema)}
                     where _raw_data ->> 'deleted' is distinct from 'true'
                       and case when $3::bigint is null then true
                                else (_raw_data ->> 'created')::bigint >= $3::bigint end),
            differing as (select coalesce(live.id, truth.id) as id, live.o as stored, truth.o as truth
                          from truth full join live on live.id = truth.id
                          where live.o is distinct from truth.o)
       select count(*) filter (where stored is null)::int as missing,
              count(*) filter (where truth is null)::int as extra,
              count(*) filter (where stored is not null and truth is not null)::int as different,
              coalesce((select jsonb_agg(d) from (select * from differing limit ${SAMPLES_MAX}) d), '[]') as samples
       from differing`,
      [objects, OWN_FIELDS, rememberedSince],
    );
    const row = rows[0]!;
    if (row.missing + row.extra + row.different > 0) {
      const samples = row.samples.map(withDifferingMembers);
      differences.push({ stream: stream.name, expected: objects.length, ...row, samples });
    }
  }
  return differences;
}

function withDifferingMembers({ id, stored, truth }: DifferenceSample): DifferenceSample {
  const names = new Set([...Object.keys(stored ?? {}), ...Object.keys(truth ?? {})]);
  // All members differ from none; a few will do to know the object.
  const isThere = stored !== null && truth !== null;
  const differing = [...names].filter((name) =>
    isThere ? !isDeepStrictEqual(stored[name], truth[name]) : ['created', 'metadata', 'status'].includes(name),
  );
  const pick = (object: DifferenceSample['stored']): DifferenceSample['stored'] =>
    object && Object.fromEntries(differing.map((name) => [name, object[name]]));
  return { id, stored: pick(stored), truth: pick(truth) };
}

/**
 * Compares what tables say is deleted with what was deleted in the simulator since its start, all of which the tables are
 * to have: they were first filled, or their events noted, before.
 *
 * @returns the tables that differ, and how
 */
export async function compareDeleted(
  client: Client,
  simulator: Simulator,
  streams: readonly Stream[],
  schema = 'public',
): Promise<MarkDifference[]> {
  const differences: MarkDifference[] = [];
  // Objects under a parent don't change, and events are never deleted.
  const changing = streams.filter((one) => one.metadata?.parent === undefined && listPathOf(one) !== EVENTS_PATH);
  for (const stream of changing) {
    const deleted = new Set(await simulator.deleted(listPathOf(stream)));
    const { rows } = await client.query<{ id: string }>(
      `select id from ${tableOf(stream, schema)} where _raw_data ->> 'deleted' = 'true'`,
    );
    const marked = new Set(rows.map(({ id }) => id));
    const unmarked = [...deleted].filter((id) => !marked.has(id));
    const wronglyMarked = [...marked].filter((id) => !deleted.has(id));
    if (unmarked.length + wronglyMarked.length > 0) differences.push({ stream: stream.name, unmarked, wronglyMarked });
  }
  return differences;
}

/** Rows that stand in a table more than once by their id, over all tables: none, when writing is idempotent. */
export async function countDuplicates(client: Client, streams: readonly Stream[], schema = 'public'): Promise<number> {
  let duplicates = 0;
  for (const stream of streams) {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int - count(distinct id)::int as n from ${tableOf(stream, schema)}`,
    );
    duplicates += rows[0]!.n;
  }
  return duplicates;
}
