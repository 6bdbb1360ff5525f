/**
 * Writes the generated files: `schema/*.json`, and the pages on the protocol and on errors in `docs/reference`. With
 * `--check` it writes nothing, names what is stale and exits with 1.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorPage } from './error-page.ts';
import { exampleLines } from './golden-line.ts';
import { jsonSchemaDocuments } from './json-schema.ts';
import { protocolPage } from './protocol-page.ts';

/** Root of the workspace: what the paths of {@link generatedFiles} are relative to. */
const root = new URL('../../', import.meta.url);
const schemaFolder = 'protocol-schema/schema/';

/** Every generated file: its path from the root of the workspace, and what it should hold. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, document] of jsonSchemaDocuments()) {
    files.set(`${schemaFolder}${name}.json`, `${JSON.stringify(document, null, 2)}\n`);
  }
  files.set('docs/reference/errors.md', errorPage());
  files.set('docs/reference/protocol.md', protocolPage(exampleLines()));
  return files;
}

/** Paths of generated files that are missing or hold something else, and of schema files that nothing generates. */
export function staleFiles(base: URL = root): string[] {
  const files = generatedFiles();
  const differing = [...files].filter(([path, text]) => {
    const url = new URL(path, base);
    return !existsSync(url) || readFileSync(url, 'utf8') !== text;
  });
  const folder = new URL(schemaFolder, base);
  const present = existsSync(folder) ? readdirSync(folder).map((name) => `${schemaFolder}${name}`) : [];
  return [...differing.map(([path]) => path), ...present.filter((path) => !files.has(path))];
}

/** Writes what is stale. @returns the paths that were written or removed */
export function writeGeneratedFiles(base: URL = root): string[] {
  const files = generatedFiles();
  const stale = staleFiles(base);
  for (const path of stale) {
    const url = new URL(path, base);
    const text = files.get(path);
    mkdirSync(new URL('./', url), { recursive: true });
    if (text === undefined) rmSync(url);
    else writeFileSync(url, text);
  }
  return stale;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const stale = check ? staleFiles() : writeGeneratedFiles();
  for (const path of stale) console.error(check ? `stale: ${path} (run: make generate)` : `wrote ${path}`);
  if (check && stale.length > 0) process.exitCode = 1;
}
