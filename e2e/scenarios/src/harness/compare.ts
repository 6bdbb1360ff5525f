import type { Stream } from '@penstock/protocol';
import type { Client } from 'pg';
import { escapeIdentifier } from 'pg';
import type { Simulator } from './simulator.ts';

/** How one table differs from what Stripe has. All zero means: equal. */
export interface TableDifference {
  readonly stream: string;
  readonly expected: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** One object that differs: what is stored, and what Stripe has. */
  readonly sample: unknown;
}

/** The fields that the source adds; they are not Stripe's. */
const OWN_FIELDS = ['_account_id', '_as_of'];

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
    const truth = await simulator.truth(String(stream.metadata?.path));
    const objects = truth.split('\n').filter((line) => line !== '');
    const table = `${escapeIdentifier(schema)}.${escapeIdentifier(stream.name)}`;
    const { rows } = await client.query<Omit<TableDifference, 'stream' | 'expected'>>(
      `with truth as (select o ->> 'id' as id, o from unnest($1::jsonb[]) as o)
       select count(*) filter (where t.id is null)::int as missing,
              count(*) filter (where truth.id is null)::int as extra,
              count(*) filter (where t._raw_data - $2::text[] is distinct from truth.o
                                 and t.id is not null and truth.id is not null)::int as different,
              (array_agg(jsonb_build_object('stored', t._raw_data, 'truth', truth.o))
                 filter (where t._raw_data - $2::text[] is distinct from truth.o))[1] as sample
       from truth full join ${table} t on t.id = truth.id`,
      [objects, OWN_FIELDS],
    );
    const row = rows[0]!;
    if (row.missing + row.extra + row.different > 0) {
      differences.push({ stream: stream.name, expected: objects.length, ...row });
    }
  }
  return differences;
}

/** Rows that stand in a table more than once by their id, over all tables: none, when writing is idempotent. */
export async function countDuplicates(client: Client, streams: readonly Stream[], schema = 'public'): Promise<number> {
  let duplicates = 0;
  for (const stream of streams) {
    const table = `${escapeIdentifier(schema)}.${escapeIdentifier(stream.name)}`;
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int - count(distinct id)::int as n from ${table}`,
    );
    duplicates += rows[0]!.n;
  }
  return duplicates;
}
