import { readFile } from 'node:fs/promises';
import { CodedError } from '@penstock/protocol';
import type { NamedPipeline, PreparedSide } from './prepare.ts';

/** Where the state is kept, all files of the pipeline read. Holds secrets. */
export type StatePlace = { readonly file: string } | { readonly postgres: PostgresPlace };

/** How the database is reached; without a `url` as the environment says. */
type PostgresPlace = { readonly [key in (typeof postgresKeys)[number]]?: string };

const postgresKeys = ['url', 'ssl_ca_pem', 'ssl_cert_pem', 'ssl_key_pem'] as const;

/**
 * Where the state is: what the pipeline says, else the database of a Postgres destination.
 *
 * @throws CodedError `config_invalid` when it doesn't say and can't be guessed
 */
export async function locateState(pipeline: NamedPipeline, destination: PreparedSide | undefined): Promise<StatePlace> {
  const { state } = pipeline;
  if (state !== undefined && 'file' in state) return state;
  const usesDestination = destination?.choice.kind === 'type' && destination.choice.type === 'postgres';
  const [place, config] = state === undefined ? ['destination', destination?.config] : ['state', state.postgres];
  if (config !== undefined && (state !== undefined || usesDestination)) {
    const found = postgresKeys.map(async (key) => [key, await textOf(config, key, `${place}.postgres`)] as const);
    const given = (await Promise.all(found)).filter(([, value]) => value !== undefined);
    // A destination that has no URL either takes all of it from the environment (PGHOST and the like).
    return { postgres: Object.fromEntries(given) };
  }
  throw new CodedError('config_invalid', {
    message: 'The pipeline does not say where its state is kept.',
    remedy: 'Give --state FILE, or `state` in the pipeline: {file: PATH} or {postgres: {url: …}}.',
  });
}

/** The text under a key, or in the file that its `…_file` names. */
async function textOf(config: Record<string, unknown>, key: string, place: string): Promise<string | undefined> {
  const { [key]: value, [`${key}_file`]: path } = config;
  if (typeof value === 'string') return value;
  if (typeof path !== 'string') return undefined;
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CodedError('file_unreadable', {
      message: `${place}.${key}_file: ${path} can't be read: ${code}.`,
      cause,
    });
  }
}
