import { describe, expect, it } from 'vitest';
import { reasonOf } from './server-error.ts';

const serverError = (code: string, message: string, detail: string) =>
  Object.assign(new Error(message), { code, detail });

describe('the reason of an error', () => {
  it.each([
    ['23502', 'null value in column "mine" violates not-null constraint'],
    ['23514', 'new row for relation "customers" violates check constraint "c"'],
  ])('holds nothing of the row that %s is about', (code, message) => {
    const error = serverError(code, message, 'Failing row contains (cus_1, jenny@example.com).');
    expect(reasonOf(error)).toBe(message);
  });

  it('holds the detail of others, in one line without a full stop', () => {
    const error = serverError('2BP01', 'cannot drop table a', 'view b depends on table a.\nview c depends on table a.');
    expect(reasonOf(error)).toBe('cannot drop table a: view b depends on table a. view c depends on table a');
  });
});
