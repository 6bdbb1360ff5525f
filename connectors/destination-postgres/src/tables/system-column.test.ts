import { describe, expect, it } from 'vitest';
import { findWrongSystemColumn, systemColumnKind } from './system-column.ts';

const column = (type: string) => ({ name: '_batch', type, index: false });

describe('the type of a system column', () => {
  it.each([
    ['text', 'text'],
    ['string', 'text'],
    ['bigint', 'bigint'],
    ['integer', 'bigint'],
    ['numeric', 'numeric'],
    ['number', 'numeric'],
    ['boolean', 'boolean'],
    ['timestamptz', 'iso_time'],
    ['timestamp with time zone', 'iso_time'],
    ['jsonb', 'jsonb'],
  ])('%s is one of Postgres or JSON Schema, and makes a column of kind %s', (type, kind) => {
    expect(systemColumnKind(column(type))).toBe(kind);
    expect(findWrongSystemColumn([column(type)])).toBeUndefined();
  });

  it.each(['nonsense', 'object', 'array', 'toString', 'uuid'])('%s is refused, with those that there are', (type) => {
    expect(findWrongSystemColumn([column('text'), column(type)])).toEqual({
      reason: expect.stringContaining(`the type "${type}"`),
      remedy: expect.stringContaining('timestamptz'),
    });
  });

  it('is not missed when there are no system columns', () => {
    expect(findWrongSystemColumn()).toBeUndefined();
  });
});
