import type { ObjectFormats } from './property-schema.ts';

interface OpenApiSchema {
  readonly properties?: Readonly<
    Record<string, { readonly type?: string; readonly format?: string; readonly enum?: readonly string[] }>
  >;
}

/** Formats of each object's properties, by the object's name (`checkout.session`). */
export type Formats = Readonly<Record<string, ObjectFormats>>;

/**
 * What the generator needs of Stripe's OpenAPI description: of each object, which top-level properties are whole numbers,
 * other numbers, times and decimals.
 */
export function extractFormats(description: { components: { schemas: Record<string, OpenApiSchema> } }): Formats {
  const found: Record<string, Record<string, string[]>> = {};
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    const object = schema.properties?.object?.enum?.[0];
    if (object === undefined || object === 'list' || name.startsWith('deleted_')) continue;
    const formats: Record<string, string[]> = found[object] ?? {};
    found[object] = formats;
    for (const [property, { type, format }] of Object.entries(schema.properties ?? {})) {
      const kind = format === 'unix-time' || format === 'decimal' ? format : type;
      if (kind !== 'integer' && kind !== 'number' && kind !== 'unix-time' && kind !== 'decimal') continue;
      const names = formats[kind] ?? [];
      formats[kind] = names.includes(property) ? names : [...names, property].sort();
    }
  }
  return Object.fromEntries(
    Object.entries(found)
      .filter(([, formats]) => Object.keys(formats).length > 0)
      .sort(),
  );
}
