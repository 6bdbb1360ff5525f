import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { generatedFiles, staleFiles, writeGeneratedFiles } from './generate.ts';

function makeFolder(): URL {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-generate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return pathToFileURL(`${folder}/`);
}

test('the files that are checked in are what the sources generate (run: make generate)', () => {
  expect(staleFiles()).toEqual([]);
});

test('a changed, a missing and a superfluous file are named, and written or removed', () => {
  const base = makeFolder();
  expect(staleFiles(base)).toEqual([...generatedFiles().keys()]);
  writeGeneratedFiles(base);
  expect(staleFiles(base)).toEqual([]);

  appendFileSync(new URL('docs/reference/errors.md', base), 'x');
  rmSync(new URL('protocol-schema/schema/message.json', base));
  writeFileSync(new URL('protocol-schema/schema/old.json', base), '{}');
  const stale = ['protocol-schema/schema/message.json', 'docs/reference/errors.md', 'protocol-schema/schema/old.json'];
  expect(staleFiles(base)).toEqual(stale);
  expect(writeGeneratedFiles(base)).toEqual(stale);
  expect(staleFiles(base)).toEqual([]);
});

test('generated files mention no folder of the machine that they were made on', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  for (const [path, text] of generatedFiles()) expect(text.includes(root), path).toBe(false);
});

test('--check writes nothing and exits with 0 when all is current', async () => {
  const program = fileURLToPath(new URL('./generate.ts', import.meta.url));
  const page = new URL('../../docs/reference/protocol.md', import.meta.url);
  const before = readFileSync(page, 'utf8');
  const { stderr } = await promisify(execFile)(process.execPath, [program, '--check']);
  expect(stderr).toBe('');
  expect(readFileSync(page, 'utf8')).toBe(before);
});
