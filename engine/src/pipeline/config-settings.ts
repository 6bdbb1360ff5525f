import { type JsonSchema, keysAt, type SchemaPart, schemasAt, typesAt, withBranches } from '@penstock/protocol';
import { configForFile } from '../launch/config-for-file.ts';
import { FILE_SUFFIX } from './connector-config.ts';
import type { Setting } from './setting.ts';

type Config = Readonly<Record<string, unknown>>;

/** Objects in objects are shown this deep. */
const DEPTH_MAX = 4;

/** So many of the values that a key can have are named. */
const VALUES_SHOWN_MAX = 12;

/** What stands in the place of a value that nobody can know, by its JSON type. */
const placeholders: Readonly<Record<string, string>> = {
  string: '<text>',
  integer: '<whole number>',
  number: '<number>',
  boolean: '<true or false>',
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is read, for the functions below. */
interface Context {
  readonly schema: JsonSchema;
  readonly prefix: string;
}

/**
 * The settings of a connector's config: what it requires first, then all the others, off and at their defaults where they are
 * not given. A secret is a reference to the environment, whatever its default. Where nothing is required, the first secret is on
 * all the same: without it few connectors get far. Pure.
 *
 * @param schema from a connector in any language: any part of it may be missing or odd
 * @param given as it shall stand in the file
 * @param prefix of the names of variables: `STRIPE` for STRIPE_API_KEY
 */
export function configSettings(schema: JsonSchema, given: Config, prefix: string): Setting[] {
  const settings = settingsBelow({ schema, prefix }, [], given);
  const secrets = settings.filter(
    ({ key }) => isSecret(schema, [key]) || isSecret(schema, [key.replace(/_file$/, '')]),
  );
  if (requiredKeys(schema, schema).size > 0 || secrets.length === 0 || secrets.some(({ isOn }) => isOn))
    return settings;
  const [first] = secrets;
  return [{ ...first!, isOn: true }, ...settings.filter((setting) => setting !== first)];
}

/** @param defaults what the object itself says of the values below it, which goes before what each says */
function settingsBelow(context: Context, path: readonly string[], given: Config, defaults: Config = {}): Setting[] {
  const { schema } = context;
  const keys = keysAt(schema, path);
  const required = requiredKeys(schemasAt(schema, path)[0], schema);
  const known = keys.map((key) => settingAt(context, [...path, key], given, defaults, required.has(key)));
  const others = Object.keys(given)
    .filter((key) => known.every((setting) => setting.key !== key))
    .map((key) => ({ key, meaning: [], isOn: true, value: given[key] }));
  // Under the name of its file a key is needed as well.
  const [needed, rest] = [true, false].map((isNeeded) => known.filter((_, i) => required.has(keys[i]!) === isNeeded));
  return [...needed!, ...rest!, ...others];
}

function settingAt(
  context: Context,
  path: readonly string[],
  given: Config,
  defaults: Config,
  isRequired: boolean,
): Setting {
  const { schema } = context;
  const key = path.at(-1)!;
  const meaning = meaningAt(schema, path);
  const file = key + FILE_SUFFIX;
  if (Object.hasOwn(given, file) && !keysAt(schema, path.slice(0, -1)).includes(file)) {
    return { key: file, meaning, isOn: true, value: given[file] };
  }
  const isGiven = Object.hasOwn(given, key);
  const setting = { key, meaning, isOn: isGiven || isRequired };
  const inner = isGiven ? given[key] : {};
  const keys = keysAt(schema, path);
  if (isObject(inner) && keys.length > 0 && path.length <= DEPTH_MAX && !isSecret(schema, path)) {
    const ofWhole = Object.hasOwn(defaults, key) ? defaults[key] : defaultAt(schema, path)?.default;
    const settings = settingsBelow(context, path, inner, isObject(ofWhole) ? ofWhole : {});
    const below = withSomeOn(settings, (one) => isSecret(schema, [...path, one.key]));
    // A key with nothing below it would be null.
    if (!setting.isOn || below.some(({ isOn }) => isOn)) return { ...setting, value: undefined, below };
    return { ...setting, meaning: [...meaning, `Its keys: ${keys.join(', ')}.`], value: {} };
  }
  if (isGiven) return { ...setting, value: inner };
  const isDefaultKnown = Object.hasOwn(defaults, key) && !isSecret(schema, path);
  return { ...setting, ...(isDefaultKnown ? { value: configForFile(defaults[key]) } : sampleAt(context, path)) };
}

/** The settings; where none is on, those are that have a default. */
function withSomeOn(settings: readonly Setting[], isHidden: (setting: Setting) => boolean): readonly Setting[] {
  if (settings.some(({ isOn }) => isOn)) return settings;
  return settings.map((setting) => {
    const hasValue = setting.below?.some(({ isOn }) => isOn) ?? setting.isPlaceholder !== true;
    return { ...setting, isOn: hasValue && !isHidden(setting) };
  });
}

interface Sample {
  readonly value: unknown;
  readonly isPlaceholder?: true;
}

/** A default, a reference for a secret, or what shows of which kind the value has to be. */
function sampleAt(context: Context, path: readonly string[], depth = 0): Sample {
  const { schema, prefix } = context;
  if (isSecret(schema, path)) return { value: `\${${variableName(prefix, path)}}` };
  const part = defaultAt(schema, path);
  if (part !== undefined) return { value: configForFile(part.default) };
  const values = valuesAt(schema, path);
  if (values.length === 1) return { value: configForFile(values[0]) };
  if (values.length > 1) return { value: `<${shown(values, ' | ')}>`, isPlaceholder: true };
  const types = typesAt(schema, path);
  const type = types.find((one) => one !== 'null') ?? types[0];
  if (type === 'null') return { value: null };
  if (type === 'array') {
    const item = [...path, '0'];
    const isKnown = schemasAt(schema, item).length > 0 && depth < DEPTH_MAX;
    return { value: isKnown ? [sampleAt(context, item, depth + 1).value] : [], isPlaceholder: true };
  }
  if (type === 'object') {
    const required = requiredKeys(schemasAt(schema, path)[0], schema);
    const keys = depth < DEPTH_MAX ? keysAt(schema, path) : [];
    const chosen = required.size === 0 ? keys : keys.filter((key) => required.has(key));
    const entries = chosen.map((key) => [key, sampleAt(context, [...path, key], depth + 1).value]);
    return { value: Object.fromEntries(entries), isPlaceholder: true };
  }
  return { value: placeholders[type ?? ''] ?? '<value>', isPlaceholder: true };
}

/** The schema that says what the value is when nobody says it. */
function defaultAt(schema: JsonSchema, path: readonly string[]): SchemaPart | undefined {
  return schemasAt(schema, path).find((part) => 'default' in part);
}

/** `STRIPE_API_KEY`: a connector that is given by its type takes its keys from variables of such names anyway. */
function variableName(prefix: string, path: readonly string[]): string {
  const parts = path.filter((part) => !/^\d+$/.test(part));
  const name = [prefix, ...parts]
    .join('_')
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_');
  return /^\d/.test(name) ? `_${name}` : name;
}

/** The keys that the schema itself requires; of several forms, those of the first. */
function requiredKeys(part: unknown, root: JsonSchema, seen = new Set<unknown>()): Set<string> {
  if (!isObject(part) || seen.has(part)) return new Set();
  seen.add(part);
  const own = Array.isArray(part.required) ? part.required.filter((key) => typeof key === 'string') : [];
  const [anyOf, oneOf] = [part.anyOf, part.oneOf].map((branches) =>
    Array.isArray(branches) ? branches[0] : undefined,
  );
  const target = typeof part.$ref === 'string' ? [...withBranches({ $ref: part.$ref }, root)][1] : undefined;
  const others = [...(Array.isArray(part.allOf) ? part.allOf : []), anyOf, oneOf, target];
  return new Set([...own, ...others.flatMap((other) => [...requiredKeys(other, root, seen)])]);
}

function isSecret(schema: JsonSchema, path: readonly string[]): boolean {
  return schemasAt(schema, path).some((part) => part.secret === true || part.writeOnly === true);
}

/** The values that are possible, where the schema lists them. */
function valuesAt(schema: JsonSchema, path: readonly string[]): unknown[] {
  const listed = schemasAt(schema, path).flatMap((part) => {
    if (Array.isArray(part.enum)) return part.enum as unknown[];
    return 'const' in part ? [part.const] : [];
  });
  return [...new Set(listed)].filter((value) => value !== null);
}

function shown(values: readonly unknown[], separator: string): string {
  const texts = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const more = texts.length > VALUES_SHOWN_MAX ? ['…'] : [];
  return [...texts.slice(0, VALUES_SHOWN_MAX), ...more].join(separator);
}

function meaningAt(schema: JsonSchema, path: readonly string[]): string[] {
  const parts = schemasAt(schema, path);
  const described = parts.map(({ description }) => description).find((text) => typeof text === 'string') ?? '';
  const values = valuesAt(schema, path);
  const notes: string[] = [];
  if (values.length > 1 && !values.every((value) => described.includes(shown([value], '')))) {
    notes.push(`One of: ${shown(values, ', ')}.`);
  }
  const example = parts
    .map(({ examples }) => (Array.isArray(examples) ? examples[0] : undefined))
    .find((one) => one !== undefined);
  if (example !== undefined && !isSecret(schema, path)) notes.push(`For example: ${shown([example], '')}`);
  const byName = keysAt(schema, path).length > 0 ? [] : keysOfValues(schema, path);
  if (byName.length > 0) notes.push(`By name; each may have: ${byName.join(', ')}.`);
  return [described, ...notes].filter((text) => text.trim() !== '');
}

/** The keys of the values of a map: an object whose keys are for its author to choose. */
function keysOfValues(schema: JsonSchema, path: readonly string[]): string[] {
  const values = schemasAt(schema, path).flatMap(({ additionalProperties }) => [
    ...withBranches(additionalProperties, schema),
  ]);
  return [...new Set(values.flatMap(({ properties }) => (isObject(properties) ? Object.keys(properties) : [])))];
}
