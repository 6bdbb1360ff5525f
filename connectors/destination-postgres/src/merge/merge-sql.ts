import { castSql, castTextSql, isTextual } from '../tables/column-type.ts';
import { quoteName, quoteText } from '../tables/identifier.ts';
import type { PlannedColumn, TablePlan } from '../tables/plan-tables.ts';

/** A staged batch: `n` numbers its records in the order of arrival. Temporary, emptied at each commit. */
export const stageTable = 'pg_temp.penstock_stage';
/** Only for batches that one statement can't merge: in which round each record's turn comes. */
export const roundTable = 'pg_temp.penstock_round';

/** Rows up to 8 kB stay uncompressed in the stage: they are read several times and gone soon. */
const stageColumns = '(n integer not null, data jsonb not null) with (toast_tuple_target = 8160)';

/** What every connection needs that keeps its session. */
export const stageSql = `
create temp table if not exists penstock_stage ${stageColumns} on commit delete rows;
`;

/** What a transaction needs whose session may be another one's before and after. */
export const passingStageSql = `
create temp table penstock_stage ${stageColumns} on commit drop;
`;

/**
 * Made by the rare batch that needs it: emptying a table with an index at every commit takes longer than a small merge. A round
 * finds its records without reading the stage: there may be as many rounds as records.
 */
const createRounds = `
create temp table penstock_round (round integer not null, n integer not null, staged_at tid not null, is_deleted boolean not null,
  primary key (round, n)) on commit drop`;

/** Records, one a line, in place of a stage: no table has to be filled and emptied for a few of them. JSON has no newlines here. */
const lines = `(select (l.ordinality - 1)::integer as n, l.line::jsonb as data
  from string_to_table($1::text, E'\\n') with ordinality as l (line, ordinality)) s`;

/** The statements of one stream. All counts come back as text (bigint). */
export type MergeSql = {
  /**
   * What is in the stage: `null_keys` (n of records without a key, at most 1000), `needs_rounds`, `key_hashes` (8 bytes a record,
   * of keys that are there; null in `append`), and `transaction`, its number.
   */
  readonly survey: string;
  /** Merges the whole stage, when no round is needed. Returns `created`, `updated`. Fastest for records that are new. */
  readonly upsert: string;
  /** The same, fastest for records that are there already. */
  readonly upsertKnown: string;
  /** The same for records that are all new, each key once: fails with a unique violation where one isn't. By far the fastest. */
  readonly insertNew: string;
  /**
   * As `survey` and `upsert` at once, with the records in $1, one a line, instead of the stage. Merges nothing when a key is
   * missing or rounds are needed. Returns what both return.
   */
  readonly mergeLines: string;
  /** Makes the table of rounds, until the end of the transaction. */
  readonly createRounds: string;
  /** Sorts the stage into rounds. Returns `upserts` and `deletes`: the rounds that have such records, ascending. */
  readonly planRounds: string;
  /** Merges what isn't deleted of round $1. Returns `created`, `updated`. */
  readonly upsertRound: string;
  /** Marks or removes what is deleted of round $1. Returns `deleted`. */
  readonly deleteRound: string;
};

/** Builds the statements for a table. Pure; the text is the same in every run, so the server may keep its plans. */
export function buildMergeSql(plan: TablePlan): MergeSql {
  const sql = new Builder(plan);
  const stage = `${stageTable} s`;
  const rounds = `${stage} join ${roundTable} r on s.ctid = r.staged_at where r.round = $1`;
  return {
    survey: sql.survey(stage, { withHashes: true }),
    upsert: plan.mode === 'append' ? sql.append(stage) : sql.upsert(stage),
    upsertKnown: plan.mode === 'append' ? sql.append(stage) : sql.upsertKnown(stage),
    insertNew: plan.mode === 'append' ? sql.append(stage) : sql.insertNew(stage),
    mergeLines: plan.mode === 'append' ? sql.append(lines) : sql.surveyAndUpsert(lines),
    createRounds,
    planRounds: sql.planRounds(),
    upsertRound: sql.upsert(`${rounds} and not r.is_deleted`),
    deleteRound:
      plan.softDelete === 'mark' ? sql.mark(`${rounds} and r.is_deleted`) : sql.remove(`${rounds} and r.is_deleted`),
  };
}

