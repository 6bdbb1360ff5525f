import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import {
  child,
  children,
  DeclarationFile,
  nameParts,
  type Property,
  propertiesOfType,
  type SyntaxNode,
  type TypeSite,
} from './declarations.ts';

/** One method of the `stripe` package that reads a list. */
export interface ListMethod {
  /** With `{name}` where an id belongs. */
  readonly path: string;
  readonly kind: 'list' | 'search';
  /** Parameters of the query, those of pagination among them. */
  readonly parameters: readonly Property[];
  /** What the list holds. */
  readonly element: TypeSite;
}

function pathOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Literal') return node.value as string;
  if (node.type !== 'TemplateLiteral') return undefined;
  const names = children(node, 'expressions').map((call) => children(call, 'arguments')[0]?.name as string);
  return children(node, 'quasis')
    .map((quasi, i) => (quasi.value as { cooked: string }).cooked + (names[i] === undefined ? '' : `{${names[i]}}`))
    .join('');
}

/** The name, path and kind of each method of a resource that reads a list, from its compiled source. */
function requestsIn(file: string): { name: string; path: string; kind: 'list' | 'search' }[] {
  const { program } = parseSync(file, readFileSync(file, 'utf8'));
  const found: { name: string; path: string; kind: 'list' | 'search' }[] = [];
  for (const statement of (program as unknown as { body: SyntaxNode[] }).body) {
    const declaration = statement.declaration as SyntaxNode | null | undefined;
    if (declaration?.type !== 'ClassDeclaration') continue;
    for (const method of children(child(declaration, 'body'), 'body')) {
      if (method.type !== 'MethodDefinition') continue;
      const last = children(child(child(method, 'value'), 'body'), 'body').at(-1);
      if (last?.type !== 'ReturnStatement') continue;
      const call = last.argument as SyntaxNode | null;
      if (call?.type !== 'CallExpression' || (call.callee as SyntaxNode).type !== 'MemberExpression') continue;
      if (child(child(call, 'callee'), 'property').name !== '_makeRequest') continue;
      const [verb, path, , , options] = children(call, 'arguments');
      if (verb?.value !== 'GET' || path === undefined || options?.type !== 'ObjectExpression') continue;
      const kind = children(options, 'properties').find((p) => child(p, 'key').name === 'methodType');
      const value = kind === undefined ? undefined : child(kind, 'value').value;
      const where = pathOf(path);
      if ((value !== 'list' && value !== 'search') || where === undefined) continue;
      found.push({ name: child(method, 'key').name as string, path: where, kind: value });
    }
  }
  return found;
}

/**
 * Every method of the package that lists something, sorted by path.
 *
 * @param packageRoot folder of the `stripe` package
 * @throws Error when a list method is written in a way that is not understood: none may go missing silently
 */
export function readListMethods(packageRoot: string): ListMethod[] {
  const root = join(packageRoot, 'esm', 'resources');
  const methods: ListMethod[] = [];
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const file = join(root, name);
    const requests = requestsIn(file);
    const written = readFileSync(file, 'utf8').match(/methodType: '(list|search)'/g)?.length ?? 0;
    if (written !== requests.length)
      throw new Error(`${name}: ${written} lists, but only ${requests.length} understood`);
    if (requests.length === 0) continue;
    const declarations = DeclarationFile.load(file.replace(/\.js$/, '.d.ts'));
    for (const request of requests) {
      const method = declarations.methods.find((candidate) => candidate.name === request.name);
      if (method === undefined) throw new Error(`${name}: ${request.name} is not declared`);
      const args = method.returns.node.typeArguments as SyntaxNode | undefined;
      const element = args === undefined ? undefined : children(args, 'params')[0];
      if (element === undefined) {
        throw new Error(
          `${name}: ${request.name} returns ${nameParts(child(method.returns.node, 'typeName')).join('.')}`,
        );
      }
      const parameters = method.parameters.find((parameter) => parameter.name === 'params');
      methods.push({
        path: request.path,
        kind: request.kind,
        parameters: parameters === undefined ? [] : propertiesOfType(parameters.type),
        element: { ...method.returns, node: element },
      });
    }
  }
  return methods.sort((a, b) => (a.path < b.path ? -1 : 1));
}
