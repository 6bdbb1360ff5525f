/** The files of this repository, and TypeScript files parsed. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Comment, type EcmaScriptModule, parseSync } from 'oxc-parser';

/** Root of the repository. */
export const root: string = fileURLToPath(new URL('../../../../', import.meta.url));

/** A node of the syntax tree. What it holds depends on its type; see ESTree and typescript-estree. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A parsed TypeScript file. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly program: SyntaxNode;
  readonly module: EcmaScriptModule;
  readonly comments: readonly Comment[];
}

/** Every file that is or would be checked in, from the root of the repository: what git tracks or doesn't ignore. */
export function repositoryFiles(): string[] {
  // The folder may belong to somebody else, as in a container; git's refusal to look at it protects from hooks only.
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return [...new Set(listed.split('\0'))].filter((name) => name !== '' && existsSync(path.join(root, name))).sort();
}

/** @throws Error when the file can not be parsed */
export function parseSource(filePath: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(filePath, text);
  if (errors.length > 0) throw new Error(`${filePath}: ${errors[0]?.message}`);
  return { path: filePath, text, program: program as unknown as SyntaxNode, module, comments };
}

/** Every TypeScript file of the repository, parsed; generated ones left out. */
export function sourceFiles(): SourceFile[] {
  return repositoryFiles()
    .filter((name) => /\.[cm]?tsx?$/.test(name) && !isGenerated(name))
    .map((name) => parseSource(name, readFileSync(path.join(root, name), 'utf8')));
}

/** Whether a program wrote the file. */
export function isGenerated(filePath: string): boolean {
  return filePath.split('/').includes('generated');
}

/** Whether the file is a test or only serves tests. */
export function isTest(filePath: string): boolean {
  return filePath.endsWith('.test.ts') || filePath.split('/').includes('testing');
}

/** The line on which a position of a text lies; the first is 1. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}

/** Calls `visit` for every node, outer ones first. Names that are no variables (`a.name`, `{ name: 1 }`) are left out. */
export function walk(node: unknown, visit: (node: SyntaxNode) => void): void {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (isNode(node)) {
    visit(node);
    for (const [key, child] of Object.entries(node)) {
      const isName =
        (node.type === 'MemberExpression' && key === 'property') || (node.type === 'Property' && key === 'key');
      if (!(isName && node.computed === false && node.shorthand !== true)) walk(child, visit);
    }
  }
}

/** Whether a value is a node of the syntax tree. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