/** The qualified, quoted name of a table. */
export function tableName(plan: TablePlan, table = plan.table): string {
  return `${quoteName(plan.schema)}.${quoteName(table)}`;
}

/** JSON that stands at a path of a jsonb expression. */
export function valueAt(json: string, path: readonly string[]): string {
  return path.reduce((at, field) => `(${at} -> ${quoteText(field)})`, json);
}

/**
 * When a row is written: the time of the statement, not of the transaction, which may have waited its turn. So the times of one
 * stream's batches are in the order of their commits.
 */
const writtenAt = 'statement_timestamp()';

/** It has one: filling a temporary table counts as writing. */
const transaction = 'pg_current_xact_id_if_assigned()::text';

const counts =
  '(select count(*) from merged where is_new) as created, (select count(*) from merged where not is_new) as updated';

class Builder {
  readonly #plan: TablePlan;
  readonly #table: string;
  /** Aliases of the keys. */
  readonly #keys: readonly string[];
  /** The version, where it has a column besides the key's. */
  readonly #versionColumn: PlannedColumn | undefined;
  readonly #columns: readonly PlannedColumn[];
  /** Both. */
  readonly #filled: readonly PlannedColumn[];

  constructor(plan: TablePlan) {
    this.#plan = plan;
    this.#table = tableName(plan);
    this.#keys = plan.key.map((_, index) => `k${index}`);
    this.#versionColumn = plan.version && !plan.key.includes(plan.version) ? plan.version : undefined;
    this.#columns = plan.columns;
    this.#filled = [...(this.#versionColumn ? [this.#versionColumn] : []), ...plan.columns];
  }

