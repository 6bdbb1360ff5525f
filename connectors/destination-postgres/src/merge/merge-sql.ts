import { type ColumnKind, castSql, castTextSql } from '../tables/column-type.ts';
import { fitName, quoteName, quoteText } from '../tables/identifier.ts';
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

/** Made by the rare batch that needs it: emptying a table with an index at every commit takes longer than a small merge. */
const createRounds = `
create temp table penstock_round (n integer primary key, round integer not null, is_deleted boolean not null)
  on commit drop`;

/** Records, one a line, in place of a stage: no table has to be filled and emptied for a few of them. JSON has no newlines here. */
const lines = `(select (l.ordinality - 1)::integer as n, l.line::jsonb as data
  from string_to_table($1::text, E'\\n') with ordinality as l (line, ordinality)) s`;

/** The statements of one stream. All counts come back as text (bigint). */
export type MergeSql = {
  /** What is in the stage: `null_keys` (n of records without a key, at most 1000), `needs_rounds`. */
  readonly survey: string;
  /** Merges the whole stage, when no round is needed. Returns `created`, `updated`. */
  readonly upsert: string;
  /** As `survey` and `upsert`, with the records in $1, one a line, instead of the stage. */
  readonly surveyLines: string;
  readonly upsertLines: string;
  /** Makes the table of rounds, until the end of the transaction. */
  readonly createRounds: string;
  /** Sorts the stage into rounds. Returns `rounds`. */
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
  const rounds = `${stage} join ${roundTable} r using (n) where r.round = $1`;
  return {
    survey: sql.survey(stage),
    upsert: plan.mode === 'append' ? sql.append(stage) : sql.upsert(stage),
    surveyLines: sql.survey(lines),
    upsertLines: plan.mode === 'append' ? sql.append(lines) : sql.upsert(lines),
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

function isTextual(kind: ColumnKind): kind is 'text' | 'reference' {
  return kind === 'text' || kind === 'reference';
}

class Builder {
  readonly #plan: TablePlan;
  readonly #table: string;
  /** Aliases of the keys. A field may be named like one: in #unpack it is an alias too, so there all are qualified. */
  readonly #keys: readonly string[];
  readonly #filled: readonly PlannedColumn[];

  constructor(plan: TablePlan) {
    this.#plan = plan;
    this.#table = tableName(plan);
    this.#keys = plan.key.map((_, index) => `k${index}`);
    const inKey = plan.version && plan.key.includes(plan.version);
    this.#filled = [...(plan.version && !inKey ? [plan.version] : []), ...plan.columns];
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
    const json = valueAt('s.data', path);
    return kind === 'bigint' ? castSql(kind, json) : `${json} #>> '{}'`;
  }

  /** One pass over each record gives every column's JSON: a toasted record is read once, not once a column. */
  #unpack(): { from: string; values: string[] } {
    // A column alias is the field's own name: what Postgres can't hold in a name is looked up by itself.
    const aliased = this.#filled.filter(({ path: [field = ''] }) => field !== '' && fitName(field) === field);
    const aliases = aliased.map(({ kind, path }) => `${quoteName(path[0]!)} ${isTextual(kind) ? 'text' : 'jsonb'}`);
    const from = aliases.length ? ` cross join lateral jsonb_to_record(l.data) as c(${aliases.join(', ')})` : '';
    const values = this.#filled.map((column) => {
      const { kind, path } = column;
      const json = valueAt('l.data', path);
      if (!aliased.includes(column)) return castSql(kind, json);
      const alias = `c.${quoteName(path[0]!)}`;
      return isTextual(kind) ? castTextSql(kind, alias, json) : castSql(kind, alias);
    });
    return { from, values };
  }

  #columnList(): string {
    const own = ['_raw_data', '_synced_at', '_updated_at'];
    return [...this.#plan.key, ...this.#filled]
      .map(({ name }) => quoteName(name))
      .concat(own)
      .join(', ');
  }

  survey(source: string): string {
    const { key, mode, softDeleteField } = this.#plan;
    if (mode === 'append') return `select null::integer[] as null_keys, false as needs_rounds, count(*) from ${source}`;
    const noKey = key.map((column) => `(${this.#keySql(column)}) is null`).join(' or ');
    const reasons = [
      ...(softDeleteField === undefined ? [] : [`bool_or(${this.#deletedSql})`]),
      // Records without a version among others with one: see planRounds.
      ...(this.#versionSql
        ? [`(bool_or((${this.#versionSql}) is null) and not bool_and((${this.#versionSql}) is null))`]
        : []),
    ];
    return `select (array_agg(s.n order by s.n) filter (where ${noKey}))[1:1000] as null_keys, ${reasons.length ? `coalesce(${reasons.join(' or ')}, false)` : 'false'} as needs_rounds from ${source}`;
  }

  append(source: string): string {
    const { from, values } = this.#unpack();
    const keys = this.#plan.key.map(({ kind, path }) => castSql(kind, valueAt('l.data', path)));
    return `with merged as (insert into ${this.#table} (${this.#columnList()}) select ${[...keys, ...values, 'l.data', 'now()', 'now()'].join(', ')} from (select * from ${source}) l${from} order by l.n returning 1) select count(*) as created, 0 as updated from merged`;
  }

  /** The newest record of each key: the largest version, then the latest arrival. */
  #latest(source: string): string {
    const keys = this.#plan.key.map((column, index) => `${this.#keySql(column)} as k${index}`).join(', ');
    const version = this.#versionSql;
    const inner = `select s.n, s.data, ${keys}${version ? `, ${version} as v` : ''} from ${source}`;
    const order = [...this.#keys, ...(version ? ['v desc nulls last'] : []), 'n desc'].join(', ');
    return `select distinct on (${this.#keys.join(', ')}) * from (${inner}) s order by ${order}`;
  }

  /** Where one side knows no version, arrival decides. */
  #isNewer(newer: string, older: string): string {
    return `(${newer} >= ${older} or ${newer} is null or ${older} is null)`;
  }

  #keyJoin(table: string, other: string): string {
    return this.#plan.key.map(({ name }, index) => `${table}.${quoteName(name)} = ${other}.k${index}`).join(' and ');
  }

  #withoutVersion(json: string): string {
    const { version } = this.#plan;
    return version?.path.length === 1 ? `(${json} - ${quoteText(version.path[0]!)})` : json;
  }

  #insert(latest: string, rawData: string, set: string[], filter = ''): string {
    const { key, version } = this.#plan;
    const { from, values } = this.#unpack();
    const keys = this.#keys.map((name) => `l.${name}`);
    const select = [...keys, ...values, 'l.data', 'now()', 'now()'].join(', ');
    const versionName = version && quoteName(version.name);
    const guard = versionName ? `${this.#isNewer(`excluded.${versionName}`, `t.${versionName}`)} and ` : '';
    const changed = `${this.#withoutVersion('t._raw_data')} is distinct from ${this.#withoutVersion(rawData)}`;
    return `insert into ${this.#table} as t (${this.#columnList()}) select ${select} from (${latest}) l${from}${filter} on conflict (${key.map(({ name }) => quoteName(name)).join(', ')}) do update set ${[...set, `_raw_data = ${rawData}`, '_synced_at = excluded._synced_at', '_updated_at = excluded._updated_at'].join(', ')} where ${guard}${changed} returning t.xmax = 0 as is_new`;
  }

  upsert(source: string): string {
    const set = this.#filled.map(({ name }) => `${quoteName(name)} = excluded.${quoteName(name)}`);
    const { tombstones, version } = this.#plan;
    const dead =
      tombstones && version
        ? ` where not exists (select from ${tableName(this.#plan, tombstones)} d where ${this.#keyJoin('d', 'l')} and l.v < d.${quoteName(version.name)})`
        : '';
    const insert = this.#insert(this.#latest(source), 'excluded._raw_data', set, dead);
    return `with merged as (${insert}) select count(*) filter (where is_new) as created, count(*) filter (where not is_new) as updated from merged`;
  }

  /** The record of a deleted object says what is known of it; the rest of the row stays. */
  mark(source: string): string {
    const set = this.#filled.map(({ name, path }) => {
      const column = quoteName(name);
      return `${column} = case when excluded._raw_data ? ${quoteText(path[0]!)} then excluded.${column} else t.${column} end`;
    });
    const insert = this.#insert(this.#latest(source), '(t._raw_data || excluded._raw_data)', set);
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
    return `${latest}, removed as (delete from ${this.#table} t using latest l where ${this.#keyJoin('t', 'l')} and ${isNewer} returning 1), buried as (insert into ${tableName(this.#plan, tombstones)} as t (${keys}${inKey ? '' : `, ${name}`}, _deleted_at) select ${this.#keys.join(', ')}${inKey ? '' : ', l.v'}, now() from latest l on conflict (${keys}) do update set ${inKey ? '' : `${name} = excluded.${name}, `}_deleted_at = excluded._deleted_at where ${this.#isNewer(`excluded.${name}`, `t.${name}`)} returning 1) select count(*) as deleted from removed`;
  }

  /**
   * One statement takes the newest record of each key. That is not enough where a record adds to the row instead of
   * replacing it (a deletion), or where arrival decides among some records and the version among others (one without a
   * version). Each such record ends a round; merging round by round then gives what merging one by one gives.
   */
  planRounds(): string {
    const { key, version } = this.#plan;
    if (this.#plan.mode === 'append') return 'select 1 as rounds';
    const keys = key.map((column, index) => `${this.#keySql(column)} as k${index}`).join(', ');
    const rows = `select s.n, ${keys}, ${this.#deletedSql} as is_deleted${version ? `, (${this.#versionSql}) is null as no_version` : ''} from ${stageTable} s`;
    const inKey = `over (partition by ${this.#keys.join(', ')} order by n)`;
    const starts = [
      'is_deleted',
      `lag(is_deleted) ${inKey}`,
      ...(version ? [`no_version <> lag(no_version) ${inKey}`] : []),
    ];
    const started = `select *, coalesce(${starts.join(' or ')}, false)::integer as starts from (${rows}) rows`;
    return `with planned as (insert into ${roundTable} (n, round, is_deleted) select n, sum(starts) ${inKey}, is_deleted from (${started}) started returning round) select max(round) + 1 as rounds from planned`;
  }
}
