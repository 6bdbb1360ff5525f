import { ConnectorError } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import type { Session } from '../connect/session.ts';
import { quoteName } from './identifier.ts';
import { type OwnTable, readOwnTables } from './own-tables.ts';

/** The oldest version that is tested, as `server_version_num`. */
const versionMin = 150_000;

/** What the server says about itself and about what its user may do. */
export type Rights = {
  readonly server_version: string;
  readonly server_version_num: number;
  readonly database: string;
  readonly user: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  /** Where `default_transaction_read_only` comes from, as in pg_settings. */
  readonly read_only_source: string;
  readonly has_schema: boolean;
  readonly may_create_schema: boolean;
  readonly may_use_schema: boolean;
  readonly may_create_tables: boolean;
  readonly may_make_temporary: boolean;
};

/** Something that writing needs and that is not there. */
export type Lack = {
  readonly what: string;
  /** SQL, or words where no SQL helps. */
  readonly remedy: string;
  /** Whether it is a grant that is missing. */
  readonly isRight: boolean;
};

/** What was found, when nothing is missing. */
export type RightsFound = {
  readonly serverVersion: string;
  /** What may become a trouble for some streams: which ones are written is not known here. */
  readonly notes: readonly string[];
};

/**
 * Asks for everything that writing needs, before any data moves.
 *
 * @throws ConnectorError that names all that is missing, each with the SQL that mends it
 */
export async function checkRights(session: Session, { schema }: Pick<Config, 'schema'>): Promise<RightsFound> {
  const rights = await readRights(session, schema);
  const lacks = findLacks(rights, schema);
  if (lacks.length > 0)
    throw new ConnectorError(lacks.every(({ isRight }) => isRight) ? 'permission_missing' : 'config_invalid', {
      message: `Writing to schema "${schema}" of database "${rights.database}" is not possible: ${lacks.map(({ what }) => what).join('; ')}.`,
      remedy: lacks.map(({ remedy }) => remedy).join('; '),
    });
  return {
    serverVersion: rights.server_version,
    notes: noteForeignTables(await findForeignTables(session, schema), schema, rights.user),
  };
}

async function readRights(session: Session, schema: string): Promise<Rights> {
  const { rows } = await session.query<Rights>(
    `select current_setting('server_version') as server_version, current_setting('server_version_num')::int as server_version_num,
       current_database() as database, current_user::text as user,
       pg_is_in_recovery() as is_standby, r.setting = 'on' as is_read_only, r.source as read_only_source,
       s.oid is not null as has_schema,
       has_database_privilege(current_database(), 'create') as may_create_schema,
       coalesce(has_schema_privilege(s.oid, 'usage'), false) as may_use_schema,
       coalesce(has_schema_privilege(s.oid, 'create'), false) as may_create_tables,
       has_database_privilege(current_database(), 'temporary') as may_make_temporary
     from (select $1::text as name) wanted left join pg_namespace s on s.nspname = wanted.name
       cross join (select setting, source from pg_settings where name = 'default_transaction_read_only') r`,
    [schema],
  );
  return rows[0]!;
}

