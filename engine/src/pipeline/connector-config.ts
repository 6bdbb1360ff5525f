import { readFile } from 'node:fs/promises';
import { CodedError, type JsonSchema, keysAt, schemasAt, secretPaths, typesAt } from '@penstock/protocol';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { DottedFlag } from './dotted-flags.ts';
import { type Environment, isEnvironmentReference } from './environment.ts';
import { describeUnknownKey } from './unknown-key.ts';

type Config = Record<string, unknown>;

/** A key with this suffix holds the path of a file with the value. Connectors read it themselves. */
export const FILE_SUFFIX = '_file';
/** How many mistakes are named at once. */
const PROBLEMS_SHOWN_MAX = 5;

/** What a connector's config is made of, weakest first: environment, file, flags. */
export interface ConfigParts {
  /** The connector's own, from its `spec`. */
  readonly schema: JsonSchema;
  /** Where the config stands in the pipeline, for messages: `source.stripe`. */
  readonly place: string;
  /** Of the pipeline file, `${NAME}` replaced. */
  readonly config: Config;
  readonly flags: readonly DottedFlag[];
  /** Prefix of the variables that fill in what neither file nor flags give: `STRIPE` for STRIPE_API_KEY. */
  readonly environmentPrefix: string | undefined;
  readonly environment: Environment;
}

/**
 * Puts a connector's config together and checks it against the connector's own schema, unknown keys refused.
 *
 * @returns the config as the connector gets it; `…_file` keys are left for it to read
 * @throws CodedError `config_invalid` naming each path, what was expected and the valid keys; `usage` for a bad flag
 */
export function buildConfig(parts: ConfigParts): Config {
  const config = structuredClone(parts.config);
  for (const flag of parts.flags) setFlag(config, flag, parts);
  addEnvironment(config, parts);
  const problems = findConfigProblems(config, parts);
  if (problems.length === 0) return config;
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).join('; ');
  const more = problems.length > PROBLEMS_SHOWN_MAX ? `; and ${problems.length - PROBLEMS_SHOWN_MAX} more` : '';
  throw new CodedError('config_invalid', { message: `${shown}${more}.`, remedy: '' });
}

/**
 * What flags say of a config, alone: with an environment of its own references (`withOwnReferences`) those that are one stay.
 *
 * @throws CodedError `usage` for an unknown key, or a secret that is no reference
 */
export function configOfFlags(parts: Omit<ConfigParts, 'config'>): Config {
  const config: Config = {};
  for (const flag of parts.flags) setFlag(config, flag, { ...parts, config });
  return config;
}

/** `api_key` for `api_key_file`, when the schema has the one and not the other; else undefined. */
function fileTarget(schema: JsonSchema, path: readonly string[]): string | undefined {
  const key = path.at(-1)!;
  if (!key.endsWith(FILE_SUFFIX)) return undefined;
  const keys = keysAt(schema, path.slice(0, -1));
  const target = key.slice(0, -FILE_SUFFIX.length);
  return !keys.includes(key) && keys.includes(target) ? target : undefined;
}

/**
 * The config with what stands in the files of its `…_file` keys, so that the engine knows which texts are secret, and for
 * connectors that don't see these files. A key whose file can't be read stays: the connector is the one to say so.
 */
