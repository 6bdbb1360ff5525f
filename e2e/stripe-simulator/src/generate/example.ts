import type { Located, Member } from './declarations.ts';
import { objectName, type View, view } from './type-view.ts';

/** A value as JSON has it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What the walk over an example and its type has learned. Paths are dotted (`items.data.0.price`). */
export type Facts = {
  timestamps: string[];
  /** Path to the `object` value of what the id there belongs to. */
  references: Record<string, string>;
  /** Top-level fields that may be null. */
  nullable: string[];
  /** Top-level fields with a closed set of strings. */
  enums: Record<string, string[]>;
};

const maxDepth = 5;
const timestampDoc = /unix epoch|unix timestamp|timestamp/i;

/**
 * Completes an example object from its type: adds required fields that the fixture hasn't, puts ids where the fixture
 * has whole objects that Stripe sends only on `expand`, and notes what each place means. Without a fixture, every
 * required field is made from the type.
 */
export function completeExample(
  fixture: { [key: string]: Json } | undefined,
  type: View,
): { example: Json; facts: Facts } {
  const facts: Facts = { timestamps: [], references: {}, nullable: [], enums: {} };
  const example = walk(fixture, type, '', undefined, facts, 0);
  return { example, facts };
}

function walk(
  value: Json | undefined,
  type: View,
  path: string,
  member: Member | undefined,
  facts: Facts,
  depth: number,
): Json {
  const top = path !== '' && !path.includes('.');
  if (top && type.nullable) facts.nullable.push(path);
  if (top && type.kind === 'enum' && type.values.length > 1 && type.values.every((v) => typeof v === 'string')) {
    facts.enums[path] = type.values as string[];
  }
  if (type.kind === 'reference') {
    facts.references[path] = type.object;
    if (value !== undefined && typeof value !== 'object') return value;
    return type.nullable || member?.optional ? null : 'obj_123';
  }
  if (value === null) return null;
  if (value === undefined) return fromType(type, path, member, facts, depth);
  if (type.kind === 'number' && typeof value === 'number' && timestampDoc.test(member?.doc ?? ''))
    facts.timestamps.push(path);
  if (type.kind === 'object' && isRecord(value)) return walkObject(value, type, path, facts, depth);
  if ((type.kind === 'array' || type.kind === 'list') && (Array.isArray(value) || isRecord(value))) {
    const items = Array.isArray(value) ? value : value.data;
    const element = view(type.element);
    const prefix = type.kind === 'array' ? path : `${path}.data`;
    const walked = Array.isArray(items)
      ? items.map((item, i) => walk(item, element, `${prefix}.${i}`, member, facts, depth + 1))
      : [];
    return Array.isArray(value) ? walked : { ...value, data: walked };
  }
  return value;
}

function walkObject(
  value: { [key: string]: Json },
  type: View & { kind: 'object' },
  path: string,
  facts: Facts,
  depth: number,
): Json {
  const out: { [key: string]: Json } = {};
  const members = new Map(type.members.map((m) => [m.name, m]));
  for (const [key, inner] of Object.entries(value)) {
    const member = members.get(key);
    const at = path ? `${path}.${key}` : key;
    out[key] = member ? walk(inner, view(located(type, member)), at, member, facts, depth + 1) : inner;
  }
  for (const member of type.members) {
    if (member.name in value || member.optional || member.name === 'deleted') continue;
    out[member.name] = walk(
      undefined,
      view(located(type, member)),
      path ? `${path}.${member.name}` : member.name,
      member,
      facts,
      depth + 1,
    );
  }
  return out;
}

function located(type: View & { kind: 'object' }, member: Member): Located {
  return { node: member.type, file: type.file, scope: type.scope };
}

function fromType(type: View, path: string, member: Member | undefined, facts: Facts, depth: number): Json {
  const name = member?.name ?? '';
  if (type.nullable) return null;
  switch (type.kind) {
    case 'boolean':
      return false;
    case 'number':
      if (timestampDoc.test(member?.doc ?? '')) {
        facts.timestamps.push(path);
        return 1234567890;
      }
      return 100;
    case 'string':
      return stringFor(name, path, member, facts);
    case 'enum':
      return type.values[0] ?? null;
    case 'map':
      return {};
    case 'array':
      return [];
    case 'list':
      return { object: 'list', data: [], has_more: false, url: '' };
    case 'object': {
      if (depth >= maxDepth) return {};
      const out: { [key: string]: Json } = {};
      for (const inner of type.members) {
        const of = view(located(type, inner));
        const scalar = ['string', 'number', 'boolean', 'enum', 'map'].includes(of.kind);
        if (inner.name === 'deleted' || (inner.optional && !(scalar && depth <= 1))) continue;
        out[inner.name] = walk(undefined, of, path ? `${path}.${inner.name}` : inner.name, inner, facts, depth + 1);
      }
      return out;
    }
    default:
      return null;
  }
}

function stringFor(name: string, path: string, member: Member | undefined, facts: Facts): string {
  if (name === 'id') return 'obj_123';
  if (name === 'currency' || name.endsWith('_currency')) return 'usd';
  if (/(^|_)country$/.test(name)) return 'US';
  if (/(^|_)email$/.test(name)) return 'jenny.rosen@example.com';
  if (/(^|_)url$/.test(name)) return 'https://example.com';
  if (/^(created|updated|.*_at)$/.test(name) || /\btime at which|rfc 3339|iso 8601/i.test(member?.doc ?? '')) {
    facts.timestamps.push(path);
    return '2009-02-13T23:31:30.000Z';
  }
  return name;
}

/** Whether a value is a JSON object. */
export function isRecord(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export { objectName };
