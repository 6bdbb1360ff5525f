import { describe, expect, it } from 'vitest';
import { PageSlots } from './page-slots.ts';

const never = new AbortController().signal;

describe('PageSlots', () => {
  it('never gives out more slots than there are, and serves the first line before the other', async () => {
    const slots = new PageSlots(2);
    const releases = [await slots.acquire(false, never), await slots.acquire(true, never)];
    const order: string[] = [];
    const wait = (name: string, isFirst: boolean): Promise<void> =>
      slots.acquire(isFirst, never).then((release) => {
        order.push(name);
        releases.push(release);
      });
    const all = [wait('rest 1', false), wait('first 1', true), wait('rest 2', false), wait('first 2', true)];
    await Promise.resolve();
    expect(order).toEqual([]);
    for (let i = 0; i < 4; i++) {
      releases[i]?.();
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(order).toEqual(['first 1', 'first 2', 'rest 1', 'rest 2']);
  });

  it('counts a slot once that is given back twice', async () => {
    const slots = new PageSlots(1);
    const release = await slots.acquire(true, never);
    release();
    release();
    await slots.acquire(true, never);
    let isGranted = false;
    void slots.acquire(true, never).then(() => (isGranted = true));
    await new Promise(setImmediate);
    expect(isGranted).toBe(false);
  });

  it('forgets who was aborted while waiting', async () => {
    const slots = new PageSlots(1);
    const release = await slots.acquire(true, never);
    const abort = new AbortController();
    const aborted = slots.acquire(true, abort.signal);
    const next = slots.acquire(false, never);
    abort.abort(new Error('stop'));
    await expect(aborted).rejects.toThrow('stop');
    release();
    await next;
  });
});
