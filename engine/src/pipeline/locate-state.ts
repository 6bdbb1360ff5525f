import { readFile } from 'node:fs/promises';
import { CodedError } from '@penstock/protocol';
import type { NamedPipeline, PreparedSide } from './prepare.ts';

/** Where the state is kept, all files of the pipeline read. Holds secrets. */
export type StatePlace =
  | { readonly file: string }
  | { readonly postgres: { readonly url: string; readonly sslCaPem?: string } };

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
    const [url, sslCaPem] = await Promise.all([
      textOf(config, 'url', `${place}.postgres`),
      textOf(config, 'ssl_ca_pem', `${place}.postgres`),
    ]);
    if (url !== undefined) return { postgres: { url, ...(sslCaPem === undefined ? {} : { sslCaPem }) } };
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
