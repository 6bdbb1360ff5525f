import { describe, expect, it } from 'vitest';
import { type ColumnKind, columnKind } from './column-type.ts';

const root = { $defs: { money: { type: 'integer' }, loop: { $ref: '#/$defs/loop' } } };

const cases: readonly (readonly [string, unknown, ColumnKind | undefined])[] = [
  ['a string', { type: 'string' }, 'text'],
  ['a nullable string', { type: ['string', 'null'] }, 'text'],
  ['a string or null by anyOf', { anyOf: [{ type: 'string' }, { type: 'null' }] }, 'text'],
  ['an enum without a type', { enum: ['a', 'b', null] }, 'text'],
  ['a constant', { const: true }, 'boolean'],
  ['an integer', { type: 'integer' }, 'bigint'],
  ['a nullable integer by oneOf', { oneOf: [{ type: 'integer' }, { type: 'null' }] }, 'bigint'],
  ['a number', { type: 'number' }, 'numeric'],
  ['an integer or a number', { type: ['integer', 'number'] }, 'numeric'],
  ['an integer or text', { type: ['integer', 'string'] }, 'text'],
  ['a boolean', { type: 'boolean' }, 'boolean'],
  ['a unix time', { type: ['integer', 'null'], format: 'unix-time' }, 'unix_time'],
  ['a unix time inside of anyOf', { anyOf: [{ type: 'integer', format: 'unix-time' }, { enum: [null] }] }, 'unix_time'],
  ['an ISO time', { type: 'string', format: 'date-time' }, 'iso_time'],
  ['another format', { type: 'string', format: 'decimal' }, 'text'],
  ['a marked reference', { type: 'string', 'x-expandable': true }, 'reference'],
  ['text or object', { anyOf: [{ type: 'string' }, { type: 'object' }, { type: 'null' }] }, 'reference'],
  ['an object', { type: 'object' }, undefined],
  ['an array', { type: 'array', items: { type: 'string' } }, undefined],
  ['text or array', { type: ['string', 'array'] }, undefined],
  ['a local reference', { $ref: '#/$defs/money' }, 'bigint'],
  ['a reference that leads nowhere', { $ref: '#/$defs/none' }, undefined],
  ['a reference in a circle', { $ref: '#/$defs/loop' }, undefined],
  ['nothing but null', { type: 'null' }, undefined],
  ['no schema at all', true, undefined],
];

describe('the kind of column', () => {
  it.each(cases)('for %s', (_, property, kind) => {
    expect(columnKind(property, root)).toBe(kind);
  });
});
