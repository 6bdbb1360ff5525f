import { describe, expect, it } from 'vitest';
import { WriterPool } from './writer-pool.ts';

describe('a pool of writers', () => {
  it('gives each taker another writer until one is given back', () => {
    const pool = new WriterPool();
    const [first, second] = [pool.take(), pool.take()];
    expect(second).not.toBe(first);
    first.text('said');
    pool.give(first);
    const again = pool.take();
    expect(again).toBe(first);
    expect(again.length).toBe(0);
    expect(pool.take()).not.toBe(first);
  });

  it('keeps neither a writer that has grown large nor any number of them', () => {
    const pool = new WriterPool();
    const large = pool.take();
    large.text('x'.repeat(2_000_000));
    pool.give(large);
    expect(pool.take()).not.toBe(large);
    const many = Array.from({ length: 100 }, () => pool.take());
    for (const writer of many) pool.give(writer);
    const kept = Array.from({ length: 100 }, () => pool.take()).filter((writer) => many.includes(writer));
    expect(kept.length).toBe(16);
  });
});
