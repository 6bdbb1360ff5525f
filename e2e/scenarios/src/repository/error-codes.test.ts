import { errorCodes } from '@penstock/protocol';
import { expect, test } from 'vitest';
import { isTest, type SourceFile, sourceFiles, walk } from './source-file.ts';

const TABLE = 'protocol-schema/src/error-code.ts';

/** Codes that nothing throws, and why they are in the table all the same. */
const unusedOnPurpose: Readonly<Record<string, string>> = {};

/** Every text of a file that deals with coded errors. */
function textsOf(file: SourceFile): string[] {
  if (!/\b(?:CodedError|ConnectorError|ErrorCode)\b/.test(file.text)) return [];
  const texts: string[] = [];
  walk(file.program, (node) => {
    if (node.type === 'Literal' && typeof node.value === 'string') texts.push(node.value);
  });
  return texts;
}

const used = new Set(
  sourceFiles()
    .filter((file) => file.path !== TABLE && !isTest(file.path))
    .flatMap(textsOf),
);

test('every error code is used somewhere', () => {
  const unused = Object.keys(errorCodes).filter((code) => !used.has(code) && !(code in unusedOnPurpose));
  expect(unused).toEqual([]);
});

test('codes that are unused on purpose are in the table and unused', () => {
  expect(Object.keys(unusedOnPurpose).filter((code) => !(code in errorCodes) || used.has(code))).toEqual([]);
});
