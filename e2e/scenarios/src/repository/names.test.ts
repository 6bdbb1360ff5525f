import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { repositoryFiles, root } from './source-file.ts';

/** What has no business in a product: where it was made. */
const patterns: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'a package registry',
    pattern: /\bregistry\.[a-z0-9-]+\.(?:com|org|net|io|dev|cn)\b|\bnpmjs\.(?:org|com)\b/i,
  },
  { what: 'a folder of one machine', pattern: /(?<![\w.~$}/-])\/(?:work|root|home|Users)\/[\w.-]/ },
  { what: 'a folder of one machine', pattern: /\b[A-Z]:\\Users\\/ },
  { what: 'an issue of a tracker that users do not see', pattern: /\bissue #?\d+\b/i },
];

/** Files that must name one, and why. */
const exceptions: Readonly<Record<string, string>> = {};

/** What is named in a text, as `line N: what: the words`. */
function namesIn(text: string): string[] {
  return text.split('\n').flatMap((line, i) =>
    patterns.flatMap(({ what, pattern }) => {
      const match = pattern.exec(line);
      return match === null ? [] : [`line ${i + 1}: ${what}: ${match[0]}`];
    }),
  );
}

test('no file names a registry, a folder of a machine or an issue', () => {
  const found = repositoryFiles().flatMap((name) => {
    if (name in exceptions) return [];
    const bytes = readFileSync(path.join(root, name));
    return bytes.includes(0) ? [] : namesIn(bytes.toString('utf8')).map((where) => `${name}, ${where}`);
  });
  expect(found).toEqual([]);
});

test('the check finds what is planted, and leaves alone what only looks like it', () => {
  // Put together here, or this file would be found itself.
  const planted = [
    ['https://registry', 'example', 'com/pg'].join('.'),
    ['see npmjs', 'com'].join('.'),
    ['read ', 'work', 'main/x.ts'].join('/'),
    ['"', 'home', 'ada/.npmrc"'].join('/'),
    ['=', 'root', 'x'].join('/'),
    ['C:', 'Users', 'ada'].join('\\'),
    ['as issue', '12 says'].join(' '),
  ];
  for (const text of planted) expect(namesIn(text), text).toHaveLength(1);
  const innocent = [
    'https://example.com/work/x',
    '~/work/x',
    'src/home/x',
    '/homes/x',
    'the npm registry',
    'two issues: 1 and 2',
  ];
  for (const text of innocent) expect(namesIn(text), text).toEqual([]);
});
