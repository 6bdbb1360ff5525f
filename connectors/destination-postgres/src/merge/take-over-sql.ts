import { quoteName, quoteText } from '../tables/identifier.ts';
import type { PlannedColumn, TablePlan } from '../tables/plan-tables.ts';
import { tableName } from './merge-sql.ts';

/** A statement, and what the rows that it touches count as. */
export type TakeOverStep = { readonly counts: 'created' | 'updated' | 'deleted' | 'nothing'; readonly sql: string };

/** The statements that take the rows of a side table over into the table of its stream, in their order. */
export type TakeOverSql = {
  /** Makes the table equal to the side table. A row that is the same in both is not touched. */
  readonly replace: readonly TakeOverStep[];
  /** Adds the rows of the side table, each where it is newer; removes none that the side table doesn't say is deleted. */
  readonly add: readonly TakeOverStep[];
  /** Returns `count`: the rows that were to be taken over, asked for after the steps. */
  readonly count: string;
};

/** Builds the statements. Pure. In them `t` is the stream's table and `n` (next) the side table. */
export function buildTakeOverSql(target: TablePlan, side: TablePlan): TakeOverSql {
  const sql = new Builder(target, side);
  return target.mode === 'append'
    ? { replace: [sql.empty(), sql.insert()], add: [sql.insert()], count: sql.count() }
    : { replace: sql.replace(), add: sql.add(), count: sql.countLiving() };
}

class Builder {
  readonly #target: TablePlan;
  readonly #table: string;
  readonly #side: string;
  readonly #filled: readonly PlannedColumn[];
  /** SQL that is true of a row of the side table that stands for a deleted object. */
  readonly #isDead: string;
  /** Whether deleted rows stay and are marked. An overwritten table has none: it holds what there is. */
  readonly #keepsDead: boolean;

  constructor(target: TablePlan, side: TablePlan) {
    const { key, version, columns, overwrite, softDelete, softDeleteField } = target;
    this.#target = target;
    this.#table = tableName(target);
    this.#side = tableName(side);
    this.#filled = [...(version && !key.includes(version) ? [version] : []), ...columns];
    const field = overwrite ? overwrite.deletedField : softDeleteField;
    this.#isDead = field === undefined ? 'false' : `coalesce(n._raw_data -> ${quoteText(field)} = 'true', false)`;
    this.#keepsDead = !overwrite && (softDelete === 'mark' || target.mode === 'append');
  }

  replace(): TakeOverStep[] {
    const { tombstones } = this.#target;
    return [
      ...this.#bury(),
      { counts: 'nothing', sql: `delete from ${this.#side} n where ${this.#isDead}` },
      {
        counts: 'deleted',
        sql: `delete from ${this.#table} t where not exists (select from ${this.#side} n where ${this.#keyJoin('t')})`,
      },
      this.#update('updated', 'true', 'n._raw_data'),
      this.insert(),
      // What is there again is not removed any more.
      ...(tombstones
        ? [
            {
              counts: 'nothing' as const,
              sql: `delete from ${tableName(this.#target, tombstones)} d using ${this.#side} n where ${this.#keyJoin('d')}`,
            },
          ]
        : []),
    ];
  }

