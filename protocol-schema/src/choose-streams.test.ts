import { expect, test } from 'vitest';
import type { Stream } from './catalog.ts';
import { chooseStreams, isOptionalStream } from './choose-streams.ts';

const stream = (name: string, metadata?: Record<string, unknown>): Stream => ({
  name,
  primary_key: [['id']],
  ...(metadata === undefined ? {} : { metadata }),
});
const streams = [
  stream('customers'),
  stream('invoices', { optional: false }),
  stream('invoices_lines', { optional: true }),
  stream('refunds_lines', { optional: true, parent: 'refunds' }),
];

test.each([
  ['without a list, those that are not optional', undefined, ['customers', 'invoices']],
  ['with an empty list, none', [], []],
  ['with only an optional one in the list, only that', ['invoices_lines'], ['invoices_lines']],
  ['with a star, all that are not optional', ['*'], ['customers', 'invoices']],
  [
    "with a star and an optional one, in the catalog's order",
    ['refunds_lines', '*'],
    ['customers', 'invoices', 'refunds_lines'],
  ],
  ['with a star and a usual one, each once', ['*', 'customers'], ['customers', 'invoices']],
  ['with a name that there is not, the others', ['nonesuch', 'customers'], ['customers']],
])('the streams that are meant are, %s', (_case, names, expected) => {
  expect(chooseStreams(streams, names).map(({ name }) => name)).toEqual(expected);
});

test('a stream is optional only when its source says true', () => {
  expect([undefined, {}, { optional: 'true' }, { optional: 1 }].map((m) => isOptionalStream(stream('a', m)))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isOptionalStream(stream('a', { optional: true }))).toBe(true);
});
