import { CodedError, message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { continuedProgress } from '../reduce/sync-state.ts';
import { said, status } from '../reduce/testing.ts';
import { runEndOf } from './run-history.ts';

const wrote = (stream: string, created: number) =>
  said(message.writeResult({ stream, created, updated: 1, deleted: 0, skipped: 0 }));

describe('how a call ended', () => {
  it('counts what it did alone, though it goes on with the progress of the calls before', () => {
    const first = [wrote('a', 10), wrote('b', 5)].reduce(reduceProgress, initialProgress(['a', 'b'], 0));
    expect(runEndOf(undefined, true, first)).toEqual({
      outcome: 'stopped',
      counts: { records: 17, created: 15, updated: 2, deleted: 0, skipped: 0, bytes: 0 },
    });
    const second = [wrote('a', 3)].reduce(reduceProgress, continuedProgress(first, ['a', 'b'], 1));
    expect(runEndOf(undefined, false, second, first, 70)).toEqual({
      outcome: 'done',
      counts: { records: 4, created: 3, updated: 1, deleted: 0, skipped: 0, bytes: 70 },
    });
    expect(runEndOf(undefined, false, continuedProgress(second, ['a', 'b'], 2), second).counts.records).toBe(0);
  });

  it('failed when a stream did, and says of each why', () => {
    const failed = reduceProgress(initialProgress(['a'], 0), status({ stream: 'a', status: 'error', error: 'no' }));
    expect(runEndOf(undefined, false, failed)).toMatchObject({ outcome: 'failed', error: 'a: no' });
    const asked = new CodedError('stopped', { message: 'stopped' });
    expect(runEndOf(asked, true, initialProgress(['a'], 0))).toMatchObject({ outcome: 'stopped' });
  });
});