  add(): TakeOverStep[] {
    const isNewer = this.#isNewer();
    const dead: TakeOverStep = this.#keepsDead
      ? this.#update('deleted', `${this.#isDead} and ${isNewer}`, '(t._raw_data || n._raw_data)')
      : {
          counts: 'deleted',
          sql: `delete from ${this.#table} t using ${this.#side} n where ${this.#keyJoin('t')} and ${this.#isDead} and ${isNewer}`,
        };
    const isWritten = [`not ${this.#isDead}`, isNewer, ...this.#isNotBuried()].join(' and ');
    return [dead, ...this.#bury(), this.#update('updated', isWritten, 'n._raw_data'), this.insert(this.#isNotBuried())];
  }

  count(condition = 'true'): string {
    return `select count(*) as count from ${this.#side} n where ${condition}`;
  }

  /** Where a row stands for an object, records of its deletion were counted when they were merged into the side table. */
  countLiving(): string {
    return this.count(`not ${this.#isDead}`);
  }

  empty(): TakeOverStep {
    return { counts: 'deleted', sql: `delete from ${this.#table}` };
  }

  /** Rows that were not there. Their times are those at which they can be seen. */
  insert(more: readonly string[] = []): TakeOverStep {
    const { key, mode } = this.#target;
    const names = [...key, ...this.#filled].map(({ name }) => quoteName(name));
    const conditions = [
      ...(this.#keepsDead ? [] : [`not ${this.#isDead}`]),
      ...(mode === 'append' ? [] : [`not exists (select from ${this.#table} t where ${this.#keyJoin('t')})`]),
      ...more,
    ];
    const values = [...names.map((name) => `n.${name}`), 'n._raw_data', 'now()', 'now()'].join(', ');
    return {
      counts: 'created',
      sql: `insert into ${this.#table} (${[...names, '_raw_data', '_synced_at', '_updated_at'].join(', ')}) select ${values} from ${this.#side} n${conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''}`,
    };
  }

  /** Remembers the deleted rows' versions where removed rows are remembered, unless a newer one is known. */
  #bury(): TakeOverStep[] {
    const { tombstones, version, key } = this.#target;
    if (!tombstones || !version) return [];
    const keys = key.map(({ name }) => quoteName(name));
    const name = quoteName(version.name);
    const isInKey = key.includes(version);
    const names = isInKey ? keys : [...keys, name];
    const known = isInKey
      ? 'do nothing'
      : `do update set ${name} = excluded.${name}, _deleted_at = excluded._deleted_at where excluded.${name} >= d.${name} or d.${name} is null`;
    return [
      {
        counts: 'nothing',
        sql: `insert into ${tableName(this.#target, tombstones)} as d (${names.join(', ')}, _deleted_at) select ${names.map((each) => `n.${each}`).join(', ')}, now() from ${this.#side} n where ${this.#isDead} on conflict (${keys.join(', ')}) ${known}`,
      },
    ];
  }

  /** What a merge asks before it writes a record. */
  #isNotBuried(): string[] {
    const { tombstones, version } = this.#target;
    if (!tombstones || !version) return [];
    const name = quoteName(version.name);
    return [
      `not exists (select from ${tableName(this.#target, tombstones)} d where ${this.#keyJoin('d')} and n.${name} < d.${name})`,
    ];
  }

  /** Rows that differ in what counts. */
  #update(counts: TakeOverStep['counts'], condition: string, rawData: string): TakeOverStep {
    const isWhole = rawData === 'n._raw_data';
    const written = this.#filled.filter(({ name }) => !this.#target.insertOnly.includes(name));
    const set = written.map(({ name, path }) => {
      const column = quoteName(name);
      // A record of a deletion says what is known of the object; the rest stays.
      return isWhole
        ? `${column} = n.${column}`
        : `${column} = case when n._raw_data ? ${quoteText(path[0]!)} then n.${column} else t.${column} end`;
    });
    const changed = `${this.#compared('t._raw_data')} is distinct from ${this.#compared(rawData)}`;
    const all = [...set, `_raw_data = ${rawData}`, '_synced_at = now()', '_updated_at = now()'].join(', ');
    return {
      counts,
      sql: `update ${this.#table} t set ${all} from ${this.#side} n where ${this.#keyJoin('t')} and ${condition} and ${changed}`,
    };
  }

  #keyJoin(table: string): string {
    return this.#target.key.map(({ name }) => `${table}.${quoteName(name)} = n.${quoteName(name)}`).join(' and ');
  }

  /** As a merge compares them. */
  #isNewer(): string {
    const { version } = this.#target;
    if (!version) return 'true';
    const name = quoteName(version.name);
    return `(n.${name} >= t.${name} or n.${name} is null or t.${name} is null)`;
  }

  /** What counts in a comparison. */
  #compared(json: string): string {
    const { version, volatile } = this.#target;
    const left = [...(version?.path.length === 1 ? [version.path[0]!] : []), ...volatile].map(quoteText);
    return left.length === 0 ? json : `(${json} - array[${left.join(', ')}])`;
  }
}
