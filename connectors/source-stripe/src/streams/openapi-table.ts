import { readFile, stat } from 'node:fs/promises';
import { ConnectorError } from '@penstock/connector-sdk';
import { listTable } from './list-entries.ts';
import { makeStreamTable } from './make-table.ts';
import { isDescription } from './openapi/description.ts';
import { openApiFacts } from './openapi/openapi-facts.ts';
import type { StreamTable } from './stream-table.ts';

/** Stripe's descriptions have 3 to 10 MiB; much more is another file (P4). */
const DESCRIPTION_BYTES_MAX = 64 * 1024 * 1024;

const REMEDY =
  "Let openapi_path name a file spec3.json of Stripe's OpenAPI descriptions, or leave it out: then the streams of the built-in version are read.";

function refuse(message: string, cause?: unknown): ConnectorError {
  return new ConnectorError('config_invalid', {
    message: `openapi_path: ${message}.`,
    remedy: REMEDY,
    ...(cause === undefined ? {} : { cause }),
  });
}

function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readText(file: string): Promise<string> {
  let size: number;
  try {
    size = (await stat(file)).size;
    if (size <= DESCRIPTION_BYTES_MAX) return await readFile(file, 'utf8');
  } catch (cause) {
    throw refuse(`the file "${file}" can't be read: ${why(cause)}`, cause);
  }
  throw refuse(`the file "${file}" has ${size} bytes, and more than ${DESCRIPTION_BYTES_MAX} are not read`);
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw refuse(`the file "${file}" is not JSON: ${why(cause)}`, cause);
  }
}

/**
 * The table of the API version that an OpenAPI description of Stripe is of, with the hand-written rules and the coverage
 * by events applied to the lists that they know.
 *
 * @param file path of the description, as JSON
 * @throws ConnectorError `config_invalid` when there is no such file, or when it is not such a description
 * @returns `apiVersion` is what the description calls its version, a date or not
 */
export async function readOpenApiTable(file: string): Promise<StreamTable> {
  const description = parse(file, await readText(file));
  if (!isDescription(description)) throw refuse(`the file "${file}" is not an OpenAPI 3 description`);
  try {
    const { lists, schemas } = listTable(openApiFacts(description));
    const table = makeStreamTable(description.info.version, lists, async () => schemas);
    if (table.streams.size > 0) return table;
  } catch (cause) {
    throw refuse(`the OpenAPI description "${file}" has something that is not understood: ${why(cause)}`, cause);
  }
  throw refuse(`the OpenAPI description "${file}" has none of Stripe's lists`);
}
