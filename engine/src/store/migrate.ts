import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { CodedError } from '@penstock/protocol';
import pg from 'pg';
import { transaction } from './postgres-connection.ts';
import { type PostgresPlace, showPlace } from './postgres-error.ts';

/** One file of `engine/migrations/`. */
export interface Migration {
  readonly version: number;
  /** `NNNN_name.sql` */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, in hex. */
  readonly hash: string;
}

/** A bundle has its own copy beside it. */
const migrationsFolder = new URL(
  import.meta.url.endsWith('.ts') ? '../../migrations/' : './migrations/',
  import.meta.url,
);

/** The migrations that this engine knows, in order. */
export async function readMigrations(folder: URL = migrationsFolder): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { version: Number(name.slice(0, 4)), name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Whether the schema has the state tables of any version. */
export async function hasStateTables(client: pg.Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${pg.escapeIdentifier(schema)}.migration`,
  ]);
  return rows[0]!.found;
}

/**
 * Brings the schema to the version of this engine: each migration in one transaction, under a lock that lets one engine at
 * a time do it. Nothing is ever dropped. Takes no lock when nothing is to be done.
 *
 * @throws CodedError `config_invalid` when the schema is newer than this engine, or was made by other files
 */
export async function migrate(
  client: pg.Client,
  place: PostgresPlace,
  migrations: readonly Migration[],
): Promise<void> {
  const pending = async () => {
    const applied = (await hasStateTables(client, place.schema)) ? await readApplied(client, place.schema) : [];
    return pendingMigrations(applied, migrations, place);
  };
  for (const { name } of await pending()) {
    await transaction(client, async () => {
      await client.query("select pg_advisory_xact_lock(hashtext('penstock migration'), hashtext($1))", [place.schema]);
      await prepareSchema(client, place.schema);
      // Another engine may have done it while this one waited for the lock.
      const migration = (await pending()).find((candidate) => candidate.name === name);
      if (migration === undefined) return;
      await client.query(`set local search_path to ${pg.escapeIdentifier(place.schema)}`);
      await client.query(migration.sql);
      await client.query('insert into migration (version, name, hash) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.hash,
      ]);
    });
  }
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly hash: string;
}

/** What is still to be applied, in order. Pure. @throws CodedError see {@link migrate} */
export function pendingMigrations(
  applied: readonly Applied[],
  migrations: readonly Migration[],
  place: PostgresPlace,
): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  const newest = migrations.at(-1)?.version ?? 0;
  for (const { version, name, hash } of applied) {
    if (version > newest) {
      throw new CodedError('config_invalid', {
        message: `${showPlace(place)}: the state tables are at version ${version}, written by a newer engine; this one knows versions up to ${newest}.`,
        remedy: 'Use an engine that is at least as new, or keep the state in another schema.',
      });
    }
    if (known.get(version)?.hash !== hash) {
      throw new CodedError('config_invalid', {
        message: `${showPlace(place)}: the state tables were made by a migration ${name} that differs from the one of this engine.`,
        remedy: 'Use the engine that made them, or keep the state in another schema.',
      });
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  return migrations.filter(({ version }) => !done.has(version));
}

async function readApplied(client: pg.Client, schema: string): Promise<Applied[]> {
  const { rows } = await client.query<Applied>(
    `select version, name, hash from ${pg.escapeIdentifier(schema)}.migration order by version`,
  );
  return rows;
}

async function prepareSchema(client: pg.Client, schema: string): Promise<void> {
  const quoted = pg.escapeIdentifier(schema);
  // Asked first: "if not exists" needs the right to create schemas even where there is nothing to create.
  const { rows } = await client.query<{ found: boolean }>('select to_regnamespace($1) is not null as found', [quoted]);
  if (!rows[0]!.found) await client.query(`create schema ${quoted}`);
  await client.query(
    `create table if not exists ${quoted}.migration (
       version integer primary key, name text not null, hash text not null,
       applied_at timestamptz not null default clock_timestamp())`,
  );
}
