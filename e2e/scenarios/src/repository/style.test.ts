import { describe, expect, test } from 'vitest';
import { parseSource, repositoryFiles, sourceFiles } from './source-file.ts';
import {
  docstringViolations,
  FILE_LINES_MAX,
  lengthViolations,
  longFiles,
  looseTypeViolations,
  nameViolations,
  testViolations,
} from './style-rules.ts';

const files = sourceFiles();
const parse = (text: string, path = 'engine/src/x.ts') => parseSource(path, text);

describe('the sources', () => {
  test('have names in kebab-case that say what is in them', () => {
    expect(
      repositoryFiles()
        .filter((path) => path.endsWith('.ts'))
        .flatMap(nameViolations),
    ).toEqual([]);
  });

  test('are no longer than one subject needs', () => {
    expect(files.flatMap(lengthViolations)).toEqual([]);
  });

  test('that are excused for their length are still there and still long', () => {
    const long = files.filter(({ text }) => text.trimEnd().split('\n').length > FILE_LINES_MAX).map(({ path }) => path);
    expect(Object.keys(longFiles).filter((path) => !long.includes(path))).toEqual([]);
  });

  test('have a docstring on every exported name', () => {
    expect(files.flatMap(docstringViolations)).toEqual([]);
  });

  test('have no loose types without a reason', () => {
    expect(files.flatMap(looseTypeViolations)).toEqual([]);
  });

  test('have no test that does not run, or that does not say what it tests', () => {
    expect(files.flatMap(testViolations)).toEqual([]);
  });
});

describe('the check of names', () => {
  test.each([
    ['engine/src/stateStore.ts', 1],
    ['engine/src/State/store.ts', 1],
    ['engine/src/state_store.test.ts', 1],
    ['engine/src/utils.ts', 1],
    ['engine/src/common/x.ts', 1],
    ['engine/src/state-store.pg.test.ts', 0],
    ['vitest.config.ts', 0],
    ['docs/decision/0001-one.ts', 0],
  ])('finds in %s this many violations: %i', (path, count) => {
    expect(nameViolations(path)).toHaveLength(count);
  });
});

describe('the check of lengths', () => {
  test('lets pass a file of the longest length and no line more', () => {
    expect(lengthViolations(parse('a;\n'.repeat(FILE_LINES_MAX)))).toEqual([]);
    expect(lengthViolations(parse('a;\n'.repeat(FILE_LINES_MAX + 1)))).toHaveLength(1);
  });
});

describe('the check of docstrings', () => {
  test.each([
    'export const a = 1;',
    'export function f() {}',
    'export type T = string;',
    'export interface I {}',
    'export class C {}',
    'export default function () {}',
    'function f() {}\nexport { f };',
    '// a comment\nexport const a = 1;',
    '/* a comment */\nexport const a = 1;',
    '/** about a */\nexport const a = 1;\nexport const b = 2;',
    '/** about something else */\nconst x = 1;\nexport const a = 1;',
  ])('finds what has none: %j', (text) => {
    expect(docstringViolations(parse(text))).toHaveLength(1);
  });

  test.each([
    '/** about a */\nexport const a = 1;',
    '/** about f */\nexport async function* f() {}',
    '/** about f */\nfunction f() {}\nexport { f };',
    '/** about f */\nexport function f(a: string): void;\nexport function f(a: unknown): void {}',
    '/** about a */\n// biome-ignore lint/x: because\nexport const a = 1;',
    "export { a } from './a.ts';\nexport * from './b.ts';",
    'const a = 1;',
  ])('lets pass: %j', (text) => {
    expect(docstringViolations(parse(text))).toEqual([]);
  });
});

describe('the check of loose types', () => {
  test.each(['const a: any = 1;', 'f(b as any);', '// @ts-expect-error\nf();', '/* @ts-ignore: why */ f();'])(
    'finds %j',
    (text) => {
      expect(looseTypeViolations(parse(text))).toHaveLength(1);
    },
  );

  test.each([
    '// The library says so.\nconst a: any = 1;',
    '// @ts-expect-error: the type of pg lacks this option\nf();',
    'const any = "any";',
  ])('lets pass %j', (text) => {
    expect(looseTypeViolations(parse(text))).toEqual([]);
  });
});

describe('the check of tests', () => {
  test.each([
    `test.${'skip'}('a sentence', () => {});`,
    `describe.${'only'}('a thing', () => {});`,
    `it.${'todo'}('says something');`,
    `test.${'skipIf'}(true)('a sentence', () => {});`,
    `test.${'only'}.each([1])('a sentence', () => {});`,
    `test('a sentence', (context) => context.${'skip'}());`,
    `test('', () => {});`,
    `test('works', () => {});`,
    `describe(' ', () => {});`,
    'test.each([1])(`x`, () => {});',
  ])('finds %s', (text) => {
    expect(testViolations(parse(text, 'engine/src/x.test.ts'))).toHaveLength(1);
  });

  test.each([
    `test('says something', () => {});`,
    `describe('thing', () => {});`,
    `test.each([[1]])('gives %i', () => {});`,
    'describe.each(rows)(`thing`, () => {});',
  ])('lets pass %s', (text) => {
    expect(testViolations(parse(text, 'engine/src/x.test.ts'))).toEqual([]);
  });
});
