import { expect, it } from 'vitest';
import { freeChunk } from './free-chunk.ts';

it('leaves nothing of a chunk that has memory of its own', () => {
  const chunk = Buffer.from(new ArrayBuffer(65_536));
  freeChunk(chunk);
  expect(chunk.length).toBe(0);
  expect(() => freeChunk(chunk)).not.toThrow();
});

it('leaves memory alone that a chunk has a part of', () => {
  const all = Buffer.from(new ArrayBuffer(65_536));
  freeChunk(all.subarray(0, 100));
  freeChunk(all.subarray(1));
  expect(all.length).toBe(65_536);
});
