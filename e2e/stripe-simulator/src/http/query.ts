import type { Endpoint } from '../endpoint-table.ts';
import {
  integerInvalid,
  parameterMissing,
  parametersExclusive,
  parameterUnknown,
  valueInvalid,
} from './stripe-error.ts';

/** A parameter as it came: plain, as a list (`a[]=`, `a[0]=`), or with named parts (`a[gte]=`). */
export type Value = { text?: string; items?: string[]; parts?: Record<string, string> };

/** A range of whole seconds (or other numbers): from, included, to, excluded. */
export type Range = { gte: number; lt: number };

/** What a list request asks for. */
export type ListQuery = {
  limit: number;
  startingAfter: string | undefined;
  endingBefore: string | undefined;
  created: Range | undefined;
  /** v2 page token. */
  page: string | undefined;
  /** Everything else, as it came. */
  values: ReadonlyMap<string, Value>;
};

const own = new Set(['limit', 'starting_after', 'ending_before', 'created', 'page', 'expand']);
const limitMax = 100;
/** Stripe API reference, Pagination: 10; v2 lists have 20. */
const defaultLimit = { 1: 10, 2: 20 } as const;

/** Puts a query string together into parameters. */
export function readParameters(search: URLSearchParams): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [key, text] of search) {
    const bracket = key.indexOf('[');
    const name = bracket < 0 ? key : key.slice(0, bracket);
    const part = bracket < 0 ? undefined : key.slice(bracket + 1, key.indexOf(']', bracket));
    const value = values.get(name) ?? {};
    if (part === undefined) value.text = text;
    else if (/^\d*$/.test(part)) value.items = [...(value.items ?? []), text];
    else value.parts = { ...value.parts, [part]: text };
    values.set(name, value);
  }
  return values;
}

/**
 * Checks a list request's parameters as Stripe does.
 *
 * @throws StripeError 400 for unknown, missing or invalid ones
 */
export function readListQuery(endpoint: Endpoint, values: Map<string, Value>, path: string): ListQuery {
  for (const [name, value] of values) {
    const known = endpoint.params[name];
    if (!known && !(endpoint.version === 2 && (name === 'page' || name === 'limit'))) throw parameterUnknown(name);
    for (const text of known?.values && value.text !== undefined ? [value.text] : []) {
      if (known?.values && !known.values.includes(text)) throw valueInvalid(name, known.values);
    }
  }
  for (const [name, { required }] of Object.entries(endpoint.params))
    if (required && !values.has(name)) throw parameterMissing(name);
  const startingAfter = values.get('starting_after')?.text;
  const endingBefore = values.get('ending_before')?.text;
  if (startingAfter !== undefined && endingBefore !== undefined) {
    throw parametersExclusive('Received both starting_after and ending_before parameters. Please pass in only one.');
  }
  if (path === '/v1/events' && values.has('type') && values.has('types'))
    throw parametersExclusive('You may pass either type or types, but not both.');
  const created = values.get('created');
  return {
    limit:
      'limit' in endpoint.params || endpoint.version === 2
        ? readLimit(values.get('limit')?.text, endpoint.version)
        : Number.POSITIVE_INFINITY,
    startingAfter,
    endingBefore,
    created: created && readRange('created', created),
    page: values.get('page')?.text,
    values: new Map([...values].filter(([name]) => !own.has(name))),
  };
}

function readLimit(text: string | undefined, version: 1 | 2): number {
  if (text === undefined) return defaultLimit[version];
  const limit = readInteger('limit', text);
  if (limit < 1) throw integerInvalid('limit', 'This value must be greater than or equal to 1.');
  if (limit > limitMax) throw integerInvalid('limit', `This value must be less than or equal to ${limitMax}.`);
  return limit;
}

/**
 * Reads `name=N` or `name[gte|gt|lte|lt]=N`. Times may also be written as v2 does (RFC 3339).
 *
 * @throws StripeError 400 for another part or something that isn't a number
 */
export function readRange(name: string, value: Value): Range {
  const range: Range = { gte: Number.NEGATIVE_INFINITY, lt: Number.POSITIVE_INFINITY };
  if (value.text !== undefined) {
    const at = readTime(name, value.text);
    return { gte: at, lt: at + 1 };
  }
  for (const [part, text] of Object.entries(value.parts ?? {})) {
    const at = readTime(`${name}[${part}]`, text);
    if (part === 'gte') range.gte = Math.max(range.gte, at);
    else if (part === 'gt') range.gte = Math.max(range.gte, at + 1);
    else if (part === 'lt') range.lt = Math.min(range.lt, at);
    else if (part === 'lte') range.lt = Math.min(range.lt, at + 1);
    else throw parameterUnknown(`${name}[${part}]`);
  }
  return range;
}

function readTime(name: string, text: string): number {
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))) return Math.floor(Date.parse(text) / 1000);
  return readInteger(name, text);
}

function readInteger(name: string, text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw integerInvalid(name, `Invalid integer: ${text}`);
  return Number(text);
}
