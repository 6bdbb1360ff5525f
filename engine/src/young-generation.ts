/**
 * Keeps the part of the heap small in which V8 makes new objects; imported for that, before all else. What is relayed passes
 * outside of the heap, and is freed when that part is full (P4). Measured at 2 GB relayed: 99 MB instead of 109 at the peak, for
 * no more processor time. It is a hint: a V8 that doesn't know it any more ignores it.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
