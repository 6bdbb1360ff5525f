/** The rules of the house that a machine can check. Each gives what breaks it as `path:line what`. */
import { isNode, isTest, lineAt, type SourceFile, type SyntaxNode, walk } from './source-file.ts';

/** Longest file in lines; past it, look for the second subject. */
export const FILE_LINES_MAX = 400;

/** Files that are longer, and why they are one subject all the same. */
export const longFiles: Readonly<Record<string, string>> = {};

const KEBAB = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/;
const VAGUE = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared']);

/** Names of files and folders: kebab-case, and about something. */
export function nameViolations(filePath: string): string[] {
  const parts = filePath.split('/');
  const stems = parts.map((part, i) => (i === parts.length - 1 ? part.replace(/(\.[a-z0-9-]+)+$/, '') : part));
  const odd = stems.filter((stem) => stem !== '' && !KEBAB.test(stem));
  const vague = stems.filter((stem) => VAGUE.has(stem));
  return [
    ...odd.map((stem) => `${filePath}:1 "${stem}" is not in kebab-case`),
    ...vague.map((stem) => `${filePath}:1 "${stem}" says nothing about what is in it`),
  ];
}

/** Files that hold more than one subject, by their length. */
export function lengthViolations(file: SourceFile): string[] {
  const lines = lineAt(file.text, file.text.trimEnd().length);
  if (lines <= FILE_LINES_MAX || file.path in longFiles) return [];
  return [`${file.path}:1 has ${lines} lines; more than ${FILE_LINES_MAX} need a reason in longFiles`];
}

/** The names that a statement declares. */
function declaredNames(declaration: SyntaxNode): string[] {
  if (declaration.type === 'VariableDeclaration') {
    return (declaration.declarations as SyntaxNode[]).flatMap(
      ({ id }) => ((id as SyntaxNode).name as string | undefined) ?? [],
    );
  }
  const name = (declaration.id as SyntaxNode | null | undefined)?.name;
  return typeof name === 'string' ? [name] : [];
}

/** Exported names without a docstring right before their declaration. What a file only passes on is documented elsewhere. */
export function docstringViolations(file: SourceFile): string[] {
  if (file.path.endsWith('.test.ts') || /(^|\/)[^/]+\.config\.ts$/.test(file.path)) return [];
  const statements = file.program.body as SyntaxNode[];
  const isDocumented = (statement: SyntaxNode) =>
    file.comments.some(
      ({ type, value, end }) =>
        type === 'Block' &&
        value.startsWith('*') &&
        /^\s*(\/\/[^\n]*\s*)*$/.test(file.text.slice(end, statement.start)) &&
        end <= statement.start,
    );
  const exported = new Map<string, SyntaxNode>();
  const declared = new Map<string, SyntaxNode>();
  for (const statement of statements) {
    const isExport = statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration';
    const declaration = isExport ? statement.declaration : statement;
    const names = isNode(declaration) ? declaredNames(declaration) : [];
    for (const name of names) {
      // The first of several overloads speaks for all.
      if (!declared.has(name)) declared.set(name, statement);
      if (isExport && !exported.has(name)) exported.set(name, statement);
    }
    if (statement.type === 'ExportDefaultDeclaration' && names.length === 0) exported.set('default', statement);
  }
  for (const statement of statements) {
    if (statement.type !== 'ExportNamedDeclaration' || statement.source) continue;
    for (const { local } of statement.specifiers as { local: SyntaxNode }[]) {
      const declaration = declared.get(local.name as string);
      if (declaration !== undefined) exported.set(local.name as string, declaration);
    }
  }
  return [...exported]
    .filter(([, statement]) => !isDocumented(statement))
    .map(
      ([name, statement]) =>
        `${file.path}:${lineAt(file.text, statement.start)} ${name} is exported without a docstring`,
    );
}

/** `any`, and comments that switch the type check off, without a reason beside them. */
export function looseTypeViolations(file: SourceFile): string[] {
  const found: string[] = [];
  const lines = file.text.split('\n');
  walk(file.program, (node) => {
    if (node.type !== 'TSAnyKeyword') return;
    const line = lineAt(file.text, node.start);
    const beside = [lines[line - 1], lines[line - 2]].some((text) => text !== undefined && /\/\/|\*/.test(text));
    if (!beside) found.push(`${file.path}:${line} any, without a reason beside it`);
  });
  for (const { value, start } of file.comments) {
    const directive = /@ts-(?:ignore|expect-error|nocheck)\b(.*)/s.exec(value);
    if (directive === null) continue;
    const reason = directive[1]?.replace(/[^\p{L}]/gu, '') ?? '';
    if (reason.length < 10)
      found.push(`${file.path}:${lineAt(file.text, start)} ${directive[0].trim()}, without a reason`);
  }
  return found;
}

const TEST_FUNCTIONS = new Set(['test', 'it', 'describe', 'suite']);

/** The names of a callee from the left: `test.skip.each(…)` is test, skip, each. */
function chain(callee: unknown): string[] {
  if (!isNode(callee)) return [];
  if (callee.type === 'Identifier') return [callee.name as string];
  if (callee.type === 'MemberExpression')
    return [...chain(callee.object), ((callee.property as SyntaxNode).name as string) ?? ''];
  if (callee.type === 'CallExpression') return chain(callee.callee);
  if (callee.type === 'TaggedTemplateExpression') return chain(callee.tag);
  return [];
}

/** Tests that don't run, or whose title is no sentence. */
export function testViolations(file: SourceFile): string[] {
  if (!isTest(file.path)) return [];
  const found: string[] = [];
  const add = (node: SyntaxNode, what: string) => found.push(`${file.path}:${lineAt(file.text, node.start)} ${what}`);
  walk(file.program, (node) => {
    if (node.type !== 'CallExpression') return;
    const names = chain(node.callee);
    const isCalledBack = isNode(node.callee) && node.callee.type === 'CallExpression';
    const off = names.find((name) => ['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails'].includes(name));
    if (off !== undefined && !isCalledBack && (TEST_FUNCTIONS.has(names[0] ?? '') || off === 'skip')) {
      add(node, `${names.join('.')}: every test runs, or is deleted`);
    }
    if (!TEST_FUNCTIONS.has(names[0] ?? '')) return;
    // `test.each(rows)` is given its title by the call around it.
    if ((names.at(-1) === 'each' || names.at(-1) === 'for') && !isCalledBack) return;
    const title = (node.arguments as SyntaxNode[])[0];
    const text =
      title?.type === 'Literal'
        ? title.value
        : title?.type === 'TemplateLiteral'
          ? file.text.slice(title.start + 1, title.end - 1)
          : undefined;
    if (typeof text !== 'string') return;
    // With a placeholder, the rows of the table are the titles.
    const isTitled =
      names[0] === 'describe' || names[0] === 'suite' ? text.trim() !== '' : /\S\s+\S|[%$]/.test(text.trim());
    if (!isTitled) add(node, `"${text}" is no sentence that can be false`);
  });
  return found;
}
