import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import type { WriteResultPayload } from '@penstock/protocol';
import type { Config } from '../config.ts';
import { ConnectionFailure } from '../connect/connection.ts';
import { KeptConnection } from '../connect/kept-connection.ts';
import {
  classify,
  connectionLost,
  isFromServer,
  isOfJson,
  type PostgresError,
  reasonOf,
  tableError,
} from '../connect/postgres-error.ts';
import { isPassing, retryTrouble } from '../connect/retry-trouble.ts';
import type { Session } from '../connect/session.ts';
import { fitName } from '../tables/identifier.ts';
import type { TablePlan } from '../tables/plan-tables.ts';
import type { Batch } from './batch.ts';
import { copyBatch } from './copy-batch.ts';
import { describeKey, findCulprits, KeysMissing } from './find-culprits.ts';
import { buildMergeSql, type MergeSql, tableName } from './merge-sql.ts';
import type { MergeTurn } from './merge-turns.ts';
import { SureCommit } from './sure-commit.ts';

/** Up to here sending a few records twice costs less than filling and emptying a table. */
const linesBytesMax = 128 * 1024;
const newline = Buffer.from('\n');

/** A stream's table and its statements. */
export type StreamTable = {
  readonly plan: TablePlan;
  readonly sql: MergeSql;
  readonly name: string;
  /**
   * How many records of the latest batch were in the table already: then so are, likely, those of the next. Before the first,
   * none: where that is wrong it shows soon.
   */
  wasThere: 'most' | 'some' | 'none';
};

/** Builds the statements of a table that is there. */
export function streamTable(plan: TablePlan): StreamTable {
  return { plan, sql: buildMergeSql(plan), name: tableName(plan), wasThere: 'none' };
}

/** What a batch did to its table. The four add up to its records. */
export type BatchCounts = Omit<WriteResultPayload, 'stream'>;

/** Postgres's code for it. */
const uniqueViolation = '23505';

/** What storing one batch goes by. */
export type StoreOptions = {
  readonly config: Config;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
  /** Aborted when there is no time left for trying again and again. */
  readonly stopRequested: AbortSignal;
  /** The batch's place among those of its stream. */
  readonly turn: MergeTurn;
  /** False when one of them failed: then nothing of this batch may be stored. */
  readonly isWanted: () => boolean;
  /** Told what is stored of a batch that fails with one of its records. */
  readonly onStored: (counts: BatchCounts) => void;
};

/** What work other than batches goes by. */
export type TroubleOptions = Pick<StoreOptions, 'config' | 'log' | 'signal' | 'stopRequested'>;

/** One connection, made when it is needed and again when it broke. Stores one batch at a time. */
export class BatchStore {
  readonly #connection = new KeptConnection();

