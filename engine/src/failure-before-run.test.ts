import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, type EofPayload } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { failureBeforeRun } from './failure-before-run.ts';
import { callPenstock } from './launch/testing/call-penstock.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const invalid = new CodedError('config_invalid', { message: 'There is no key "x".', remedy: 'Use "y".' });
const stopped = new CodedError('stopped', { message: 'It was stopped.' });

function eofOf(error: CodedError): EofPayload {
  const last = failureBeforeRun(error, now).at(-1);
  if (last?.type !== 'eof') throw new Error('the last message is no eof');
  return last.eof;
}

function progressesOf({ run_progress, request_progress, ending_state }: EofPayload) {
  return [run_progress, request_progress, ending_state.sync_run.progress];
}

describe('a run that could not begin', () => {
  it.each([
    ['failed', invalid],
    ['started', stopped],
  ])('says that it has %s, wherever it says how it stands', (status, error) => {
    const eof = eofOf(error);
    expect([eof.status, ...progressesOf(eof).map(({ derived }) => derived.status)]).toEqual(Array(4).fill(status));
  });

  it('has its failure in its progress, as it was said', () => {
    const [said] = failureBeforeRun(invalid, now);
    const failure = { status: 'failed', message: 'There is no key "x". Use "y".', failure_type: 'config' };
    expect(said).toMatchObject({ type: 'connection_status', connection_status: failure });
    for (const progress of progressesOf(eofOf(invalid))) expect(progress.connection_status).toEqual(failure);
  });

  it('has no failure in its progress when it was stopped', () => {
    for (const progress of progressesOf(eofOf(stopped))) expect(progress).not.toHaveProperty('connection_status');
  });

  it.each([invalid, stopped])('stamps each message with who said it and when: %s', (error) => {
    for (const message of failureBeforeRun(error, now)) {
      expect(message).toMatchObject({ _emitted_by: 'engine', _ts: expect.stringMatching(/^2026-01-01T00:00:00/) });
    }
  });

  it('is one whose pipeline has a mistake, as `sync --json` prints it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-failure-test-'));
    try {
      const file = join(folder, 'bad.yaml');
      await writeFile(file, 'sauce: {type: stripe}\n');
      const { eof, exitCode } = await callPenstock(['sync', '-c', file, '--json']);
      expect(exitCode).toBe(20);
      expect(eof).toMatchObject({ status: 'failed', run_progress: { derived: { status: 'failed' } } });
      expect(eof?.run_progress.connection_status?.message).toContain('sauce');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
