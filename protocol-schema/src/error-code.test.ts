import { describe, expect, test } from 'vitest';
import { CodedError, type ErrorCode, ExitCode, errorCodes, toCodedError } from './error-code.ts';

const rows = Object.entries(errorCodes);

describe('the table of error codes', () => {
  test.each(rows)('%s has an exit code that callers know, and says what it means and what to do', (_code, row) => {
    expect(Object.values(ExitCode)).toContain(row.exitCode);
    expect(row.exitCode).not.toBe(ExitCode.done);
    expect(row.meaning).toMatch(/^[A-Z].*\.$/);
    expect(row.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test('lets a caller retry exactly what it says can be retried', () => {
    const worthRetrying: number[] = [ExitCode.retry, ExitCode.stopped, ExitCode.stateStore];
    for (const [code, row] of rows) expect(worthRetrying.includes(row.exitCode), code).toBe(row.retry === 'later');
  });

  test('gives what a person must mend the exit codes 20 and 2, and nothing else those', () => {
    for (const [code, row] of rows) {
      const forPeople: number[] = [ExitCode.config, ExitCode.usage];
      expect(forPeople.includes(row.exitCode), code).toBe(row.failureType === 'config');
    }
  });

  test.each([
    ['usage', 2],
    ['file_unreadable', 2],
    ['file_invalid', 2],
    ['stopped', 10],
    ['config_invalid', 20],
    ['credentials_refused', 20],
    ['permission_missing', 20],
    ['unreachable', 30],
    ['rate_limited', 30],
    ['internal', 30],
    ['line_too_long', 40],
    ['protocol_violated', 40],
    ['state_store_unreachable', 50],
  ] as const)('%s ends a program with %i', (code, exitCode) => {
    expect(new CodedError(code, { message: 'x' }).exitCode).toBe(exitCode);
  });
});

describe('CodedError', () => {
  test("takes the table's remedy when it is given none", () => {
    const code: ErrorCode = 'port_in_use';
    expect(new CodedError(code, { message: 'Port 80 is taken.' }).text).toBe(
      `Port 80 is taken. ${errorCodes[code].remedy}`,
    );
    expect(new CodedError(code, { message: 'Port 80 is taken.', remedy: 'Use 81.' }).text).toBe(
      'Port 80 is taken. Use 81.',
    );
  });

  test.each([
    ['Its last words: boom: thing', 'Its last words: boom: thing. Run again.'],
    ['The last one at line 104: {"a":[1]}', 'The last one at line 104: {"a":[1]}. Run again.'],
    ['It was lost (Docker: cut).', 'It was lost (Docker: cut). Run again.'],
    ['It said "No."', 'It said "No." Run again.'],
    ['It hung up…', 'It hung up… Run again.'],
  ])('ends the sentence before its remedy, when quoted text has not: %s', (message, text) => {
    expect(new CodedError('connector_failed', { message, remedy: 'Run again.' }).text).toBe(text);
  });

  test('adds nothing to a message without a remedy', () => {
    expect(new CodedError('connector_failed', { message: 'Its own words', remedy: '' }).text.trim()).toBe(
      'Its own words',
    );
  });

  test('keeps the error behind it', () => {
    const cause = new Error('ECONNREFUSED');
    expect(new CodedError('unreachable', { message: 'x', cause }).cause).toBe(cause);
    expect('cause' in new CodedError('unreachable', { message: 'x' })).toBe(false);
  });

  test('is passed through by toCodedError, which makes anything else a defect', () => {
    const error = new CodedError('timed_out', { message: 'x' });
    expect(toCodedError(error)).toBe(error);
    expect(toCodedError(new TypeError('boom'))).toMatchObject({ code: 'internal', message: 'Unexpected error: boom' });
    expect(toCodedError(undefined)).toMatchObject({ code: 'internal', message: 'Unexpected error: undefined' });
  });
});