  get #versionSql(): string | undefined {
    const { version } = this.#plan;
    return version && castSql(version.kind, valueAt('s.data', version.path));
  }

  get #deletedSql(): string {
    const { softDeleteField } = this.#plan;
    return softDeleteField === undefined
      ? 'false'
      : `coalesce(s.data -> ${quoteText(softDeleteField)} = 'true', false)`;
  }

  #keySql({ kind, path }: PlannedColumn): string {
    if (kind === 'bigint') return castSql(kind, valueAt('s.data', path));
    return `${valueAt('s.data', path.slice(0, -1))} ->> ${quoteText(path.at(-1)!)}`;
  }

  /** True for no key, null, and what is no scalar. The second look is only for those whose text begins like that. */
  #keyIsMissing(column: PlannedColumn): string {
    if (column.kind === 'bigint') return `(${this.#keySql(column)}) is null`;
    const type = `jsonb_typeof(${valueAt('s.data', column.path)})`;
    return `(coalesce(ascii(${this.#keySql(column)}) in (91, 123), true) and coalesce(${type} in ('object', 'array', 'null'), true))`;
  }

  /**
   * Takes each column's JSON out of `l.data` once, however often its cast looks at it: `offset 0` keeps the planner from putting
   * the expressions back where they are used.
   */
  #unpack(): { from: string; values: string[] } {
    const version = this.#versionColumn ? ['l.v'] : [];
    if (this.#columns.length === 0) return { from: '', values: version };
    const taken = this.#columns.map(({ kind, path }, index) => {
      const operator = isTextual(kind) ? '->>' : '->';
      return `${valueAt('l.data', path.slice(0, -1))} ${operator} ${quoteText(path.at(-1)!)} as c${index}`;
    });
    const values = this.#columns.map(({ kind, path }, index) =>
      isTextual(kind) ? castTextSql(kind, `c.c${index}`, valueAt('l.data', path)) : castSql(kind, `c.c${index}`),
    );
    return {
      from: ` cross join lateral (select ${taken.join(', ')} offset 0) c`,
      values: [...version, ...values],
    };
  }

  #columnList(): string {
    const own = ['_raw_data', '_synced_at', '_updated_at'];
    return [...this.#plan.key, ...this.#filled]
      .map(({ name }) => quoteName(name))
      .concat(own)
      .join(', ');
  }

  survey(source: string, { withHashes = false } = {}): string {
    const { key, mode, softDeleteField, insertOnly } = this.#plan;
    if (mode === 'append')
      return `select null::integer[] as null_keys, false as needs_rounds, null::bytea as key_hashes, ${transaction} as transaction`;
    const noKey = key.map((column) => this.#keyIsMissing(column)).join(' or ');
    const reasons = [
      ...(softDeleteField === undefined ? [] : [`bool_or(${this.#deletedSql})`]),
      // Records without a version among others with one: see planRounds.
      ...(this.#versionSql ? [`count(${this.#versionSql}) between 1 and count(*) - 1`] : []),
      ...(insertOnly.length > 0
        ? [`count(distinct (${key.map((column) => this.#keySql(column)).join(', ')})) < count(*)`]
        : []),
    ];
    return `select (array_agg(s.n) filter (where ${noKey}))[1:1000] as null_keys, ${reasons.length ? `coalesce(${reasons.join(' or ')}, false)` : 'false'} as needs_rounds, ${withHashes ? `string_agg(int8send(${this.#keyHash()}), '')` : 'null::bytea'} as key_hashes, ${transaction} as transaction from ${source}`;
  }

  /** Equal for equal keys; of several columns, each goes on from the hash of those before. */
  #keyHash(): string {
    return this.#plan.key.reduce((seed, column) => {
      const hash = column.kind === 'bigint' ? 'hashint8extended' : 'hashtextextended';
      return `${hash}(${this.#keySql(column)}, ${seed})`;
    }, '0');
  }

  append(source: string): string {
    const { from, values } = this.#unpack();
    const keys = this.#plan.key.map(({ kind, path }) => castSql(kind, valueAt('l.data', path)));
    return `with merged as (insert into ${this.#table} (${this.#columnList()}) select ${[...keys, ...values, 'l.data', writtenAt, writtenAt].join(', ')} from (select * from ${source}) l${from} order by l.n returning 1) select count(*) as created, 0 as updated from merged`;
  }

  /**
   * Records with their keys and versions. `|| '{}'` changes no object; it makes one whole that is stored apart (TOAST), which
   * would otherwise be fetched once a column.
   */
  #keyed(source: string): string {
    const keys = this.#plan.key.map((column, index) => `${this.#keySql(column)} as k${index}`).join(', ');
    const version = this.#versionSql;
    return `select s.n, s.data || '{}' as data, ${keys}${version ? `, ${version} as v` : ''} from ${source}`;
  }

  /** The newest record of each key: the largest version, then the latest arrival. */
  #latest(source: string): string {
    const version = this.#plan.version;
    // Only that equal keys stand together matters, and comparing bytes takes a fraction of what a language's rules take.
    const sorted = this.#plan.key.map(({ kind }, index) => `k${index}${kind === 'bigint' ? '' : ' collate "C"'}`);
    const order = [...sorted, ...(version ? ['v desc nulls last'] : []), 'n desc'].join(', ');
    return `select distinct on (${sorted.join(', ')}) * from (${this.#keyed(source)}) s order by ${order}`;
  }

  /** Where one side knows no version, arrival decides. */
  #isNewer(newer: string, older: string): string {
    return `(${newer} >= ${older} or ${newer} is null or ${older} is null)`;
  }

  #keyJoin(table: string, other: string): string {
    return this.#plan.key.map(({ name }, index) => `${table}.${quoteName(name)} = ${other}.k${index}`).join(' and ');
  }

  /** Whether two records differ in what counts: not the version, nor what changes all the time. */
  #isChanged(older: string, newer: string): string {
    const { version, volatile } = this.#plan;
    const versionField = version?.path.length === 1 ? [version.path[0]!] : [];
    const [field, ...more] = [...versionField, ...volatile].map(quoteText);
    if (field === undefined) return `${older} is distinct from ${newer}`;
    // Putting the newer value into the older record takes half as long as taking it out of both.
    if (more.length === 0)
      return `coalesce(jsonb_set(${older}, array[${field}], ${newer} -> ${field}), ${older} - ${field}) is distinct from ${newer}`;
    const without = (json: string) => `${json} - array[${[field, ...more].join(', ')}]`;
    return `(${without(older)}) is distinct from (${without(newer)})`;
  }

  /** The columns that an update writes. */
  get #updated(): readonly PlannedColumn[] {
    return this.#filled.filter(({ name }) => !this.#plan.insertOnly.includes(name));
  }

  /** Makes rows of records. */
  #insertRows(records: string, filter: string): string {
    const { from, values } = this.#unpack();
    const keys = this.#keys.map((name) => `l.${name}`);
    const select = [...keys, ...values, 'l.data', writtenAt, writtenAt].join(', ');
    return `insert into ${this.#table} as t (${this.#columnList()}) select ${select} from (${records}) l${from}${filter}`;
  }

  #insert(latest: string, rawData: string, set: string[], filter = ''): string {
    const { key, version } = this.#plan;
    const versionName = version && quoteName(version.name);
    const guard = versionName ? `${this.#isNewer(`excluded.${versionName}`, `t.${versionName}`)} and ` : '';
    return `${this.#insertRows(latest, filter)} on conflict (${key.map(({ name }) => quoteName(name)).join(', ')}) do update set ${[...set, `_raw_data = ${rawData}`, '_synced_at = excluded._synced_at', '_updated_at = excluded._updated_at'].join(', ')} where ${guard}${this.#isChanged('t._raw_data', rawData)} returning t.xmax = 0 as is_new`;
  }

  insertNew(source: string): string {
    return `with merged as (${this.#insertRows(this.#keyed(source), this.#unlessDead)} returning 1) select count(*) as created, 0 as updated from merged`;
  }

  /** Merges, taking each record for a new one: for one that isn't, `on conflict` locks the row before it compares. */
  upsert(source: string): string {
    return this.#upsert(this.#latest(source));
  }

  /** The same, but looks first whether the row is there and equal: then nothing is unpacked, locked or written to the log. */
  upsertKnown(source: string): string {
    const { key, version } = this.#plan;
    const isMissing = `t.${quoteName(key[0]!.name)} is null`;
    const guard = version ? `${this.#isNewer('l.v', `t.${quoteName(version.name)}`)} and ` : '';
    const isChanged = this.#isChanged('t._raw_data', 'l.data');
    return this.#upsert(
      `select l.* from (${this.#latest(source)}) l left join ${this.#table} t on ${this.#keyJoin('t', 'l')} where ${isMissing} or (${guard}${isChanged}) offset 0`,
    );
  }

  surveyAndUpsert(source: string): string {
    const isFine = 'where (select null_keys is null and not needs_rounds from survey)';
    const merged = this.#merge(this.#latest(`source s ${isFine}`));
    return `with source as materialized (select * from ${source}), survey as materialized (${this.survey('source s')}), merged as (${merged}) select survey.*, ${counts} from survey`;
  }

  #upsert(latest: string): string {
    return `with merged as (${this.#merge(latest)}) select ${counts}`;
  }

  #merge(latest: string): string {
    const set = this.#updated.map(({ name }) => `${quoteName(name)} = excluded.${quoteName(name)}`);
    return this.#insert(latest, 'excluded._raw_data', set, this.#unlessDead);
  }

  /** Leaves out what is older than the removal of its row. */
  get #unlessDead(): string {
    const { tombstones, version } = this.#plan;
    return tombstones && version
      ? ` where not exists (select from ${tableName(this.#plan, tombstones)} d where ${this.#keyJoin('d', 'l')} and l.v < d.${quoteName(version.name)})`
      : '';
  }

  /** The record of a deleted object says what is known of it; the rest of the row stays. */
  mark(source: string): string {
    const set = this.#updated.map(({ name, path }) => {
      const column = quoteName(name);
      return `${column} = case when excluded._raw_data ? ${quoteText(path[0]!)} then excluded.${column} else t.${column} end`;
    });
    const insert = this.#insert(this.#latest(source), '(t._raw_data || excluded._raw_data)', set, this.#unlessDead);
    return `with merged as (${insert}) select count(*) as deleted from merged`;
  }

  /** Removes the row unless it is newer, and remembers the version, so that a late older record can't bring it back. */
  remove(source: string): string {
    const { tombstones, version, key } = this.#plan;
    const latest = `with latest as materialized (${this.#latest(source)})`;
    if (!version || !tombstones)
      return `${latest}, removed as (delete from ${this.#table} t using latest l where ${this.#keyJoin('t', 'l')} returning 1) select count(*) as deleted from removed`;
    const name = quoteName(version.name);
    const isNewer = this.#isNewer('l.v', `t.${name}`);
    const keys = key.map((column) => quoteName(column.name)).join(', ');
    const inKey = key.includes(version);
    return `${latest}, removed as (delete from ${this.#table} t using latest l where ${this.#keyJoin('t', 'l')} and ${isNewer} returning 1), buried as (insert into ${tableName(this.#plan, tombstones)} as t (${keys}${inKey ? '' : `, ${name}`}, _deleted_at) select ${this.#keys.join(', ')}${inKey ? '' : ', l.v'}, now() from latest l on conflict (${keys}) do update set ${inKey ? '' : `${name} = coalesce(excluded.${name}, t.${name}), `}_deleted_at = excluded._deleted_at where ${this.#isNewer(`excluded.${name}`, `t.${name}`)} returning 1) select count(*) as deleted from removed`;
  }

  /**
   * One statement takes the newest record of each key. That is not enough where a record adds to the row instead of
   * replacing it (a deletion), where arrival decides among some records and the version among others (one without a version),
   * or where the first record of a key says what stays (a column that is written on insert only). Each such record ends a round; merging round by round then gives what merging one by one gives.
   */
  planRounds(): string {
    const { key, version } = this.#plan;
    if (this.#plan.mode === 'append') return `select array[0] as upserts, null::integer[] as deletes`;
    const keys = key.map((column, index) => `${this.#keySql(column)} as k${index}`).join(', ');
    const rows = `select s.n, s.ctid as staged_at, ${keys}, ${this.#deletedSql} as is_deleted${version ? `, (${this.#versionSql}) is null as no_version` : ''} from ${stageTable} s`;
    const inKey = `over (partition by ${this.#keys.join(', ')} order by n)`;
    const starts = [
      'is_deleted',
      `lag(is_deleted) ${inKey}`,
      ...(version ? [`no_version <> lag(no_version) ${inKey}`] : []),
      ...(this.#plan.insertOnly.length > 0 ? [`lag(n) ${inKey} is not null`] : []),
    ];
    const started = `select *, coalesce(${starts.join(' or ')}, false)::integer as starts from (${rows}) rows`;
    return `with planned as (insert into ${roundTable} (round, n, staged_at, is_deleted) select sum(starts) ${inKey}, n, staged_at, is_deleted from (${started}) started returning round, is_deleted) select array_agg(distinct round order by round) filter (where not is_deleted) as upserts, array_agg(distinct round order by round) filter (where is_deleted) as deletes from planned`;
  }
}
