import { dotted, type Located, type Member, resolveName } from './declarations.ts';

/** What a field's type says, as far as a generator of examples needs to know. */
export type View =
  | { kind: 'string' | 'number' | 'boolean' | 'map' | 'unknown'; nullable: boolean }
  | { kind: 'enum'; values: (string | number | boolean)[]; nullable: boolean }
  | { kind: 'array' | 'list'; element: Located; nullable: boolean }
  | { kind: 'object'; members: Member[]; file: string; scope: string; nullable: boolean; name: string }
  /** Stripe sends the id, or the object itself where the request says `expand`. */
  | { kind: 'reference'; object: string; nullable: boolean };

/** Looks through aliases, unions with null, `Partial<…>` and the like. */
export function view(at: Located, depth = 0): View {
  const { node, file, scope } = at;
  const here = (inner: Located['node']): Located => ({ node: inner, file, scope });
  switch (node.type) {
    case 'TSStringKeyword':
      return { kind: 'string', nullable: false };
    case 'TSNumberKeyword':
      return { kind: 'number', nullable: false };
    case 'TSBooleanKeyword':
      return { kind: 'boolean', nullable: false };
    case 'TSLiteralType':
      return { kind: 'enum', values: [node.literal.value], nullable: false };
    case 'TSArrayType':
      return { kind: 'array', element: here(node.elementType), nullable: false };
    case 'TSTypeLiteral':
      return { kind: 'map', nullable: false };
    case 'TSParenthesizedType':
      return view(here(node.typeAnnotation), depth);
    case 'TSIntersectionType':
      return { kind: 'string', nullable: false };
    case 'TSUnionType':
      return viewUnion(node.types.map(here), depth);
    case 'TSTypeReference': {
      const parts = dotted(node.typeName);
      const argument = node.typeArguments?.params?.[0];
      if (argument && parts[0] === 'Array') return { kind: 'array', element: here(argument), nullable: false };
      if (argument && parts[0] === 'ApiList') return { kind: 'list', element: here(argument), nullable: false };
      if (argument && ['Partial', 'Emptyable', 'Response'].includes(parts[0] ?? '')) return view(here(argument), depth);
      if (parts[0] === 'Decimal') return { kind: 'string', nullable: false };
      if (parts[0] === 'Metadata') return { kind: 'map', nullable: false };
      const found = resolveName(parts, file, scope);
      if (found.kind === 'interface') return { ...found, kind: 'object', nullable: false };
      if (found.kind === 'alias' && depth < 10) return view(found.located, depth + 1);
      return { kind: 'unknown', nullable: false };
    }
    default:
      return { kind: 'unknown', nullable: false };
  }
}

function viewUnion(types: Located[], depth: number): View {
  const nullable = types.some((t) => t.node.type === 'TSNullKeyword');
  const views = types
    .filter((t) => t.node.type !== 'TSNullKeyword' && t.node.type !== 'TSUndefinedKeyword')
    .map((t) => view(t, depth + 1));
  const literals = views.flatMap((v) => (v.kind === 'enum' ? v.values : []));
  if (literals.length > 0) return { kind: 'enum', values: literals, nullable };
  const objects = views.map(objectName).filter((name) => name !== undefined);
  const live = objects.find((name) => !name.startsWith('deleted_'));
  if (views.some((v) => v.kind === 'string') && live !== undefined)
    return { kind: 'reference', object: live, nullable };
  const first = views[0] ?? { kind: 'unknown', nullable };
  return { ...first, nullable: nullable || first.nullable };
}

/** The value of an interface's `object` field, where it has one. */
export function objectName(of: View): string | undefined {
  if (of.kind !== 'object') return undefined;
  const field = of.members.find((m) => m.name === 'object');
  if (!field) return undefined;
  const literal = view({ node: field.type, file: of.file, scope: of.scope });
  const value = literal.kind === 'enum' ? literal.values[0] : undefined;
  return typeof value === 'string'
    ? of.members.some((m) => m.name === 'deleted') &&
      !of.members.some((m) => m.name === 'created') &&
      of.members.length <= 4
      ? `deleted_${value}`
      : value
    : undefined;
}
