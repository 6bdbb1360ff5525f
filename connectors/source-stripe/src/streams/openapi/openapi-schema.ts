import type { JsonSchema } from '@penstock/protocol';
import { MILLISECONDS_DOC, SECONDS_DOC } from '../seconds-doc.ts';
import { type OpenApiDescription, type OpenApiSchema, resolve } from './description.ts';

/** The formats that say more than their type. */
const FORMATS = new Set(['unix-time', 'decimal', 'date-time', 'int64']);

interface Shape {
  /** JSON Schema's names of types, without `null`; empty where anything may be there. */
  readonly types: ReadonlySet<string>;
  readonly nullable: boolean;
  readonly format: string | undefined;
}

function formatOf(schema: OpenApiSchema, doc: string, types: ReadonlySet<string>): string | undefined {
  // A whole number of 64 bits is a whole number; only as text does it need to be told from other texts.
  if (types.has('integer')) {
    if (MILLISECONDS_DOC.test(doc)) return undefined;
    return schema.format === 'unix-time' || SECONDS_DOC.test(doc) ? 'unix-time' : undefined;
  }
  return types.has('string') && schema.format !== undefined && FORMATS.has(schema.format) ? schema.format : undefined;
}

function typesOf(schema: OpenApiSchema): readonly string[] {
  if (schema.type !== undefined) return [schema.type].flat();
  if (schema.properties !== undefined) return ['object'];
  return schema.enum === undefined ? [] : [...new Set(schema.enum.map((value) => typeof value))];
}

/** @param doc what is written of the property that has this schema */
function shapeOf(description: OpenApiDescription, written: OpenApiSchema, doc: string): Shape {
  const schema = resolve(description, written);
  // All of `allOf` hold, so one is enough.
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf?.slice(0, 1);
  if (choices !== undefined) {
    const shapes = choices.map((choice) => shapeOf(description, choice, doc));
    const isAny = shapes.some(({ types }) => types.size === 0);
    return {
      types: new Set(isAny ? [] : shapes.flatMap(({ types }) => [...types])),
      nullable: written.nullable === true || schema.nullable === true || shapes.some(({ nullable }) => nullable),
      format: shapes.find(({ format }) => format !== undefined)?.format,
    };
  }
  const named = typesOf(schema);
  const types = new Set(named.filter((type) => type !== 'null'));
  return {
    types,
    nullable: written.nullable === true || schema.nullable === true || named.includes('null'),
    format: formatOf(schema, doc, types),
  };
}

/**
 * A property as JSON Schema: its type, its format where it has one, whether it may be null or absent, and `x-expandable`
 * where it is the id of an object that Stripe can put in its place.
 *
 * @throws Error when it refers to what isn't there
 */
export function openApiPropertySchema(
  description: OpenApiDescription,
  property: OpenApiSchema,
  isRequired: boolean,
): JsonSchema {
  const shape = shapeOf(description, property, property.description ?? '');
  const withNull = (type: string): string | string[] => (shape.nullable || !isRequired ? [type, 'null'] : type);
  const types = new Set(shape.types);
  if (types.has('number')) types.delete('integer');
  if (types.size === 2 && types.has('string') && types.has('object'))
    return { type: withNull('string'), 'x-expandable': true };
  const [type] = types;
  if (type === undefined || types.size > 1) return {};
  return { type: withNull(type), ...(shape.format === undefined ? {} : { format: shape.format }) };
}
