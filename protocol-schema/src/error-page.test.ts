import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ExitCode, errorCodes } from './error-code.ts';

const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
const codesOfPage = [...page.matchAll(/^### `(\w+)`$/gm)].map(([, code]) => code);

test('every code of the table is in the page, and every code of the page is in the table', () => {
  expect(codesOfPage).toEqual(Object.keys(errorCodes));
});

test('the page says of every code what the table says', () => {
  for (const [code, row] of Object.entries(errorCodes)) {
    const section = page.split(`### \`${code}\`\n`)[1]?.split('\n### ')[0];
    for (const text of [row.meaning, row.remedy, row.failureType, row.retry, `exit code ${row.exitCode}`]) {
      expect(section, code).toContain(text);
    }
  }
});

test('the page has a row for every exit code', () => {
  const rows = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(rows).toEqual(Object.values(ExitCode).sort((a, b) => a - b));
});
