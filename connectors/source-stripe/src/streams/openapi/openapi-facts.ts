import type { JsonSchema } from '@penstock/protocol';
import { type ElementFacts, type ListFacts, type ListParameter, type ListProperty, plainPath } from '../list-facts.ts';
import { mergeSchemas } from '../merge-schemas.ts';
import {
  type OpenApiDescription,
  type OpenApiParameter,
  type OpenApiPath,
  type OpenApiSchema,
  resolve,
} from './description.ts';
import { openApiPropertySchema } from './openapi-schema.ts';

/** The kinds of objects that a schema stands for, each as a schema without choices; not those that are only a mark. */
function members(description: OpenApiDescription, written: OpenApiSchema): OpenApiSchema[] {
  const schema = resolve(description, written);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.flatMap((choice) => members(description, choice));
  // `deleted` is always true on the mark that stands for a deleted object.
  return schema.properties?.deleted?.enum?.includes(true) ? [] : [schema];
}

/** Stripe's names for the objects, sorted; empty where one doesn't say what it is. */
function kindsOf(description: OpenApiDescription, written: OpenApiSchema): string[] {
  const kinds = members(description, written).map((member) => member.properties?.object?.enum?.[0]);
  return kinds.every((kind) => typeof kind === 'string') ? [...new Set(kinds)].sort() : [];
}

interface ListSchema {
  readonly kind: 'list' | 'search';
  readonly items: OpenApiSchema;
}

/** What a schema lists; undefined where it is no list. Lists of v2 say so by their links to other pages. */
function listOf(description: OpenApiDescription, written: OpenApiSchema): ListSchema | undefined {
  const { properties } = resolve(description, written);
  const data = properties?.data;
  if (data?.items === undefined) return undefined;
  const object = properties?.object?.enum?.[0];
  if (object === 'search_result') return { kind: 'search', items: data.items };
  if (object === 'list' || properties?.next_page_url !== undefined) return { kind: 'list', items: data.items };
  return undefined;
}

function propertiesOf(description: OpenApiDescription, member: OpenApiSchema): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(member.properties ?? {})
      .filter(([name]) => name !== 'deleted')
      .map(([name, property]) => [
        name,
        // Only what is in no list has no id: the invoice that is upcoming.
        openApiPropertySchema(description, property, name === 'id' || (member.required?.includes(name) ?? false)),
      ]),
  );
}

function listProperties(description: OpenApiDescription, member: OpenApiSchema): ListProperty[] {
  return Object.entries(member.properties ?? {}).flatMap(([property, schema]) => {
    const list = listOf(description, schema);
    return list === undefined ? [] : [{ property, kinds: kindsOf(description, list.items) }];
  });
}

function elementFacts(description: OpenApiDescription, items: OpenApiSchema): ElementFacts {
  const kinds = members(description, items);
  return {
    kinds: kindsOf(description, items),
    properties: mergeSchemas(kinds.map((member) => propertiesOf(description, member))),
    lists: kinds.flatMap((member) => listProperties(description, member)),
  };
}

/** Whether a `created` parameter takes a range of whole seconds. */
function isRange(description: OpenApiDescription, schema: OpenApiSchema | undefined): boolean {
  if (schema === undefined) return false;
  const { anyOf, properties } = resolve(description, schema);
  return properties?.gte !== undefined || (anyOf?.some((choice) => isRange(description, choice)) ?? false);
}

function parametersOf(description: OpenApiDescription, path: OpenApiPath): ListParameter[] {
  return [...(path.parameters ?? []), ...(path.get?.parameters ?? [])]
    .map((parameter): OpenApiParameter => resolve(description, parameter))
    .filter(({ in: place, name, schema }) => place === 'query' && (name !== 'created' || isRange(description, schema)))
    .map(({ name = '', required, schema, description: doc }) => {
      const said = /maximum is (\d+)/i.exec(doc ?? '')?.[1];
      return {
        name,
        required: required === true,
        maximum: schema?.maximum ?? (said === undefined ? null : Number(said)),
      };
    });
}

/**
 * What an OpenAPI description says of every list.
 *
 * @throws Error when it refers to what isn't there
 */
export function openApiFacts(description: OpenApiDescription): ListFacts[] {
  return Object.entries(description.paths).flatMap(([written, path]) => {
    const schema = path.get?.responses?.['200']?.content?.['application/json']?.schema;
    const list = schema === undefined ? undefined : listOf(description, schema);
    if (list === undefined) return [];
    return [
      {
        path: plainPath(written),
        kind: list.kind,
        parameters: parametersOf(description, path),
        element: () => elementFacts(description, list.items),
      },
    ];
  });
}
