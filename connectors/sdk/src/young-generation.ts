import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the part of the heap small in which V8 makes new objects. Records pass through a connector as buffers outside of the
 * heap, which are freed only when that part is full and cleared: when it grows, as it does by default, tens of megabytes of
 * pages that were written long ago wait for that (P4). Measured on 200,000 records of 1.3 KB: 218 MB at the peak instead of
 * 273, and a fifth less processor time.
 *
 * Call before anything else is done. It is a hint: a V8 that doesn't know it any more ignores it.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
