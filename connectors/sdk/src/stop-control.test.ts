import { describe, expect, test } from 'vitest';
import { SAME_SIGNAL_MS } from './limit.ts';
import { StopControl } from './stop-control.ts';

function stopControl(softly?: () => void) {
  const notes: string[] = [];
  const stop = new StopControl();
  stop.prepare({ note: (text) => notes.push(text), ...(softly === undefined ? {} : { softly }) });
  return { stop, notes };
}

describe('requests to stop', () => {
  test('abort at the first one where there is no softer way, and end all waiting at the next', async () => {
    const { stop, notes } = stopControl();
    stop.request('SIGTERM');
    expect([stop.isStopping, stop.signal.aborted, notes]).toEqual([true, true, ['SIGTERM: stopping.']]);
    stop.request('SIGTERM');
    await stop.whenForced;
    stop.end();
  });

  test('stop softly first where there is such a way, then abort', () => {
    let softly = 0;
    const { stop } = stopControl(() => {
      softly += 1;
    });
    expect(stop.requested.aborted).toBe(false);
    stop.request('SIGTERM');
    expect([softly, stop.requested.aborted, stop.signal.aborted]).toEqual([1, true, false]);
    stop.request('SIGTERM');
    expect([softly, stop.signal.aborted]).toEqual([1, true]);
    stop.end();
  });

  test('that came before the way was known take it', () => {
    let softly = 0;
    const stop = new StopControl();
    stop.request('SIGTERM');
    stop.prepare({
      note: () => undefined,
      softly: () => {
        softly += 1;
      },
    });
    expect(softly).toBe(1);
    stop.end();
  });

  test('by signals that come together are one, and a long row of them is heard again in time', () => {
    let softly = 0;
    const { stop } = stopControl(() => {
      softly += 1;
    });
    stop.signalled('SIGINT', 1000);
    for (let now = 1000; now < 1000 + SAME_SIGNAL_MS; now += 100) stop.signalled('SIGTERM', now);
    expect([softly, stop.signal.aborted]).toEqual([1, false]);
    stop.signalled('SIGINT', 1000 + SAME_SIGNAL_MS);
    expect(stop.signal.aborted).toBe(true);
    stop.end();
  });

  test('force the end of themselves after a time', async () => {
    const stop = new StopControl(1);
    stop.request('SIGTERM');
    await stop.whenForced;
    stop.end();
  });

  test('mean nothing when the work is over', () => {
    const { stop, notes } = stopControl();
    stop.end();
    stop.request('End of stdin');
    expect([stop.isStopping, stop.signal.aborted, notes]).toEqual([false, false, []]);
  });
});
