import { describe, expect, it } from 'vitest';
import { classify, rowOf, type Trouble, tableError } from './postgres-error.ts';

const error = (code: string, message = 'it says why', more: object = {}) =>
  Object.assign(new Error(message), { code }, more);

const troubles: readonly (readonly [string, Trouble])[] = [
  ['08006', 'connection'],
  ['57P01', 'connection'],
  ['57P03', 'connection'],
  ['ECONNRESET', 'connection'],
  ['EPIPE', 'connection'],
  ['ERR_STREAM_PREMATURE_CLOSE', 'connection'],
  ['40001', 'transient'],
  ['40P01', 'transient'],
  ['55P03', 'transient'],
  ['57014', 'transient'],
  ['53100', 'transient'],
  ['53300', 'transient'],
  ['25006', 'connection'],
  ['57P04', 'connection'],
  ['26000', 'connection'],
  ['XX000', 'transient'],
  ['22P02', 'record'],
  ['22P05', 'record'],
  ['22021', 'record'],
  ['23502', 'record'],
  ['23514', 'record'],
  ['P0001', 'record'],
  ['54001', 'record'],
  ['42501', 'permanent'],
  ['42P01', 'permanent'],
  ['42601', 'permanent'],
  ['ERR_ASSERTION', 'permanent'],
  ['ERR_INVALID_ARG_TYPE', 'permanent'],
];

describe('an error', () => {
  it.each(troubles)('with code %s is of the kind %s', (code, trouble) => {
    expect(classify(error(code))).toBe(trouble);
  });

  it.each([
    'Connection terminated unexpectedly',
    'timeout expired',
    'Client has encountered a connection error and is not queryable',
  ])('without a code that says "%s" is a lost connection', (message) => {
    expect(classify(new Error(message))).toBe('connection');
  });

  it('of a COPY names the row, and one of another statement does not', () => {
    const where = 'JSON data, line 1: ...\nCOPY penstock_stage, line 17, column data';
    expect(rowOf(error('22P02', '', { where }))).toBe(17);
    const quoting = where.replace('...', '...COPY penstock_stage, line 3');
    expect(rowOf(error('22P02', '', { where: quoting }))).toBe(17);
    expect(rowOf(error('22P02', '', { where: where.replace('line 17, column', 'Zeile 17, Spalte') }))).toBe(17);
    expect(rowOf(error('22P02', '', { where: 'PL/pgSQL function x() line 3' }))).toBeUndefined();
  });
});

describe('an error of writing', () => {
  it.each([
    ['42501', 'permission_missing', /Grant usage and create on its schema, and select, insert/],
    ['42P01', 'config_invalid', /dropped/],
    ['53100', 'upstream_failed', /disk space/],
    ['57014', 'upstream_failed', /statement_timeout/],
    ['XX000', 'upstream_failed', /Run again later/],
    ['54011', 'config_invalid', /columns: raw/],
    ['23505', 'config_invalid', /it says why \(23505\)/],
  ] as const)('%s becomes %s', (code, expected, text) => {
    const said = tableError(error(code), '"public"."t"');
    expect(said.code).toBe(expected);
    expect(said.text).toMatch(text);
  });
});
