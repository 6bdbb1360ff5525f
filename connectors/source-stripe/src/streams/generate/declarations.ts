import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

/** A node of a syntax tree (ESTree with TypeScript), of which only the fields named here are used. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** A type as written, with the file and the namespaces around it, in which its names have to be looked up. */
export interface TypeSite {
  readonly node: SyntaxNode;
  readonly file: DeclarationFile;
  /** Innermost last, e.g. `['Customer', 'Tax']`. */
  readonly scope: readonly string[];
}

/** One property of an interface. */
export interface Property {
  readonly name: string;
  readonly optional: boolean;
  /** Its comment on one line, '' without one. */
  readonly doc: string;
  readonly type: TypeSite;
}

/** A method of a resource class. */
export interface Method {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly optional: boolean; readonly type: TypeSite }[];
  readonly returns: TypeSite;
}

interface Declared {
  readonly site: TypeSite;
  readonly kind: 'interface' | 'alias';
}

/** A child node, of which the caller knows by the grammar that it is there. */
export function child(node: SyntaxNode, field: string): SyntaxNode {
  return node[field] as SyntaxNode;
}

/** A list of child nodes, empty where the field is absent. */
export function children(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  return (node[field] as readonly SyntaxNode[] | null | undefined) ?? [];
}

/** `A.B.C` of a type reference, or of what an interface extends, as its parts. */
export function nameParts(node: SyntaxNode): string[] {
  if (node.type === 'TSQualifiedName') return [...nameParts(child(node, 'left')), ...nameParts(child(node, 'right'))];
  if (node.type === 'MemberExpression')
    return [...nameParts(child(node, 'object')), ...nameParts(child(node, 'property'))];
  return [node.name as string];
}

const loaded = new Map<string, DeclarationFile>();

/** One `.d.ts` file of the `stripe` package: its interfaces, aliases, imports and resource methods. */
export class DeclarationFile {
  readonly #path: string;
  readonly #text: string;
  readonly #docAt = new Map<number, string>();
  /** By qualified name. An interface may be declared in parts; that never happens to those that are read here. */
  readonly #declared = new Map<string, Declared>();
  /** By qualified name, the name on the file's own level. */
  readonly #exported = new Map<string, string>();
  readonly #imports = new Map<string, { readonly path: string; readonly name: string | undefined }>();
  readonly methods: Method[] = [];

  static load(path: string): DeclarationFile {
    let file = loaded.get(path);
    if (file === undefined) {
      file = new DeclarationFile(path);
      loaded.set(path, file);
    }
    return file;
  }

  constructor(path: string) {
    this.#path = path;
    this.#text = readFileSync(path, 'utf8');
    const { program, comments } = parseSync(path, this.#text);
    for (const comment of comments) {
      const next = comment.end + (/^\s*/.exec(this.#text.slice(comment.end, comment.end + 400))?.[0].length ?? 0);
      this.#docAt.set(
        next,
        comment.value
          .replace(/^\*/, '')
          .replace(/\s*\n\s*\*?\s*/g, ' ')
          .trim(),
      );
    }
    this.#visit((program as unknown as { body: SyntaxNode[] }).body, []);
  }

  #visit(statements: readonly SyntaxNode[], scope: readonly string[]): void {
    for (const statement of statements) {
      if (statement.type === 'ImportDeclaration') {
        this.#import(statement);
        continue;
      }
      const node = statement.type === 'ExportNamedDeclaration' ? (statement.declaration as SyntaxNode) : statement;
      if (!node) {
        this.#export(statement, scope);
        continue;
      }
      const at = { node, file: this, scope };
      if (node.type === 'TSModuleDeclaration') {
        const name = nameParts(child(node, 'id'));
        this.#visit(children(child(node, 'body'), 'body'), [...scope, ...name]);
      } else if (node.type === 'TSInterfaceDeclaration') {
        this.#declared.set([...scope, child(node, 'id').name].join('.'), { site: at, kind: 'interface' });
      } else if (node.type === 'TSTypeAliasDeclaration') {
        const site = { node: child(node, 'typeAnnotation'), file: this, scope };
        this.#declared.set([...scope, child(node, 'id').name].join('.'), { site, kind: 'alias' });
      } else if (node.type === 'ClassDeclaration') {
        for (const member of children(child(node, 'body'), 'body')) this.#method(member);
      }
    }
  }

  /** `export { A }` in a namespace: the file's A under the namespace's name. On the file's own level it adds no name. */
  #export(node: SyntaxNode, scope: readonly string[]): void {
    if (scope.length === 0) return;
    for (const specifier of children(node, 'specifiers')) {
      const name = child(specifier, 'exported').name as string;
      this.#exported.set([...scope, name].join('.'), child(specifier, 'local').name as string);
    }
  }

