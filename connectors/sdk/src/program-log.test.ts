import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { STDERR_WAITING_BYTES_MAX } from './limit.ts';
import { ProgramLog } from './program-log.ts';
import { SecretScrubber } from './secret-scrubber.ts';

test('log lines do not pile up when nobody reads stderr', () => {
  // Never says that it is done with the first write.
  const stderr = new Writable({ write: () => undefined });
  let messages = 0;
  const toOutput = (): void => {
    messages += 1;
  };
  const scrubber = new SecretScrubber();
  const log = new ProgramLog({ program: 'p', stderr, stderrLevel: undefined, scrubber, toOutput });
  for (let i = 0; i < 10_000; i++) log.warn('x'.repeat(1000));
  expect(messages).toBe(10_000);
  expect(stderr.writableLength).toBeLessThan(STDERR_WAITING_BYTES_MAX + 10_000);
});
