import type { Parameter } from './list-methods.ts';

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document; only the few fields below are read
type Document = any;

/** A list endpoint as the OpenAPI description has it. */
export type DescribedList = { path: string; object: string; params: Record<string, Parameter> };

/** The description's list endpoints: what answers `data` and `has_more`, the searches left out. */
export function describedLists(document: Document): DescribedList[] {
  const found: DescribedList[] = [];
  for (const [path, item] of Object.entries<Document>(document.paths)) {
    const get = item.get;
    const schema = get?.responses?.['200']?.content?.['application/json']?.schema;
    if (!schema?.properties?.data || !schema.properties.has_more || path.endsWith('/search')) continue;
    const items = schema.properties.data.items;
    const ref =
      String(items.$ref ?? items.anyOf[0].$ref)
        .split('/')
        .at(-1) ?? '';
    const object: string = document.components.schemas[ref]?.properties?.object?.enum?.[0] ?? ref;
    const params: Record<string, Parameter> = {};
    for (const p of get.parameters ?? []) {
      if (p.in !== 'query') continue;
      params[p.name] = {
        ...(p.required ? { required: true as const } : {}),
        ...(p.schema?.enum ? { values: p.schema.enum } : {}),
      };
    }
    let count = 0;
    found.push({
      path: path.replace(/\{[^}]*\}/g, () => (count++ === 0 ? '{parent}' : `{parent${count}}`)),
      object,
      params,
    });
  }
  return found;
}

/** The top-level field names of one kind of object. */
export function describedFields(document: Document, object: string): string[] {
  for (const schema of Object.values<Document>(document.components.schemas)) {
    const named = schema.properties?.object?.enum;
    if (named?.length === 1 && named[0] === object && !schema.properties.deleted) return Object.keys(schema.properties);
  }
  return [];
}

/** An object made from the description's types, for what the client library no longer has. */
export function describedExample(document: Document, object: string): { [key: string]: never } | undefined {
  for (const schema of Object.values<Document>(document.components.schemas)) {
    if (schema.properties?.object?.enum?.[0] !== object) continue;
    const out: Document = {};
    for (const [name, p] of Object.entries<Document>(schema.properties)) {
      out[name] =
        p.enum?.[0] ??
        (p.nullable
          ? null
          : { integer: 100, boolean: false, string: name === 'id' ? 'obj_123' : name, object: {} }[p.type as string]) ??
        null;
    }
    return out;
  }
  return undefined;
}
