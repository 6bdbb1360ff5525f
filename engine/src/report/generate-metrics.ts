/**
 * Writes the table of metrics in docs/guide/observability.md anew. `--check` writes nothing and fails when it is not what would
 * be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { withMetricsTable } from './metrics-page.ts';

const page = resolve(import.meta.dirname, '../../../docs/guide/observability.md');
const before = readFileSync(page, 'utf8');
const after = withMetricsTable(before);

if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('docs/guide/observability.md is not current. Run: npm run generate -w @penstock/engine');
    process.exitCode = 1;
  }
} else if (after !== before) writeFileSync(page, after);