/** Compares what there is with what writing needs. Pure. */
export function findLacks(rights: Rights, schema: string): Lack[] {
  const { user, database, has_schema, may_use_schema, may_create_tables } = rights;
  const lacks: Lack[] = [];
  const lack = (what: string, remedy: string) => lacks.push({ what, remedy, isRight: false });
  const lackRight = (what: string, sql: string) => lacks.push({ what, remedy: `Run: ${sql}`, isRight: true });
  if (rights.server_version_num < versionMin)
    lack(`the server is PostgreSQL ${rights.server_version}`, 'Version 15 or newer is needed');
  if (rights.is_standby) lack('the server is a read-only standby', 'Put the primary server into `url`');
  if (rights.is_read_only)
    lack(
      `transactions are read-only for user "${user}" (default_transaction_read_only)`,
      rights.read_only_source === 'client'
        ? 'Leave default_transaction_read_only out of `url`'
        : `Run: alter role ${quoteName(user)} set default_transaction_read_only = off`,
    );
  if (schema === 'information_schema') lack('the schema belongs to Postgres itself', 'Choose another `schema`');
  else if (!has_schema && !rights.may_create_schema)
    lackRight(
      `the schema does not exist, and user "${user}" may not create it`,
      `create schema ${quoteName(schema)} authorization ${quoteName(user)}`,
    );
  else if (has_schema && !(may_use_schema && may_create_tables)) {
    const missing = [...(may_use_schema ? [] : ['usage']), ...(may_create_tables ? [] : ['create'])];
    lackRight(
      `user "${user}" may not create tables in it`,
      `grant ${missing.join(', ')} on schema ${quoteName(schema)} to ${quoteName(user)}`,
    );
  }
  if (!rights.may_make_temporary)
    lackRight(
      `user "${user}" may not make temporary tables`,
      `grant temporary on database ${quoteName(database)} to ${quoteName(user)}`,
    );
  return lacks;
}

/** What writing rows into a table takes. */
const rowRights = ['select', 'insert', 'update', 'delete'];

/** A table that Penstock made as another user. */
export type ForeignTable = Pick<OwnTable, 'name' | 'owner' | 'kind'> & {
  /** Those of {@link rowRights} that are not granted. */
  readonly missing: readonly string[];
};

/** One that is dropped meanwhile lacks nothing: others may write while this looks. */
async function findForeignTables(session: Session, schema: string): Promise<ForeignTable[]> {
  const foreign = (await readOwnTables(session, schema)).filter(({ isOwned }) => !isOwned);
  const { rows } = await session.query<{ missing: string[] }>(
    `select array(select r from unnest($3::text[]) with ordinality rights (r, nr)
       where not has_table_privilege(c.oid, r) order by nr) as missing
     from unnest($2::text[]) with ordinality t (name, nr)
       left join pg_class c on c.relname = t.name and c.relnamespace = (select oid from pg_namespace where nspname = $1)
     order by t.nr`,
    [schema, foreign.map(({ name }) => name), rowRights],
  );
  return foreign.map(({ name, owner, kind }, index) => ({ name, owner, kind, missing: rows[index]!.missing }));
}

/**
 * What may become a trouble with tables of other users, and what gives access to them. Pure. Never by a grant of the owner's role:
 * that gives all that the owner may do anywhere, and the owner is often an administrator.
 */
export function noteForeignTables(tables: readonly ForeignTable[], schema: string, user: string): string[] {
  const full = ({ name }: ForeignTable) => `${quoteName(schema)}.${quoteName(name)}`;
  return [...Map.groupBy(tables, ({ owner }) => owner)].map(([owner, owned]) => {
    const isSide = ({ kind }: ForeignTable) => kind === 'side';
    const closed = owned.filter((table) => !isSide(table) && table.missing.length > 0);
    const missing = rowRights.filter((right) => closed.some((table) => table.missing.includes(right)));
    const alter = `alter table ${full(owned[0]!)} owner to ${quoteName(user)}`;
    const grant = `grant ${missing.join(', ')} on ${closed.map(full).join(', ')} to ${quoteName(user)}`;
    const toWrite = closed.length > 0 ? `For user "${user}" to write rows, run: ${grant}; only` : 'Only';
    const what = `add columns and indexes to it${owned.some(isSide) ? ', and end an overwrite with it' : ''}`;
    const each = owned.length > 1 ? ' for each of them' : '';
    return `User "${owner}" owns ${someOf(owned.map(full))}. ${toWrite} the owner of a table can ${what}: for that, run${each}: ${alter};`;
  });
}

/** Names in a message. */
const namesMax = 5;

function someOf(names: readonly string[]): string {
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more tables` : '';
  return `${names.slice(0, namesMax).join(', ')}${more}`;
}
