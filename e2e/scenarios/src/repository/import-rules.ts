/** Who may import whom: meeting only as processes is what keeps connectors and engine replaceable. */
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { isTest, lineAt, type SourceFile, type SyntaxNode, walk } from './source-file.ts';

/** A package of the workspace. */
export interface Package {
  /** From the root of the repository; `''` is the root itself. */
  readonly folder: string;
  readonly name: string;
  /** Packages that a user of it installs with it. */
  readonly dependencies: readonly string[];
  /** Packages for its development only. */
  readonly devDependencies: readonly string[];
  /** Never published, so that it makes no difference which of the two a package is. */
  readonly private: boolean;
}

const PROTOCOL = '@penstock/protocol';
const SDK = '@penstock/connector-sdk';
const POSTGRES_CONNECTION = '@penstock/postgres-connection';
const LOCAL_POSTGRES = '@penstock/local-postgres';

/** The first row whose pattern matches the file says what it may import of the workspace: packages, or one entry of one. */
const rules: readonly {
  readonly files: RegExp;
  readonly may: readonly string[];
  readonly testsMay?: readonly string[];
}[] = [
  { files: /^protocol-schema\//, may: [] },
  { files: /^postgres-connection\//, may: [PROTOCOL] },
  { files: /^connectors\/sdk\//, may: [PROTOCOL] },
  {
    files: /^connectors\/destination-postgres\//,
    may: [PROTOCOL, SDK, POSTGRES_CONNECTION],
    testsMay: [`${LOCAL_POSTGRES}/testing`, `${POSTGRES_CONNECTION}/testing`],
  },
  { files: /^connectors\/(source|destination)-/, may: [PROTOCOL, SDK], testsMay: [`${LOCAL_POSTGRES}/testing`] },
  { files: /^engine\/local-postgres\//, may: [] },
  {
    files: /^engine\//,
    may: [PROTOCOL, LOCAL_POSTGRES, POSTGRES_CONNECTION],
    testsMay: [`${POSTGRES_CONNECTION}/testing`],
  },
  { files: /^e2e\//, may: [PROTOCOL, LOCAL_POSTGRES] },
  { files: /^docker\//, may: [LOCAL_POSTGRES] },
  { files: /^docs\//, may: [PROTOCOL, SDK] },
  { files: /^[^/]+$/, may: [] },
];

/** Files that are run by hand to make other files; what they import need not be there for users. */
const isGenerator = (file: string): boolean => /(^|\/)generate(\/|[^/]*\.ts$)/.test(file);

/** Dynamic imports whose name is computed, and why that is right. */
export const computedImports: Readonly<Record<string, string>> = {};

function packageOf(file: string, packages: readonly Package[]): Package | undefined {
  const holds = (folder: string): boolean => folder === '' || file.startsWith(`${folder}/`);
  return packages.filter((p) => holds(p.folder)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

interface Import {
  readonly name: string | undefined;
  readonly at: number;
  readonly typeOnly: boolean;
}

/** Every import and re-export of a file, those of types (`import('x').T`) and `require` calls too. */
function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (source: unknown, at: number, typeOnly: boolean): void => {
    const literal = source as { type?: string; value?: unknown } | null | undefined;
    const isText = literal?.type === 'Literal' && typeof literal.value === 'string';
    found.push({ name: isText ? (literal.value as string) : undefined, at, typeOnly });
  };
  walk(file.program, (node: SyntaxNode) => {
    if (node.type === 'ImportDeclaration') add(node.source, node.start, node.importKind === 'type');
    else if (node.type === 'ExportAllDeclaration') add(node.source, node.start, node.exportKind === 'type');
    else if (node.type === 'ExportNamedDeclaration' && node.source)
      add(node.source, node.start, node.exportKind === 'type');
    else if (node.type === 'ImportExpression') add(node.source, node.start, false);
    else if (node.type === 'TSImportType') add(node.source ?? node.argument, node.start, true);
    else if (node.type === 'CallExpression') {
      const callee = node.callee as SyntaxNode;
      if (callee.type === 'Identifier' && callee.name === 'require')
        add((node.arguments as unknown[])[0], node.start, false);
    }
  });
  return found;
}

function violation(file: SourceFile, { name, typeOnly }: Import, packages: readonly Package[]): string | undefined {
  const own = packageOf(file.path, packages);
  if (name === undefined) return file.path in computedImports ? undefined : 'imports a name that is computed';
  if (own === undefined) return 'lies in no package';
  if (name.startsWith('.')) {
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file.path), name));
    const other = target.startsWith('..') ? undefined : packageOf(target, packages);
    return other === own ? undefined : `leaves its package by the path ${name}`;
  }
  if (isBuiltin(name)) return undefined;
  if (name.startsWith('/') || name.includes(':')) return `imports by an absolute path: ${name}`;
  const imported = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
  if (imported === own.name) return undefined;
  if (packages.some((p) => p.name === imported)) {
    const rule = rules.find((r) => r.files.test(file.path));
    const may = [...(rule?.may ?? []), ...(isTest(file.path) ? (rule?.testsMay ?? []) : [])];
    if (!may.includes(imported) && !may.includes(name)) return `may not import ${name}`;
  }
  const rootPackage = packages.find((p) => p.folder === '');
  const sdk = packages.find((p) => p.name === SDK);
  // The examples in docs are what an author writes: a package of its own that has the SDK and what the SDK has.
  const declared =
    own.folder === '' && file.path.startsWith('docs/') ? [SDK, ...(sdk?.dependencies ?? [])] : own.dependencies;
  const forDevelopment = [...own.devDependencies, ...(rootPackage?.devDependencies ?? [])];
  if (declared.includes(imported)) return undefined;
  const mayUseDev = typeOnly || own.private || isTest(file.path) || isGenerator(file.path);
  const workspaceTest = isTest(file.path) && packages.some((p) => p.name === imported);
  if (mayUseDev && (forDevelopment.includes(imported) || forDevelopment.includes(`@types/${imported}`)))
    return undefined;
  if (workspaceTest) return undefined;
  return `imports ${imported}, which ${own.folder === '' ? '' : `${own.folder}/`}package.json does not declare`;
}

/** Every import that breaks a rule, as `path:line what`. */
export function importViolations(files: readonly SourceFile[], packages: readonly Package[]): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((found) => {
      const what = violation(file, found, packages);
      return what === undefined ? [] : [`${file.path}:${lineAt(file.text, found.at)} ${what}`];
    }),
  );
}

const IMPURE_GLOBALS = new Set([
  'process',
  'performance',
  'crypto',
  'console',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
]);

/** What a pure file may not do: look at the clock, at chance or at the world. As `path:line what`. */
export function purityViolations(file: SourceFile): string[] {
  const found: string[] = [];
  const add = (at: number, what: string) => found.push(`${file.path}:${lineAt(file.text, at)} ${what}`);
  for (const { name, at, typeOnly } of importsOf(file)) {
    const isInside = name?.startsWith('.') || name === PROTOCOL || name === 'zod';
    if (!typeOnly && !isInside) add(at, `imports ${name}`);
  }
  const isIdentifier = (node: unknown, name: string) => {
    const identifier = node as SyntaxNode;
    return identifier.type === 'Identifier' && identifier.name === name;
  };
  walk(file.program, (node) => {
    if (node.type === 'Identifier' && IMPURE_GLOBALS.has(node.name as string)) add(node.start, `uses ${node.name}`);
    if (node.type === 'MemberExpression') {
      const property = (node.property as SyntaxNode).name;
      if (isIdentifier(node.object, 'Date') && property === 'now') add(node.start, 'uses Date.now');
      if (isIdentifier(node.object, 'Math') && property === 'random') add(node.start, 'uses Math.random');
      if (isIdentifier(node.object, 'globalThis')) add(node.start, 'uses globalThis');
    }
    const isCall =
      node.type === 'CallExpression' || (node.type === 'NewExpression' && (node.arguments as []).length === 0);
    if (isCall && isIdentifier(node.callee, 'Date')) add(node.start, 'asks for the present time');
  });
  return found;
}