  /**
   * Stores a batch in one transaction, or in several when a bad record had to be found; all of them are committed when this
   * returns.
   *
   * @throws ConnectorError for the stream; ConnectionFailure for the run
   * @returns undefined when the batch was not wanted any more
   */
  async store(table: StreamTable, batch: Batch, options: StoreOptions): Promise<BatchCounts | undefined> {
    const total = { created: 0, updated: 0, deleted: 0, skipped: 0 };
    const parts: (readonly number[])[] = [Array.from({ length: batch.count }, (_, index) => index)];
    const examined = new Set<number>();
    let commit = new SureCommit<Changes>();
    while (parts.length > 0) {
      const part = parts[0]!;
      try {
        const counts = await this.#withRetries(
          table,
          (client) => storeOnce(client, table, batch, part, { ...options, commit, isRest: parts.length === 1 }),
          options,
        );
        if (!counts) return undefined;
        for (const key of Object.keys(total) as (keyof BatchCounts)[]) total[key] += counts[key];
        parts.shift();
        commit = new SureCommit();
      } catch (error) {
        if (!(error instanceof KeysMissing) && (classify(error) !== 'record' || isOfForeignColumn(error, table.plan)))
          throw this.#explain(error, table);
        const { rest, refused } = findCulprits(error, batch, part, examined);
        // What came before a bad record is to be stored and confirmed, before the stream ends with it.
        if (refused.length > 0) await options.turn.whenFirst();
        try {
          for (const { index, reason } of refused) refuse({ error, reason }, table, batch, index, options);
        } catch (refusal) {
          if (total.created + total.updated + total.deleted + total.skipped > 0) options.onStored(total);
          throw refusal;
        }
        total.skipped += refused.length;
        parts.splice(0, 1, ...rest);
        commit = new SureCommit();
      }
    }
    return total;
  }

  /**
   * Runs other work on this connection, in transactions of its own; what it leaves open after an error is rolled back.
   *
   * @param work is run again after a passing trouble, as a batch is
   * @throws as {@link store}
   */
  async perform<T>(table: StreamTable, work: (session: Session) => Promise<T>, options: TroubleOptions): Promise<T> {
    try {
      return await this.#withRetries(table, work, options);
    } catch (error) {
      throw this.#explain(error, table);
    }
  }

  /**
   * Connects, where there is no connection yet. Trouble other than the server's limit is for the first batch to meet again.
   *
   * @returns false when the server admits no more connections
   */
  async open(config: Config, log: ConnectorLog): Promise<boolean> {
    try {
      await this.#connection.session(config, log);
    } catch (error) {
      if (((error as Error).cause as PostgresError | undefined)?.code === '53300') return false;
      if (isPassing(error)) log.warn(`Connecting to Postgres is tried again: ${reasonOf(error)}`);
    }
    return true;
  }

  /** Closes the connection for good; an open transaction is rolled back by the server. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Breaks the connection off without a word, for stopping at once. */
  abandon(): void {
    this.#connection.abandon();
  }

  /** A defect of ours is neither the stream's nor the connection's trouble: it stays what it is, and ends the run. */
  #explain(error: unknown, table: StreamTable): unknown {
    if (error instanceof ConnectorError)
      return ['unreachable', 'credentials_refused', 'config_invalid', 'permission_missing'].includes(error.code)
        ? new ConnectionFailure(error.code, { message: error.message, remedy: error.remedy, cause: error.cause })
        : error;
    if (classify(error) === 'connection') return new ConnectionFailure('unreachable', connectionLost(error));
    return isFromServer(error) ? tableError(error, table.name) : error;
  }

  async #withRetries<T>(
    table: StreamTable,
    work: (session: Session) => Promise<T>,
    options: TroubleOptions,
  ): Promise<T> {
    const what = `Writing to ${table.name}`;
    return retryTrouble(() => this.#try(work, options), { ...options, what, stream: table.plan.stream });
  }

  async #try<T>(work: (session: Session) => Promise<T>, { config, log }: TroubleOptions): Promise<T> {
    const client = await this.#connection.session(config, log);
    try {
      return await work(client);
    } catch (error) {
      await this.#connection.recover(error);
      throw error;
    }
  }
}

/** The lower halves: those that happen to be alike only make a batch wait for nothing. */
function toHashes(bytes: Buffer | null | undefined): Set<number> {
  const hashes = new Set<number>();
  for (let at = 4; bytes && at < bytes.length; at += 8) hashes.add(bytes.readInt32BE(at));
  return hashes;
}

type Changes = Omit<BatchCounts, 'skipped'>;
const notWanted: Changes = { created: 0, updated: 0, deleted: 0 };

/** Runs one of a table's statements, prepared once a connection. */
async function run(client: Session, { sql, plan }: StreamTable, name: keyof MergeSql, values: unknown[] = []) {
  const statement = client.statementName(fitName(`${name} ${plan.table}`));
  const { rows } = await client.query({ ...(statement !== undefined && { name: statement }), text: sql[name], values });
  return rows[0] as Record<string, never>;
}

/** Whether a value is missing in a column that is not ours: then no record can be stored, whatever it says. */
function isOfForeignColumn(error: unknown, { key, version, columns }: TablePlan): boolean {
  const { code, column } = error as PostgresError;
  const names = [...key, ...(version ? [version] : []), ...columns].map(({ name }) => name);
  return code === '23502' && column !== undefined && !names.includes(column);
}

function toChanges(...rows: Record<string, unknown>[]): Changes {
  const sum = (key: string) => rows.reduce((total, row) => total + Number(row[key] ?? 0), 0);
  return { created: sum('created'), updated: sum('updated'), deleted: sum('deleted') };
}

/** What one try goes by. */
type TryOptions = StoreOptions & {
  readonly commit: SureCommit<Changes>;
  /** Whether the part is all that is left of its batch. */
  readonly isRest: boolean;
};

/** @returns undefined when the batch is not wanted any more */
async function storeOnce(
  client: Session,
  table: StreamTable,
  batch: Batch,
  part: readonly number[],
  options: TryOptions,
): Promise<BatchCounts | undefined> {
  // A batch that waits its turn behind a pooler would hold the connection that the one before it needs.
  if (client.isPooled) await options.turn.whenFirst();
  const isSmall =
    part.length <= options.config.limits.unstaged_records_max &&
    part.reduce((bytes, index) => bytes + batch.data(index).length, 0) <= linesBytesMax;
  const changes =
    (await options.commit.recall(client)) ||
    (isSmall && (await storeLines(client, table, batch, part, options))) ||
    (await storeStaged(client, table, batch, part, options));
  return changes === notWanted
    ? undefined
    : { ...changes, skipped: part.length - changes.created - changes.updated - changes.deleted };
}