export async function readFileKeys(config: Config, schema: JsonSchema, path: readonly string[] = []): Promise<Config> {
  const entries = Object.entries(config).map(async ([key, value]): Promise<[string, unknown]> => {
    const target = fileTarget(schema, [...path, key]);
    if (target !== undefined && typeof value === 'string') {
      const text = await readFile(value, 'utf8').catch(() => undefined);
      return text === undefined ? [key, value] : [target, text.trim()];
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [key, value];
    return [key, await readFileKeys(value as Config, schema, [...path, key])];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function setFlag(config: Config, flag: DottedFlag, { schema, environment, environmentPrefix }: ConfigParts): void {
  const parent = flag.path.slice(0, -1);
  const key = flag.path.at(-1)!;
  const isFile = fileTarget(schema, flag.path) !== undefined;
  if (!isFile && schemasAt(schema, flag.path).length === 0) {
    const unknownAt = flag.path.findIndex((_part, i) => schemasAt(schema, flag.path.slice(0, i + 1)).length === 0);
    const valid = keysAt(schema, flag.path.slice(0, unknownAt));
    throw new CodedError('usage', {
      message: `${flag.flag}: ${describeUnknownKey(flag.path[unknownAt]!, valid)}.`,
      remedy: '',
    });
  }
  const { value } = flag;
  if (value !== undefined && secretPaths(schema).includes(flag.path.join('.')) && !isEnvironmentReference(value)) {
    const variable = [environmentPrefix, key.toUpperCase()].filter((part) => part !== undefined).join('_');
    throw new CodedError('usage', {
      message: `${flag.flag} is a secret, and a command line can be read by others.`,
      remedy: `Write \${${variable}} as its value in the pipeline file, or give ${flag.flag}-file PATH.`,
    });
  }
  let at = config;
  for (const part of parent) {
    const inner = at[part];
    at[part] = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
    at = at[part] as Config;
  }
  // One of the two: the stronger source decides which.
  if (isFile) delete at[key.slice(0, -FILE_SUFFIX.length)];
  else delete at[key + FILE_SUFFIX];
  if (value !== undefined && isEnvironmentReference(value))
    at[key] = fromVariable(value.slice(2, -1), flag.flag, environment);
  else at[key] = value === undefined ? true : isFile ? value : readValue(value, typesAt(schema, flag.path));
}

function fromVariable(name: string, flag: string, environment: Environment): string {
  const found = environment[name];
  if (found !== undefined && found !== '') return found;
  throw new CodedError('config_invalid', {
    message: `${flag}: the environment variable ${name} is not set.`,
    remedy: `Set ${name}.`,
  });
}

/** Text as the kind of value that the schema wants: JSON, except where it is to be a string. */
function readValue(text: string, types: readonly string[]): unknown {
  if (types.length > 0 && types.every((type) => type === 'string' || type === 'null')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function addEnvironment(config: Config, { schema, environmentPrefix, environment }: ConfigParts): void {
  if (environmentPrefix === undefined) return;
  for (const key of keysAt(schema, [])) {
    const value = environment[`${environmentPrefix}_${key.toUpperCase()}`];
    if (value === undefined || value === '' || Object.hasOwn(config, key) || Object.hasOwn(config, key + FILE_SUFFIX))
      continue;
    config[key] = readValue(value, typesAt(schema, [key]));
  }
}

/**
 * Everything that is wrong with a config, each in a sentence without its full stop: unknown keys, missing ones, values of
 * another kind.
 */
export function findConfigProblems(
  config: Config,
  parts: Pick<ConfigParts, 'schema' | 'place'> & Partial<Pick<ConfigParts, 'environmentPrefix'>>,
): string[] {
  const { schema, place } = parts;
  // The same config as if the files had been read: their contents are the connector's to check.
  const problems: string[] = [];
  const fromFiles = new Set<string>();
  const standIn = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const entries = Object.entries(value).map(([key, inner]) => {
      const target = fileTarget(schema, [...path, key]);
      if (target === undefined) return [key, standIn(inner, [...path, key])] as const;
      const at = [place, ...path, key].join('.');
      if (Object.hasOwn(value, target)) problems.push(`${at}: ${target} is given too; only one of them is allowed`);
      else if (typeof inner !== 'string') problems.push(`${at}: expected the path of a file`);
      fromFiles.add(`/${[...path, target].join('/')}`);
      return [target, 'read from a file'] as const;
    });
    return Object.fromEntries(entries);
  };
  const validate = compile(schema, place);
  if (!validate(standIn(config, []))) {
    // A mistyped key is also a missing one: what was written is said first.
    const errors = Object.groupBy(validate.errors ?? [], (error) => String(error.keyword === 'additionalProperties'));
    for (const error of [...(errors.true ?? []), ...(errors.false ?? [])]) {
      if (fromFiles.has(error.instancePath)) continue;
      problems.push(describe(error, parts));
    }
  }
  return [...new Set(problems)];
}

/** Formats and the keywords of others are the connector's own business. One for both sides: the first schema costs it the most. */
const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, logger: false });

function compile(schema: JsonSchema, place: string): ValidateFunction {
  // `$schema` may name any draft, and another schema may have the same `$id`.
  const { $schema: _draft, $id: _id, ...rest } = schema;
  try {
    return ajv.compile(rest);
  } catch (cause) {
    throw new CodedError('protocol_violated', {
      message: `The config schema of ${place} is no valid JSON Schema: ${(cause as Error).message}.`,
      cause,
    });
  }
}

function describe(
  error: ErrorObject,
  { schema, place, environmentPrefix }: Parameters<typeof findConfigProblems>[1],
): string {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const at = (key?: string): string => [place, ...path, ...(key === undefined ? [] : [key])].join('.');
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const params = error.params as { additionalProperty?: string; unevaluatedProperty?: string };
      const key = params.additionalProperty ?? params.unevaluatedProperty ?? '';
      return `${at(key)}: ${describeUnknownKey(key, keysAt(schema, path))}`;
    }
    case 'required': {
      const key = (error.params as { missingProperty: string }).missingProperty;
      const [found] = schemasAt(schema, [...path, key]);
      const about = typeof found?.description === 'string' ? ` (${found.description.replace(/\.$/, '')})` : '';
      if (environmentPrefix === undefined || path.length > 0) return `${at(key)}: is missing${about}`;
      const variable = `${environmentPrefix}_${key.toUpperCase()}`;
      return `${at(key)} is missing${about}: set ${variable}, or write the key into a pipeline file`;
    }
    case 'enum':
      return `${at()}: expected one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}`;
    default:
      return `${at()}: ${error.message ?? 'is not valid'}`;
  }
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}
