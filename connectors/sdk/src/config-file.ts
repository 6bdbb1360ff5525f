import {
  CodedError,
  type ConfiguredCatalog,
  catalogSchema,
  chooseStreams,
  configuredCatalogSchema,
  describeIssues,
  type JsonSchema,
  keysAt,
  nearestNames,
  parseLine,
  typesAt,
} from '@penstock/protocol';
import * as z from 'zod';
import { findJsonError } from './json-position.ts';
import { readFileWhole } from './open-file.ts';

/** The suffix of a key whose value is the path of a file that holds the value. */
const FILE_SUFFIX = '_file';

/** Nested config is followed this deep. */
const DEPTH_MAX = 20;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The JSON value of a text.
 *
 * @param where what the text is, for the message, e.g. `Config file config.json`
 * @throws CodedError `file_invalid` with line and column
 */
export function parseJsonText(where: string, bytes: Buffer): unknown {
  const text = bytes.toString('utf8').replace(/^\u{feff}/u, '');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const position = findJsonError(text);
    const at =
      position === undefined ? '' : `, line ${position.line}, column ${position.column}: expected ${position.expected}`;
    // No cause: its message quotes the file, which may hold a secret (P7).
    if (position !== undefined) throw new CodedError('file_invalid', { message: `${where} is not JSON${at}.` });
    throw new CodedError('file_invalid', { message: `${where} is not JSON.`, cause });
  }
}

/** The JSON Schema of a connector's config as a user writes it, unknown keys refused. */
export function configJsonSchema(schema: z.ZodObject): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema.strict(), { io: 'input', unrepresentable: 'any' });
  return rest as JsonSchema;
}

/** `${NAME}` is the environment variable NAME; `$${` stands for `${` itself. */
const reference = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

class ConfigResolver {
  readonly #env: NodeJS.ProcessEnv;
  readonly #schema: JsonSchema;
  readonly problems: { readonly path: string; readonly problem: string }[] = [];

  constructor(env: NodeJS.ProcessEnv, schema: JsonSchema) {
    this.#env = env;
    this.#schema = schema;
  }

  async resolve(value: unknown, path: readonly string[]): Promise<unknown> {
    if (typeof value === 'string') return this.#fromEnvironment(value, path);
    if (path.length > DEPTH_MAX) return value;
    if (Array.isArray(value)) {
      return Promise.all(value.map((item, index) => this.resolve(item, [...path, String(index)])));
    }
    return isObject(value) ? this.#resolveObject(value, path) : value;
  }

  async #resolveObject(value: Record<string, unknown>, path: readonly string[]) {
    const resolved: [string, unknown][] = [];
    const known = keysAt(this.#schema, path);
    for (const [key, inner] of Object.entries(value)) {
      const at = [...path, key];
      const target = key.endsWith(FILE_SUFFIX) ? key.slice(0, -FILE_SUFFIX.length) : '';
      const isPath = !known.includes(key) && typesAt(this.#schema, [...path, target]).includes('string');
      if (!isPath || !known.includes(target)) {
        resolved.push([key, await this.resolve(inner, at)]);
      } else if (Object.hasOwn(value, target)) {
        this.#report(at, `${target} is given too; only one of them is allowed`);
      } else if (typeof inner !== 'string') {
        this.#report(at, 'expected the path of a file');
      } else {
        resolved.push([target, await this.#fromFile(inner, at)]);
      }
    }
    return Object.fromEntries(resolved);
  }

  async #fromFile(written: string, path: readonly string[]): Promise<string> {
    const file = this.#fromEnvironment(written, path);
    try {
      const bytes = await readFileWhole(`File of config key ${path.join('.')},`, file);
      return bytes.toString('utf8').replace(/\r?\n$/, '');
    } catch (error) {
      if (!(error instanceof CodedError) || file === written) throw error;
      // As it is written: whoever takes KEY_file for KEY has the secret itself in the variable (P7).
      throw new CodedError(error.code, { message: error.message.replaceAll(file, written) });
    }
  }

  #report(path: readonly string[], problem: string): void {
    this.problems.push({ path: path.join('.'), problem });
  }

  #fromEnvironment(text: string, path: readonly string[]): string {
    return text.replace(reference, (whole, escaping: string, name: string) => {
      if (escaping !== '') return whole.slice(1);
      const found = this.#env[name];
      if (found === undefined) this.#report(path, `the environment variable ${name} is not set`);
      return found ?? '';
    });
  }
}

