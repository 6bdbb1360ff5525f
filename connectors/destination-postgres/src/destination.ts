import { ConnectorError, type Destination, type DestinationContext, type WriteContext } from '@penstock/connector-sdk';
import type { DestinationMessage } from '@penstock/protocol';
import packageJson from '../package.json' with { type: 'json' };
import { type Config, configSchema } from './config.ts';
import { connect, prepareWriting } from './connect/connection.ts';
import { addressOf } from './connect/connection-error.ts';
import { classify, type PostgresError, reasonOf } from './connect/postgres-error.ts';
import type { Session } from './connect/session.ts';
import { safetyAdvice, safetyText } from './connect/tls-mode.ts';
import { type StreamTable, streamTable } from './merge/store-batch.ts';
import { quoteName } from './tables/identifier.ts';
import { planTables } from './tables/plan-tables.ts';
import { prepareTables } from './tables/prepare-tables.ts';
import { storeThenConfirm } from './write/store-then-confirm.ts';

/** The oldest version that is tested, as `server_version_num`. */
const versionMin = 150_000;

/** Writes streams into tables of a Postgres database. */
export const destination: Destination<typeof configSchema> = {
  name: 'postgres',
  version: packageJson.version,
  description: 'Writes each stream into a table of a Postgres database, by COPY and merge.',
  config: configSchema,
  syncModes: ['append', 'append_dedup'],
  check,
  write,
};

type Rights = {
  server_version: string;
  server_version_num: number;
  is_standby: boolean;
  has_schema: boolean;
  may_create_schema: boolean;
  may_use_schema: boolean;
  may_create_tables: boolean;
};

async function check({ config }: DestinationContext<Config>): Promise<string> {
  const client = await connect(config);
  try {
    const { server_version } = await checkRights(client, config.schema);
    await prepareWriting(client);
    const { target, safety, isPooled } = client;
    return [
      `PostgreSQL ${server_version} at ${addressOf(target)}${isPooled ? ' behind a pooler' : ''}, database "${target.database}", schema "${config.schema}".`,
      `The connection is ${safetyText[safety]}.`,
      safetyAdvice(safety),
    ]
      .filter(Boolean)
      .join(' ');
  } finally {
    await client.end().catch(() => {});
  }
}

/** What writing needs, asked before any data moves. @throws ConnectorError that names what is missing and how to get it */
async function checkRights(client: Session, schema: string): Promise<Rights> {
  const { rows } = await client.query<Rights>(
    `select current_setting('server_version') as server_version, current_setting('server_version_num')::int as server_version_num,
       pg_is_in_recovery() as is_standby, s.oid is not null as has_schema,
       has_database_privilege(current_database(), 'create') as may_create_schema,
       coalesce(has_schema_privilege(s.oid, 'usage'), false) as may_use_schema,
       coalesce(has_schema_privilege(s.oid, 'create'), false) as may_create_tables
     from (select $1::text as name) wanted left join pg_namespace s on s.nspname = wanted.name`,
    [schema],
  );
  const rights = rows[0]!;
  const { database, user } = client.target;
  const refuse = (code: 'permission_missing' | 'config_invalid', text: string, remedy: string) =>
    new ConnectorError(code, { message: text, remedy });
  if (rights.server_version_num < versionMin)
    throw refuse(
      'config_invalid',
      `The server is PostgreSQL ${rights.server_version}.`,
      'Version 15 or newer is needed.',
    );
  if (rights.is_standby)
    throw refuse('config_invalid', 'The server is a read-only standby.', 'Put the primary server into `url`.');
  if (!rights.has_schema && !rights.may_create_schema)
    throw refuse(
      'permission_missing',
      `Schema "${schema}" does not exist, and user "${user}" may not create it in database "${database}".`,
      `Run: create schema ${quoteName(schema)} authorization ${quoteName(user)}`,
    );
  if (rights.has_schema && !(rights.may_use_schema && rights.may_create_tables))
    throw refuse(
      'permission_missing',
      `User "${user}" may not create tables in schema "${schema}".`,
      `Run: grant usage, create on schema ${quoteName(schema)} to ${quoteName(user)}`,
    );
  return rights;
}

async function* write(context: WriteContext<Config>): AsyncGenerator<DestinationMessage> {
  const { config, catalog, log } = context;
  const { plans, refused } = planTables(catalog, config);
  const tables = new Map<string, StreamTable | ConnectorError>();
  for (const { stream, reason } of refused)
    tables.set(
      stream,
      new ConnectorError('mode_unsupported', {
        message: `Stream "${stream}": ${reason}`,
        remedy: 'Change its destination_sync_mode.',
      }),
    );
  const client = await connect(config);
  const advice = safetyAdvice(client.safety);
  if (advice) log.warn(`The connection to Postgres is ${safetyText[client.safety]}. ${advice}`);
  try {
    for (const [stream, prepared] of await prepareTables(client, config.schema, plans, log))
      tables.set(stream, prepared instanceof ConnectorError ? prepared : streamTable(prepared));
  } catch (cause) {
    if (cause instanceof ConnectorError) throw cause;
    const { code } = cause as PostgresError;
    // What is missing, and how to get it, is known better than "permission denied".
    if (code === '42501') await checkRights(client, config.schema);
    const isLost = classify(cause) === 'connection';
    throw new ConnectorError(isLost ? 'unreachable' : code === '42501' ? 'permission_missing' : 'config_invalid', {
      message: `The tables in schema "${config.schema}" could not be prepared: ${reasonOf(cause)}.`,
      remedy: isLost ? 'Run again later.' : 'Run `check`, which says what is missing.',
      cause,
    });
  } finally {
    await client.end().catch(() => {});
  }
  yield* storeThenConfirm(context, tables);
}