  #import(node: SyntaxNode): void {
    const from = (child(node, 'source').value as string).replace(/\.js$/, '.d.ts');
    for (const specifier of children(node, 'specifiers')) {
      const name = specifier.type === 'ImportSpecifier' ? (child(specifier, 'imported').name as string) : undefined;
      this.#imports.set(child(specifier, 'local').name as string, { path: join(dirname(this.#path), from), name });
    }
  }

  #method(node: SyntaxNode): void {
    if (node.type !== 'MethodDefinition') return;
    const type = (holder: SyntaxNode): TypeSite => ({
      node: child(child(holder, 'typeAnnotation'), 'typeAnnotation'),
      file: this,
      scope: [],
    });
    const value = child(node, 'value');
    if (!value.returnType) return;
    this.methods.push({
      name: child(node, 'key').name as string,
      parameters: children(value, 'params').map((parameter) => ({
        name: parameter.name as string,
        optional: parameter.optional === true,
        type: type(parameter),
      })),
      returns: { node: child(child(value, 'returnType'), 'typeAnnotation'), file: this, scope: [] },
    });
  }

  /**
   * What a name stands for, looked up from the innermost namespace outwards and then in the imports.
   *
   * @returns 'namespaced' for a name inside another file's namespace (those are whole resources), undefined when it is
   * nowhere in the package
   */
  resolve(parts: readonly string[], scope: readonly string[]): Declared | 'namespaced' | undefined {
    for (let depth = scope.length; depth >= 0; depth--) {
      const found = this.#declared.get([...scope.slice(0, depth), ...parts].join('.'));
      if (found !== undefined) return found;
    }
    const exported = this.#exported.get(parts.join('.'));
    if (exported !== undefined) return this.resolve([exported], []);
    const imported = this.#imports.get(parts[0] ?? '');
    if (imported === undefined) return undefined;
    if (imported.name === undefined) return 'namespaced';
    return DeclarationFile.load(imported.path).resolve([imported.name, ...parts.slice(1)], []);
  }

  /** The properties of an interface, those of the interfaces that it extends first. */
  propertiesOf(site: TypeSite): Property[] {
    const properties = new Map<string, Property>();
    for (const parent of children(site.node, 'extends')) {
      const declared = this.resolve(nameParts(child(parent, 'expression')), site.scope);
      if (declared === undefined || declared === 'namespaced') throw new Error(`${this.#path}: a parent is not found`);
      for (const property of declared.site.file.propertiesOf(declared.site)) properties.set(property.name, property);
    }
    const name = child(site.node, 'id').name as string;
    for (const member of children(child(site.node, 'body'), 'body')) {
      // Index signatures have no name of their own.
      if (member.type !== 'TSPropertySignature') continue;
      const key = child(member, 'key');
      const property = (key.name ?? key.value) as string;
      properties.set(property, {
        name: property,
        optional: member.optional === true,
        doc: this.#docAt.get(member.start) ?? '',
        type: {
          node: child(child(member, 'typeAnnotation'), 'typeAnnotation'),
          file: this,
          scope: [...site.scope, name],
        },
      });
    }
    return [...properties.values()];
  }
}

/** The interfaces that a type stands for: its members where it is a union, itself where it is an interface. */
export function memberTypes(site: TypeSite): TypeSite[] {
  if (site.node.type === 'TSInterfaceDeclaration') return [site];
  if (site.node.type === 'TSUnionType') {
    return children(site.node, 'types').flatMap((node) => memberTypes({ ...site, node }));
  }
  if (site.node.type === 'TSTypeReference') {
    const parts = nameParts(child(site.node, 'typeName'));
    const declared = site.file.resolve(parts, site.scope);
    if (declared !== undefined && declared !== 'namespaced') return memberTypes(declared.site);
    throw new Error(`the type ${parts.join('.')} is not found`);
  }
  throw new Error(`no objects are described by a ${site.node.type}`);
}

/** All properties that an object of this type may have; of a union, those of all its members. */
export function propertiesOfType(site: TypeSite): Property[] {
  const all = memberTypes(site).map((member) => member.file.propertiesOf(member));
  const merged = new Map<string, Property>();
  for (const property of all.flat()) if (!merged.has(property.name)) merged.set(property.name, property);
  return [...merged.values()].map((property) => ({
    ...property,
    optional: property.optional || !all.every((members) => members.some((member) => member.name === property.name)),
  }));
}
