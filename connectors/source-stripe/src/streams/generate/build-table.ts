import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventCoverage } from '../event-coverage.ts';
import { type ListTable, listTable } from '../list-entries.ts';
import { streamRules } from '../stream-rules.ts';
import type { Formats } from './openapi-formats.ts';
import { packageFacts } from './package-facts.ts';

/** What the generator writes down. */
export interface GeneratedTable extends ListTable {
  readonly apiVersion: string;
}

/** @throws Error when the package holds something that is not understood, or a rule is of a list that doesn't exist */
export function buildTable(packageRoot: string, formats: Formats): GeneratedTable {
  const facts = packageFacts(packageRoot, formats);
  const unknown = [...Object.keys(streamRules), ...Object.keys(eventCoverage)].filter(
    (path) => !facts.some((list) => list.path === path),
  );
  if (unknown.length > 0) throw new Error(`rules for lists that Stripe doesn't have: ${unknown.join(', ')}`);

  const table = listTable(facts);
  const names = table.lists.map(({ name }) => name);
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) throw new Error(`several lists are named ${twice.join(', ')}`);

  const version = /'([^']+)'/.exec(readFileSync(join(packageRoot, 'esm', 'apiVersion.js'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('the package does not say its API version');
  return { apiVersion: version, ...table };
}