function describeIssue(issue: z.core.$ZodIssue, jsonSchema: JsonSchema): string[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') {
    const where = path.length === 0 ? 'the config' : path.join('.');
    // "received undefined" is how the schema library says that a key is missing.
    return [issue.message.endsWith('received undefined') ? `${where} is missing` : `${where}: ${issue.message}`];
  }
  const valid = keysAt(jsonSchema, path);
  return issue.keys.map((key) => {
    const base = key.endsWith(FILE_SUFFIX) ? key.slice(0, -FILE_SUFFIX.length) : key;
    const near = nearestNames(base, valid)[0];
    const meant = near === undefined ? '' : `, did you mean ${base === key ? near : near + FILE_SUFFIX}?`;
    return `${[...path, key].join('.')}: there is no such key${meant}${path.length === 0 ? '' : ` (valid: ${valid.join(', ')})`}`;
  });
}

/**
 * Resolves `${NAME}` and `…_file` keys and checks the result against the connector's schema, unknown keys refused.
 *
 * @param onPlain told of the config as it could have been written without references and `…_file` keys, before it is
 *   checked: the words in which the connector's schema refuses a value may repeat it, secrets too
 * @returns the config, defaults filled in and transformed as the schema says
 * @throws CodedError `config_invalid` naming every path, what was expected and the valid keys; `file_unreadable`
 */
export async function checkConfig<Schema extends z.ZodObject>(
  raw: unknown,
  schema: Schema,
  env: NodeJS.ProcessEnv,
  onPlain: (plain: Record<string, unknown>) => void = () => undefined,
): Promise<z.output<Schema>> {
  const jsonSchema = configJsonSchema(schema);
  if (!isObject(raw)) throw new CodedError('config_invalid', { message: 'The config has to be a JSON object.' });
  const resolver = new ConfigResolver(env, jsonSchema);
  const plain = (await resolver.resolve(raw, [])) as Record<string, unknown>;
  onPlain(plain);
  const parsed = schema.strict().safeParse(plain);
  const reported = new Set(resolver.problems.map(({ path }) => path));
  // What stands in the place of a value that could not be found is not worth a second complaint.
  const issues = (parsed.error?.issues ?? []).filter(
    (issue) => !reported.has(issue.path.join('.')) || issue.path.length === 0,
  );
  // A misspelt key first: it is often why another one is missing.
  issues.sort((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'));
  const problems = [
    ...resolver.problems.map(({ path, problem }) => `${path}: ${problem}`),
    ...issues.flatMap((issue) => describeIssue(issue, jsonSchema)),
  ];
  if (problems.length > 0 || !parsed.success) {
    throw new CodedError('config_invalid', {
      message: `The config is not valid. ${problems.join('. ')}.`.replaceAll('?.', '?'),
      remedy: `Valid keys: ${keysAt(jsonSchema, []).join(', ')}; --help describes them.`,
    });
  }
  return parsed.data as z.output<Schema>;
}

function checkCatalog(where: string, raw: unknown): ConfiguredCatalog {
  const inner = isObject(raw) && raw.type === 'catalog' ? raw.catalog : raw;
  const discovered = catalogSchema.safeParse(inner);
  if (discovered.success) {
    return {
      streams: chooseStreams(discovered.data.streams).map((stream) => ({
        stream,
        sync_mode: 'incremental',
        destination_sync_mode: stream.primary_key.length > 0 ? 'append_dedup' : 'append',
      })),
    };
  }
  const configured = configuredCatalogSchema.safeParse(inner);
  if (configured.success) return configured.data;
  throw new CodedError('config_invalid', {
    message: `${where} is not a catalog: ${describeIssues(configured.error)}.`,
    remedy:
      'Use what `discover` prints, or {"streams": [{"stream": {…}, "sync_mode": …, "destination_sync_mode": …}]}.',
  });
}

/**
 * A catalog from the content of its file. Also takes what `discover` prints, its log lines included: then every stream that
 * is not optional is read, incrementally, and merged by its primary key where it has one.
 *
 * @param where what the file is, for messages, e.g. `Catalog file catalog.json`
 * @throws CodedError `file_invalid`, `config_invalid`
 */
export function readCatalog(where: string, bytes: Buffer): ConfiguredCatalog {
  for (const line of bytes.toString('utf8').split('\n')) {
    const parsed = line.includes('"catalog"') ? parseLine(line) : undefined;
    if (parsed?.kind === 'message' && parsed.message.type === 'catalog')
      return checkCatalog(where, parsed.message.catalog);
  }
  return checkCatalog(where, parseJsonText(where, bytes));
}
