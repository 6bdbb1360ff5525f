/**
 * Draws the screens in docs/guide/watching.md anew, each after its marker. `--check` writes nothing and fails when one is not
 * what would be drawn.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { withScreens } from './screens.ts';

const page = resolve(import.meta.dirname, '../../../../docs/guide/watching.md');
const before = readFileSync(page, 'utf8');
const after = withScreens(before);

if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('docs/guide/watching.md is not current. Run: npm run generate -w @penstock/engine');
    process.exitCode = 1;
  }
} else if (after !== before) writeFileSync(page, after);
