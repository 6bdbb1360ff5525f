/**
 * Writes the table of streams, their schemas and the reference page from Stripe's `stripe` package, the formats that are
 * checked in and the hand-written rules. `--check` writes nothing and fails when a file is not what would be written;
 * `--openapi FILE` takes the formats anew from an OpenAPI description of Stripe.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { buildTable } from './generate/build-table.ts';
import { extractFormats, type Formats } from './generate/openapi-formats.ts';
import { stripePackage } from './generate/package-root.ts';
import { streamsPage } from './generate/streams-page.ts';

const here = import.meta.dirname;
const formatsFile = join(here, 'generated', 'openapi-formats.json');

/** One property or entry a line: small diffs, and not a line for each bracket. */
function lines(entries: readonly (readonly [string, unknown])[], indent: string): string {
  return entries.map(([key, value]) => `${indent}${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(',\n');
}

/** Every generated file with its content. */
export function generateFiles(formats: Formats): ReadonlyMap<string, string> {
  const table = buildTable(stripePackage, formats);
  const { apiVersion, lists, schemas } = table;
  const entries = lists.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  const perStream = Object.entries(schemas).map(
    ([name, properties]) => `  ${JSON.stringify(name)}: {\n${lines(Object.entries(properties), '    ')}\n  }`,
  );
  return new Map([
    [formatsFile, `{\n${lines(Object.entries(formats), '  ')}\n}\n`],
    [
      join(here, 'generated', 'streams.json'),
      `{\n  "api_version": ${JSON.stringify(apiVersion)},\n  "lists": [\n${entries}\n  ]\n}\n`,
    ],
    [join(here, 'generated', 'schemas.json'), `{\n${perStream.join(',\n')}\n}\n`],
    [resolve(here, '../../../../docs/reference/stripe-streams.md'), streamsPage(apiVersion, table)],
  ]);
}

/** The formats that are checked in. */
export function readFormats(): Formats {
  return JSON.parse(readFileSync(formatsFile, 'utf8')) as Formats;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The generated files that are missing or not current, relative to the repository. */
export function staleFiles(formats: Formats): string[] {
  return [...generateFiles(formats)]
    .filter(([file, content]) => contentOf(file) !== content)
    .map(([file]) => relative(resolve(here, '../../../..'), file));
}

if (import.meta.main) {
  const [flag, file] = process.argv.slice(2);
  const formats =
    flag === '--openapi' && file !== undefined ? extractFormats(JSON.parse(readFileSync(file, 'utf8'))) : readFormats();
  if (flag === '--check') {
    const stale = staleFiles(formats);
    for (const name of stale) console.error(`${name} is not current. Run: npm run generate -w @penstock/source-stripe`);
    if (stale.length > 0) process.exitCode = 1;
  } else {
    for (const [path, content] of generateFiles(formats)) writeFileSync(path, content);
  }
}
