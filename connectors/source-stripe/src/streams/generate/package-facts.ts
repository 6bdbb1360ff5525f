import type { JsonSchema } from '@penstock/protocol';
import type { ElementFacts, ListFacts, ListProperty } from '../list-facts.ts';
import { plainPath, versionOf } from '../list-facts.ts';
import { mergeSchemas } from '../merge-schemas.ts';
import {
  child,
  children,
  memberTypes,
  nameParts,
  type Property,
  propertiesOfType,
  type TypeSite,
} from './declarations.ts';
import { type ListMethod, readListMethods } from './list-methods.ts';
import type { Formats } from './openapi-formats.ts';
import { propertySchema } from './property-schema.ts';

/** What an object's property `object` says it is. */
function kindOf(properties: readonly Property[]): string | undefined {
  const node = properties.find((property) => property.name === 'object')?.type.node;
  return node?.type === 'TSLiteralType' ? (child(node, 'literal').value as string) : undefined;
}

/** Stripe's names for the objects that a type stands for, sorted; empty where one of them doesn't say what it is. */
export function kindsOf(site: TypeSite): string[] {
  const kinds = memberTypes(site).map((member) => kindOf(propertiesOfType(member)));
  return kinds.includes(undefined) ? [] : [...new Set(kinds as string[])].sort();
}

/** What the list holds of which a property of this type is the first page; undefined for other types. */
function listedIn(site: TypeSite): TypeSite | undefined {
  const { node } = site;
  if (node.type === 'TSUnionType') {
    return children(node, 'types')
      .map((inner) => listedIn({ ...site, node: inner }))
      .find((found) => found !== undefined);
  }
  if (node.type !== 'TSTypeReference' || nameParts(child(node, 'typeName')).join('.') !== 'ApiList') return undefined;
  const [inner] = children(child(node, 'typeArguments'), 'params');
  return inner === undefined ? undefined : { ...site, node: inner };
}

function listProperties(properties: readonly Property[]): ListProperty[] {
  return properties.flatMap((property) => {
    const listed = listedIn(property.type);
    return listed === undefined ? [] : [{ property: property.name, kinds: kindsOf(listed) }];
  });
}

function elementFacts(method: ListMethod, formats: Formats): ElementFacts {
  const version = versionOf(method.path);
  const members = memberTypes(method.element).map((member) => propertiesOfType(member));
  const schemas = members.map((properties): Record<string, JsonSchema> => {
    const ofKind = formats[kindOf(properties) ?? ''] ?? {};
    return Object.fromEntries(
      properties.flatMap((property) => {
        const schema = propertySchema(property, ofKind, version);
        return schema === undefined || property.name === 'deleted' ? [] : [[property.name, schema]];
      }),
    );
  });
  return {
    kinds: kindsOf(method.element),
    properties: mergeSchemas(schemas),
    lists: listProperties(propertiesOfType(method.element)),
  };
}

/**
 * What the `stripe` package says of every list.
 *
 * @param packageRoot folder of the package
 * @throws Error when the package holds something that is not understood
 */
export function packageFacts(packageRoot: string, formats: Formats): ListFacts[] {
  return readListMethods(packageRoot).map((method) => ({
    path: plainPath(method.path),
    kind: method.kind,
    parameters: method.parameters.map(({ name, optional, doc }) => {
      const maximum = name === 'limit' ? /maximum is (\d+)/i.exec(doc)?.[1] : undefined;
      return { name, required: !optional, maximum: maximum === undefined ? null : Number(maximum) };
    }),
    element: () => elementFacts(method, formats),
  }));
}
