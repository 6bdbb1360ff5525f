import { expect, it } from 'vitest';
import { mergeSchemas } from './merge-schemas.ts';

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };

it.each([
  ['the same in all', [{ a: text }, { a: text }], { a: text }],
  ['one kind', [{ a: text, b: textOrNull }], { a: text, b: textOrNull }],
  ['null in one', [{ a: text }, { a: textOrNull }], { a: textOrNull }],
  ['absent in one', [{ a: text }, {}], { a: textOrNull }],
  ['null in one and absent in another', [{ a: textOrNull }, {}, { a: text }], { a: textOrNull }],
  ['of different types', [{ a: text }, { a: { type: 'integer' } }], { a: {} }],
  ['of different types and absent', [{ a: text }, { a: { type: 'integer' } }, {}], { a: {} }],
  ['anything in one', [{ a: {} }, { a: text }], { a: {} }],
  ['a time in one', [{ a: { ...text, format: 'date-time' } }, { a: text }], { a: text }],
  [
    'an id in all',
    [{ a: { ...textOrNull, 'x-expandable': true } }, { a: { ...text, 'x-expandable': true } }],
    { a: { ...textOrNull, 'x-expandable': true } },
  ],
  ['in the order of their first kind', [{ b: text }, { a: text }], { b: textOrNull, a: textOrNull }],
])('merges properties that are %s', (_what, kinds, merged) => {
  expect(mergeSchemas(kinds)).toEqual(merged);
});
