import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

/**
 * A node of the syntax tree. The tree is walked by kind and most of its fields are never looked at, so this says only
 * what the walkers read.
 */
export type Node = {
  type: string;
  start: number;
  end: number;
  // biome-ignore lint/suspicious/noExplicitAny: the parser's tree is far wider than what is read here
  [field: string]: any;
};

/** A field of an interface: its type, and the text of the comment before it. */
export type Member = { name: string; optional: boolean; type: Node; doc: string };

/** A type together with the place it was written, which is where its names are looked up. */
export type Located = { node: Node; file: string; scope: string };

type InterfaceInfo = { members: Member[]; extends: Node[]; scope: string };
type FileInfo = {
  interfaces: Map<string, InterfaceInfo>;
  aliases: Map<string, { type: Node; scope: string }>;
  imports: Map<string, { file: string; name: string }>;
  /** Methods of the classes: name to the parameter types and the returned type. */
  methods: Map<string, { params: { name: string; optional: boolean; type: Node }[]; returns: Node }>;
};

const files = new Map<string, FileInfo>();

/** Reads one declaration file (`.d.ts`), once. */
export function declarationsOf(file: string): FileInfo {
  const known = files.get(file);
  if (known) return known;
  const source = readFileSync(file, 'utf8');
  const { program, comments } = parseSync(file, source);
  const docByEnd = new Map(comments.map((c) => [c.end, c.value]));
  const docBefore = (start: number): string => {
    let at = start;
    while (at > 0 && /\s/.test(source[at - 1] ?? '')) at--;
    return (docByEnd.get(at) ?? '').replace(/\s*\n\s*\*\s?/g, ' ').trim();
  };
  const info: FileInfo = { interfaces: new Map(), aliases: new Map(), imports: new Map(), methods: new Map() };
  files.set(file, info);

  const visit = (statement: Node, scope: string): void => {
    const node: Node =
      statement.type === 'ExportNamedDeclaration' && statement.declaration ? statement.declaration : statement;
    const qualified = (name: string) => (scope ? `${scope}.${name}` : name);
    if (node.type === 'ImportDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source)) {
      const target = join(dirname(file), node.source.value.replace(/\.js$/, '.d.ts'));
      for (const specifier of node.specifiers ?? []) {
        const local = specifier.local?.name ?? specifier.exported?.name;
        const name =
          specifier.type === 'ImportNamespaceSpecifier' ? '*' : (specifier.imported?.name ?? specifier.local?.name);
        const visible = specifier.type === 'ExportSpecifier' ? specifier.exported.name : local;
        info.imports.set(visible, { file: target, name });
      }
    } else if (node.type === 'TSInterfaceDeclaration') {
      const previous = info.interfaces.get(qualified(node.id.name));
      const members: Member[] = [...(previous?.members ?? [])];
      for (const m of node.body.body as Node[]) {
        if (m.type !== 'TSPropertySignature') continue;
        const name = m.key.name ?? m.key.value;
        members.push({
          name,
          optional: m.optional === true,
          type: m.typeAnnotation.typeAnnotation,
          doc: docBefore(m.start),
        });
      }
      info.interfaces.set(qualified(node.id.name), {
        members,
        extends: node.extends ?? [],
        scope: qualified(node.id.name),
      });
    } else if (node.type === 'TSTypeAliasDeclaration') {
      info.aliases.set(qualified(node.id.name), { type: node.typeAnnotation, scope });
    } else if (node.type === 'TSModuleDeclaration' && node.body) {
      const names = node.id.type === 'Identifier' ? [node.id.name] : dotted(node.id);
      const inner = names.reduce((outer: string, name: string) => (outer ? `${outer}.${name}` : name), scope);
      for (const child of node.body.body ?? []) visit(child, inner);
    } else if (node.type === 'ClassDeclaration') {
      for (const m of node.body.body as Node[]) {
        if (m.type !== 'MethodDefinition' && m.type !== 'TSAbstractMethodDefinition') continue;
        const params = (m.value.params as Node[]).map((p) => ({
          name: p.name,
          optional: p.optional === true,
          type: p.typeAnnotation?.typeAnnotation,
        }));
        if (m.value.returnType) info.methods.set(m.key.name, { params, returns: m.value.returnType.typeAnnotation });
      }
    }
  };
  for (const statement of program.body) visit(statement as Node, '');
  return info;
}

/** The parts of `A.B.C` as it stands in a type. */
export function dotted(name: Node): string[] {
  if (name.type === 'Identifier') return [name.name];
  if (name.type === 'TSQualifiedName') return [...dotted(name.left), ...dotted(name.right)];
  return [name.name ?? ''];
}

/** An interface or a type alias, looked up as TypeScript would: innermost namespace first, then the file, then imports. */
export type Resolved =
  | { kind: 'interface'; members: Member[]; file: string; scope: string; name: string }
  | { kind: 'alias'; located: Located }
  | { kind: 'unknown' };

/** Finds what a type name stands for. */
export function resolveName(parts: string[], file: string, scope: string, depth = 0): Resolved {
  const info = declarationsOf(file);
  const name = parts.join('.');
  for (let at = scope; ; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
    const qualified = at ? `${at}.${name}` : name;
    const found = info.interfaces.get(qualified);
    if (found) {
      const inherited = found.extends.flatMap((e): Member[] => {
        const base = e.expression ? resolveName(dotted(e.expression), file, found.scope, depth + 1) : undefined;
        return base?.kind === 'interface' ? base.members : [];
      });
      const own = new Set(found.members.map((m) => m.name));
      const members = [...found.members, ...inherited.filter((m) => !own.has(m.name))];
      return { kind: 'interface', members, file, scope: found.scope, name: qualified };
    }
    const alias = info.aliases.get(qualified);
    if (alias) return { kind: 'alias', located: { node: alias.type, file, scope: alias.scope } };
    if (!at) break;
  }
  const [first = '', ...rest] = parts;
  const imported = info.imports.get(first);
  if (imported && depth < 12) {
    if (imported.name === '*') return resolveName(rest, imported.file, '', depth + 1);
    const whole = resolveName([imported.name, ...rest], imported.file, '', depth + 1);
    // `Billing.Meter`: the namespace of an index file only re-exports what the file itself imports.
    if (whole.kind === 'unknown' && rest.length > 0) return resolveName(rest, imported.file, '', depth + 1);
    return whole;
  }
  return { kind: 'unknown' };
}