/** A few records, as one parameter of one statement: one round trip, and no table to fill and empty. */
async function storeLines(
  client: Session,
  table: StreamTable,
  batch: Batch,
  part: readonly number[],
  options: StoreOptions,
): Promise<Changes | undefined> {
  // Sent as bytes: text that is no UTF-8 must come to Postgres as it is.
  const lines = Buffer.concat(
    part.flatMap((index, at) => (at === 0 ? [batch.data(index)] : [newline, batch.data(index)])),
  );
  try {
    await options.turn.whenFirst();
    if (!options.isWanted()) return notWanted;
    if (client.isPooled) await client.begin();
    const row = await run(client, table, 'mergeLines', [lines]);
    if (row.null_keys || row.needs_rounds) return await leave(client, undefined);
    if (client.isPooled) await client.query('commit');
    return toChanges(row);
  } catch (error) {
    // The other way tells which record it is, where there are several, and its JSON is what is wrong.
    if (part.length > 1 && isOfJson(error)) return leave(client, undefined);
    throw error;
  }
}

/** Each statement is a transaction, except behind a pooler, where settings come and go with one. */
async function leave<T>(client: Session, result: T): Promise<T> {
  if (client.isPooled) await client.query('rollback');
  return result;
}

/** Any number of records, by COPY into the stage. */
async function storeStaged(
  client: Session,
  table: StreamTable,
  batch: Batch,
  part: readonly number[],
  options: TryOptions,
): Promise<Changes> {
  await client.begin({ withStage: true });
  await copyBatch(client, batch, part);
  const survey = await run(client, table, 'survey');
  if (survey.null_keys) throw new KeysMissing(survey.null_keys);
  const keys = toHashes(survey.key_hashes);
  await options.turn.whenApart(keys, options);
  if (!options.isWanted()) {
    await client.query('rollback');
    return notWanted;
  }
  const results: Record<string, unknown>[] = [];
  if (!survey.needs_rounds) {
    const isEachOnce = keys.size === part.length;
    const row = (isEachOnce && (await insertNew(client, table))) || (await upsert(client, table));
    const created = Number(row.created);
    table.wasThere = created === part.length ? 'none' : created * 2 < part.length ? 'most' : 'some';
    results.push(row);
  } else {
    await client.query(table.sql.createRounds);
    // Not prepared: their plans would name a table that is gone after the commit.
    const unprepared = async (name: keyof MergeSql, values: unknown[] = []) =>
      (await client.query(table.sql[name], values)).rows[0] as Record<string, unknown>;
    const { upserts, deletes } = (await unprepared('planRounds')) as Record<string, readonly number[] | null>;
    const isUpsert = new Set(upserts);
    const isDelete = new Set(deletes);
    for (const round of [...new Set([...isUpsert, ...isDelete])].toSorted((a, b) => a - b)) {
      if (isUpsert.has(round)) results.push(await unprepared('upsertRound', [round]));
      if (isDelete.has(round)) results.push(await unprepared('deleteRound', [round]));
    }
  }
  return options.commit.commit(client, survey.transaction!, toChanges(...results));
}

/**
 * Merges a stage of which no key is there twice, where likely all are new.
 *
 * @returns undefined when nothing was done: it isn't likely, or one turned out to be in the table
 */
async function insertNew(client: Session, table: StreamTable): Promise<Record<string, unknown> | undefined> {
  if (table.wasThere !== 'none') return undefined;
  await client.query('savepoint staged');
  try {
    return await run(client, table, 'insertNew');
  } catch (error) {
    // Neither the next try nor the next batch takes that risk.
    table.wasThere = 'most';
    if ((error as PostgresError).code !== uniqueViolation) throw error;
    await client.query('rollback to savepoint staged');
    return undefined;
  }
}

function upsert(client: Session, table: StreamTable): Promise<Record<string, unknown>> {
  return run(client, table, table.wasThere === 'most' ? 'upsertKnown' : 'upsert');
}

function refuse(
  { error, reason }: { error: unknown; reason: string },
  { plan }: StreamTable,
  batch: Batch,
  index: number,
  { config, log }: StoreOptions,
): void {
  const key = describeKey(plan, batch.data(index));
  const message = `Record ${key} of stream "${plan.stream}" (input line ${batch.lineNumber(index)}) can't be stored: ${reason}.`;
  if (config.on_bad_record === 'fail_stream')
    throw new ConnectorError('record_refused', {
      message,
      remedy: 'Mend it at its source, or leave such records out with on_bad_record: skip.',
      cause: error,
    });
  const data = { key, line: batch.lineNumber(index), reason };
  log.warn(`${message} It was left out.`, { stream: plan.stream, data });
}
