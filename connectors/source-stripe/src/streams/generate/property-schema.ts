import type { JsonSchema } from '@penstock/protocol';
import { MILLISECONDS_DOC, SECONDS_DOC } from '../seconds-doc.ts';
import { child, children, nameParts, type Property, type SyntaxNode, type TypeSite } from './declarations.ts';

/** What Stripe's OpenAPI description says of an object's numbers and texts, and TypeScript can't. */
export interface ObjectFormats {
  readonly integer?: readonly string[];
  readonly number?: readonly string[];
  readonly 'unix-time'?: readonly string[];
  readonly decimal?: readonly string[];
}

type Kind = 'string' | 'number' | 'boolean' | 'object' | 'array';

interface Shape {
  readonly kinds: ReadonlySet<Kind>;
  readonly nullable: boolean;
  readonly format?: 'decimal' | 'int64';
}

const nothing: Shape = { kinds: new Set(), nullable: false };
const one = (kind: Kind): Shape => ({ kinds: new Set([kind]), nullable: false });

function union(shapes: readonly Shape[]): Shape {
  const format = shapes.find((shape) => shape.format !== undefined)?.format;
  return {
    kinds: new Set(shapes.flatMap((shape) => [...shape.kinds])),
    nullable: shapes.some((shape) => shape.nullable),
    ...(format === undefined ? {} : { format }),
  };
}

function shapeOfReference(site: TypeSite): Shape {
  const parts = nameParts(child(site.node, 'typeName'));
  const name = parts.join('.');
  if (name === 'Array') return one('array');
  // `Decimal` is a class of the package; on the wire it is text.
  if (name === 'Decimal') return { ...one('string'), format: 'decimal' };
  if (name === 'Partial' || name === 'Record') return one('object');
  const declared = site.file.resolve(parts, site.scope);
  if (declared === undefined) throw new Error(`the type ${name} is not found`);
  if (declared === 'namespaced' || declared.kind === 'interface') return one('object');
  return shapeOf(declared.site);
}

/** What JSON values a type stands for. */
function shapeOf(site: TypeSite): Shape {
  const { node } = site;
  const at = (inner: SyntaxNode): TypeSite => ({ ...site, node: inner });
  switch (node.type) {
    case 'TSStringKeyword':
      return one('string');
    case 'TSNumberKeyword':
      return one('number');
    case 'TSBooleanKeyword':
      return one('boolean');
    case 'TSBigIntKeyword':
      return { ...one('string'), format: 'int64' };
    case 'TSNullKeyword':
      return { kinds: new Set(), nullable: true };
    case 'TSVoidKeyword':
    case 'TSUndefinedKeyword':
      return nothing;
    case 'TSLiteralType':
      return one(typeof child(node, 'literal').value as Kind);
    case 'TSArrayType':
    case 'TSTupleType':
      return one('array');
    case 'TSTypeLiteral':
      return one('object');
    case 'TSAnyKeyword':
    case 'TSUnknownKeyword':
      return { kinds: new Set(['string', 'number', 'boolean', 'object', 'array']), nullable: true };
    case 'TSUnionType':
      return union(children(node, 'types').map((inner) => shapeOf(at(inner))));
    case 'TSIntersectionType': {
      // An open enum is written as `string & Record<never, never>`: still text.
      const inner = children(node, 'types').map((part) => shapeOf(at(part)));
      return inner.find((shape) => shape.kinds.has('string')) ?? inner[0] ?? nothing;
    }
    case 'TSTypeReference':
      return shapeOfReference(site);
    default:
      throw new Error(`a ${node.type} is not understood`);
  }
}

const EPOCH_DOC = /unix (epoch|timestamp)|seconds since|epoch timestamp|in unix time/i;
const TIMESTAMP_NAME = /(^|_)(created|updated|at|date|expires)$/;
const FRACTION = /percent|fraction|multiplier|decimal|exchange.?rate|latitude|longitude|metric tons|score|hours/i;

/**
 * A number's schema. The description says which kind it is; for properties that are younger than it, their own text does:
 * Stripe counts in the smallest unit, so a number is whole unless it speaks of a share.
 */
function numberSchema(property: Property, formats: ObjectFormats): JsonSchema {
  // Some times are no more than whole numbers in the description.
  if (formats['unix-time']?.includes(property.name) || SECONDS_DOC.test(property.doc))
    return { type: 'integer', format: 'unix-time' };
  if (formats.integer?.includes(property.name)) return { type: 'integer' };
  if (formats.number?.includes(property.name)) return { type: 'number' };
  if (MILLISECONDS_DOC.test(property.doc)) return { type: 'integer' };
  if (EPOCH_DOC.test(property.doc) || TIMESTAMP_NAME.test(property.name))
    return { type: 'integer', format: 'unix-time' };
  return { type: FRACTION.test(property.doc) || FRACTION.test(property.name) ? 'number' : 'integer' };
}

/**
 * A property as JSON Schema: its type, its format where it has one, whether it may be null, and `x-expandable` where it
 * is the id of an object that Stripe can put in its place.
 *
 * @param version of the API; the second one writes times as text
 * @returns undefined for a property that never comes (a client's mark that something isn't deleted)
 */
export function propertySchema(property: Property, formats: ObjectFormats, version: 1 | 2): JsonSchema | undefined {
  const shape = shapeOf(property.type);
  if (shape.kinds.size === 0) return undefined;
  const nullable = shape.nullable || property.optional;
  const withNull = (type: string): string | string[] => (nullable ? [type, 'null'] : type);
  if (shape.kinds.has('string') && shape.kinds.has('object') && shape.kinds.size === 2) {
    return { type: withNull('string'), 'x-expandable': true };
  }
  if (shape.kinds.size > 1) return {};
  const [kind] = shape.kinds;
  if (kind === 'number') {
    const { type, ...format } = numberSchema(property, formats);
    return { type: withNull(type as string), ...format };
  }
  if (kind === 'string') {
    const isTime =
      version === 2 && (TIMESTAMP_NAME.test(property.name) || /timestamp|time at which/i.test(property.doc));
    const isDecimal = shape.format === 'decimal' || formats.decimal?.includes(property.name);
    const format = isDecimal ? 'decimal' : isTime ? 'date-time' : shape.format;
    return { type: withNull('string'), ...(format === undefined ? {} : { format }) };
  }
  return { type: withNull(kind as string) };
}
