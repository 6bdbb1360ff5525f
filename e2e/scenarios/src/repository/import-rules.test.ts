import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { computedImports, importViolations, type Package, purityViolations } from './import-rules.ts';
import { isTest, parseSource, root, sourceFiles } from './source-file.ts';

function readPackage(folder: string): Package {
  const content = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
  return {
    folder,
    name: content.name,
    dependencies: Object.keys({
      ...content.dependencies,
      ...content.optionalDependencies,
      ...content.peerDependencies,
    }),
    devDependencies: Object.keys(content.devDependencies ?? {}),
    private: content.private === true,
  };
}

const { workspaces } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
const packages = ['', ...workspaces].map(readPackage);
const files = sourceFiles();

describe('the sources', () => {
  test('import only what their package may', () => {
    expect(importViolations(files, packages)).toEqual([]);
  });

  test('of the reducers look at no clock, no chance and nothing outside', () => {
    const reducers = files.filter((file) => file.path.startsWith('engine/src/reduce/') && !isTest(file.path));
    expect(reducers.length).toBeGreaterThan(0);
    expect(reducers.flatMap(purityViolations)).toEqual([]);
  });

  test('that are excused for a computed import still exist', () => {
    const paths = new Set(files.map((file) => file.path));
    expect(Object.keys(computedImports).filter((name) => !paths.has(name))).toEqual([]);
  });

  test('are found in every package', () => {
    const empty = packages.filter(
      ({ folder }) => folder !== '' && !files.some((file) => file.path.startsWith(`${folder}/`)),
    );
    expect(empty).toEqual([]);
  });
});

describe('the check of imports', () => {
  test.each([
    [
      'protocol-schema/src/x.ts',
      `import { a } from '@penstock/connector-sdk';`,
      'may not import @penstock/connector-sdk',
    ],
    ['connectors/sdk/src/x.ts', `export * from '@penstock/local-postgres';`, 'may not import @penstock/local-postgres'],
    [
      'connectors/source-stripe/src/x.ts',
      `import type { A } from '@penstock/engine';`,
      'may not import @penstock/engine',
    ],
    [
      'connectors/source-stripe/src/x.ts',
      `await import('@penstock/destination-postgres');`,
      'may not import @penstock/destination-postgres',
    ],
    [
      'connectors/destination-postgres/src/x.ts',
      `import '@penstock/local-postgres/testing';`,
      'may not import @penstock/local-postgres/testing',
    ],
    [
      'connectors/destination-postgres/src/x.pg.test.ts',
      `import '@penstock/local-postgres';`,
      'may not import @penstock/local-postgres',
    ],
    ['engine/src/x.ts', `type A = import('@penstock/connector-sdk').A;`, 'may not import @penstock/connector-sdk'],
    ['engine/local-postgres/src/x.ts', `import '@penstock/protocol';`, 'may not import @penstock/protocol'],
    ['e2e/scenarios/src/x.test.ts', `import '@penstock/engine';`, 'may not import @penstock/engine'],
    [
      'engine/src/x.ts',
      `import '../local-postgres/src/index.ts';`,
      'leaves its package by the path ../local-postgres/src/index.ts',
    ],
    [
      'e2e/scenarios/src/x.test.ts',
      `import '../../../engine/src/sync.ts';`,
      'leaves its package by the path ../../../engine/src/sync.ts',
    ],
    ['engine/src/x.ts', `import '../../../elsewhere.ts';`, 'leaves its package by the path ../../../elsewhere.ts'],
    ['engine/src/x.ts', `import '/opt/x.ts';`, 'imports by an absolute path: /opt/x.ts'],
    ['engine/src/x.ts', `import 'undici';`, 'imports undici, which engine/package.json does not declare'],
    ['engine/src/x.ts', `import 'vitest';`, 'imports vitest, which engine/package.json does not declare'],
    [
      'engine/src/x.ts',
      `require('@scope/name/deep');`,
      'imports @scope/name, which engine/package.json does not declare',
    ],
    ['engine/src/x.ts', `await import(name);`, 'imports a name that is computed'],
  ])('finds a planted violation in %s: %s', (file, text, what) => {
    expect(importViolations([parseSource(file, `\n${text}`)], packages)).toEqual([`${file}:2 ${what}`]);
  });

  test.each([
    ['connectors/sdk/src/x.ts', `import { a } from '@penstock/protocol'; import { z } from 'zod'; import 'node:fs';`],
    ['connectors/destination-postgres/src/x.pg.test.ts', `import '@penstock/local-postgres/testing'; import 'vitest';`],
    ['engine/src/deep/x.ts', `import '../y.ts'; import type { Client } from 'pg';`],
    ['e2e/bench/src/x.ts', `import { LineSplitter } from '@penstock/protocol';`],
  ])('lets pass what is allowed in %s', (file, text) => {
    expect(importViolations([parseSource(file, text)], packages)).toEqual([]);
  });
});

describe('the check of purity', () => {
  const check = (text: string) => purityViolations(parseSource('engine/src/reduce/x.ts', text));

  test.each([
    `import { readFile } from 'node:fs/promises';`,
    `import pg from 'pg';`,
    `import pino from 'pino';`,
    'Date.now();',
    'new Date();',
    'Math.random();',
    'process.env.HOME;',
    'globalThis.performance.now();',
    'setTimeout(f, 1);',
    'console.log(1);',
  ])('finds a planted violation: %s', (text) => {
    expect(check(text)).toHaveLength(1);
  });

  test('lets pass times that are given and names that only look alike', () => {
    expect(
      check(
        `import { mergeRanges } from '@penstock/protocol'; new Date(ms); Date.parse(t); run.process; ({ process: 1 });`,
      ),
    ).toEqual([]);
  });
});
