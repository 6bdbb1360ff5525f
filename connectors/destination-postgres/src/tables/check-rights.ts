import { ConnectorError } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import type { Session } from '../connect/session.ts';
import { quoteName } from './identifier.ts';
import { readOwnTables } from './own-tables.ts';

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
  return { serverVersion: rights.server_version, notes: await findForeignTables(session, schema, rights.user) };
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

/** Tables that Penstock made as another user. They can be written where that is granted, but only their owner extends them. */
async function findForeignTables(session: Session, schema: string, user: string): Promise<string[]> {
  const foreign = (await readOwnTables(session, schema)).filter(({ isOwned }) => !isOwned);
  return [...Map.groupBy(foreign, ({ owner }) => owner)].map(([owner, tables]) => {
    const names = tables.map(({ name }) => `${quoteName(schema)}.${quoteName(name)}`);
    return `User "${owner}" owns ${someOf(names)}: where user "${user}" is to write them and add columns, run: grant ${quoteName(owner)} to ${quoteName(user)}`;
  });
}

/** Names in a message. */
const namesMax = 5;

function someOf(names: readonly string[]): string {
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more tables` : '';
  return `${names.slice(0, namesMax).join(', ')}${more}`;
}
