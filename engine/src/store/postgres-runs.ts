import pg from 'pg';
import packageJson from '../../package.json' with { type: 'json' };
import { type LeaseKey, whoTookIt } from './postgres-lease.ts';
import { RUNS_KEPT_MAX, type RunEnd, type RunRecord } from './run-history.ts';

/**
 * Writes that a call has begun, under the lease. Those of earlier holders that never said how they ended are interrupted, and
 * what is too old is forgotten.
 *
 * @throws CodedError `lease_held` when another engine has taken the lease
 */
export async function insertRun(client: pg.Client, key: LeaseKey, epoch: bigint, runId: string): Promise<void> {
  const schema = pg.escapeIdentifier(key.schema);
  const { rowCount } = await client.query(
    `with held as (
       select from ${schema}.lease where pipeline = $1 and epoch = $2
     ), interrupted as (
       update ${schema}.run set outcome = 'interrupted', ended_at = clock_timestamp()
       from held where run.pipeline = $1 and run.ended_at is null and run.epoch < $2
     ), forgotten as (
       delete from ${schema}.run using held where run.pipeline = $1 and run.id <= (
         select id from ${schema}.run where pipeline = $1 order by id desc offset $5 limit 1)
     )
     insert into ${schema}.run (pipeline, run_id, epoch, started_at, outcome, engine_version)
     select $1, $3, $2, clock_timestamp(), 'running', $4 from held
     -- It may be written once more when the answer was lost.
     where not exists (select from ${schema}.run where pipeline = $1 and epoch = $2)`,
    [key.pipeline, epoch, runId, packageJson.version, RUNS_KEPT_MAX - 1],
  );
  if (rowCount === 0 && !(await hasRun(client, key, epoch))) throw await whoTookIt(client, key);
}

async function hasRun(client: pg.Client, { schema, pipeline }: LeaseKey, epoch: bigint): Promise<boolean> {
  const { rows } = await client.query(
    `select from ${pg.escapeIdentifier(schema)}.run where pipeline = $1 and epoch = $2`,
    [pipeline, epoch],
  );
  return rows.length > 0;
}

/** Writes how the call of this holder ended, unless another one has called it interrupted already. */
export async function finishRun(client: pg.Client, key: LeaseKey, epoch: bigint, end: RunEnd): Promise<void> {
  const { records, created, updated, deleted, skipped, bytes } = end.counts;
  await client.query(
    `update ${pg.escapeIdentifier(key.schema)}.run
     set ended_at = clock_timestamp(), outcome = $3, error = $4, records = $5, created = $6, updated = $7, deleted = $8,
       skipped = $9, bytes = $10
     where pipeline = $1 and epoch = $2 and ended_at is null`,
    // Postgres keeps no NUL in a text.
    [
      key.pipeline,
      epoch,
      end.outcome,
      end.error?.replaceAll('\0', ''),
      records,
      created,
      updated,
      deleted,
      skipped,
      bytes,
    ],
  );
}

interface RunRow {
  readonly pipeline: string;
  readonly run_id: string;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly outcome: RunRecord['outcome'];
  readonly error: string | null;
  readonly records: string | null;
  readonly created: string | null;
  readonly updated: string | null;
  readonly deleted: string | null;
  readonly skipped: string | null;
  readonly bytes: string | null;
  readonly engine_version: string;
}

/** The last calls of a pipeline, the newest first. */
export async function selectRuns(
  client: pg.Client,
  { schema, pipeline }: LeaseKey,
  limit: number,
): Promise<RunRecord[]> {
  const { rows } = await client.query<RunRow>(
    `select * from ${pg.escapeIdentifier(schema)}.run where pipeline = $1 order by id desc limit $2`,
    [pipeline, limit],
  );
  return rows.map((row) => ({
    pipeline: row.pipeline,
    run_id: row.run_id,
    started_at: row.started_at.toISOString(),
    ...(row.ended_at === null ? {} : { ended_at: row.ended_at.toISOString() }),
    outcome: row.outcome,
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.records === null
      ? {}
      : {
          counts: {
            records: Number(row.records),
            created: Number(row.created),
            updated: Number(row.updated),
            deleted: Number(row.deleted),
            skipped: Number(row.skipped),
            ...(row.bytes === null ? {} : { bytes: Number(row.bytes) }),
          },
        }),
    engine_version: row.engine_version,
  }));
}
