import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

it('never lends memory that somebody has', () => {
  const step = fc.record({ bytes: fc.constantFrom(0, 1, 1000, 65_536, 65_537, 200_000, 5_000_000), gives: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pool = new BufferPool();
      const held = new Map<Buffer, number>();
      for (const [i, { bytes, gives }] of steps.entries()) {
        const buffer = pool.take(bytes);
        expect(buffer.length).toBe(bytes);
        held.set(buffer.fill(i), i);
        for (const [one, filler] of [...held].slice(0, gives)) {
          expect(one.every((byte) => byte === filler)).toBe(true);
          held.delete(one);
          pool.giveBack(one);
          pool.giveBack(one);
        }
      }
    }),
    { numRuns: 30 },
  );
});

it('uses memory again that was given back, and makes room for larger buffers', () => {
  const pool = new BufferPool();
  for (const bytes of [1000, 100_000, 1_000_000]) {
    // As many small ones as it keeps.
    const small = Array.from({ length: 100 }, () => pool.take(1000));
    for (const one of small) pool.giveBack(one);
    const blocks = new Set<ArrayBufferLike>();
    for (let i = 0; i < 200; i++) {
      const buffer = pool.take(bytes);
      blocks.add(buffer.buffer);
      pool.giveBack(buffer);
    }
    expect(blocks.size).toBeLessThan(20);
  }
});

it('takes nothing from others', () => {
  const pool = new BufferPool();
  const foreign = Buffer.alloc(100_000);
  const part = pool.take(100_000).subarray(0, 10);
  pool.giveBack(foreign);
  pool.giveBack(part);
  const buffer = pool.take(100_000);
  expect(buffer.buffer).not.toBe(foreign.buffer);
  expect(buffer.buffer).not.toBe(part.buffer);
});
