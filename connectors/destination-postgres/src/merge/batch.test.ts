import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch } from './batch.ts';

const mebibyte = 1024 * 1024;

/** Reads binary COPY data as the Postgres manual describes it (COPY, File Formats, Binary Format). */
function readCopy(bytes: Buffer): { n: number; json: string }[] {
  expect(bytes.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0');
  expect([bytes.readInt32BE(11), bytes.readInt32BE(15)]).toEqual([0, 0]);
  const rows: { n: number; json: string }[] = [];
  let at = 19;
  for (;;) {
    const fields = bytes.readInt16BE(at);
    at += 2;
    if (fields === -1) break;
    expect([fields, bytes.readInt32BE(at)]).toEqual([2, 4]);
    const length = bytes.readInt32BE(at + 8);
    expect(bytes[at + 12]).toBe(1); // version of the jsonb format
    rows.push({ n: bytes.readInt32BE(at + 4), json: bytes.toString('utf8', at + 13, at + 12 + length) });
    at += 12 + length;
  }
  expect(at).toBe(bytes.length);
  return rows;
}

const all = (batch: Batch) => Array.from({ length: batch.count }, (_, index) => index);

describe('a batch', () => {
  it('gives back every record as its bytes were, in order, as binary COPY rows', () => {
    fc.assert(
      fc.property(fc.array(fc.json()), fc.integer({ min: 1, max: 2000 }), (records, bytesMax) => {
        const batch = new Batch('s', bytesMax);
        for (const [index, json] of records.entries()) batch.add(Buffer.from(json), index + 1);
        expect(readCopy(Buffer.concat([...batch.copyData(all(batch))]))).toEqual(
          records.map((json, n) => ({ n, json })),
        );
        expect(records.map((_, index) => batch.data(index).toString())).toEqual(records);
        expect(batch.count).toBe(records.length);
      }),
    );
  });

  it('sends just the records that are asked for, replaced ones in their new form', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.json(), fc.boolean(), fc.boolean()), { maxLength: 30 }), (records) => {
        const batch = new Batch('s', mebibyte);
        for (const [index, [json]] of records.entries()) batch.add(Buffer.from(json), index);
        for (const [index, [, isReplaced]] of records.entries())
          if (isReplaced) batch.replace(index, Buffer.from('{"new":1}'));
        const wanted = all(batch).filter((index) => records[index]![2]);
        const expected = wanted.map((n) => ({ n, json: records[n]![1] ? '{"new":1}' : records[n]![0] }));
        expect(readCopy(Buffer.concat([...batch.copyData(wanted)]))).toEqual(expected);
      }),
    );
  });

  it('keeps nothing of the buffers that records came in', () => {
    const batch = new Batch('s', mebibyte);
    const input = Buffer.from('{"a":1}');
    batch.add(input, 1);
    input.fill(0);
    expect(batch.data(0).toString()).toBe('{"a":1}');
  });

  it('gives its buffer to later batches, of which only so many are kept', () => {
    const spare: Buffer<ArrayBuffer>[] = [];
    const batches = [1, 2, 3].map(() => new Batch('s', mebibyte, spare));
    for (const batch of batches) batch.add(Buffer.alloc(mebibyte / 2, ' '), 1);
    for (const batch of batches) batch.release(2);
    expect(spare).toHaveLength(2);
    new Batch('s', mebibyte, spare).add(Buffer.alloc(mebibyte / 2, ' '), 1);
    expect(spare).toHaveLength(1);
  });

  it('takes a record that is larger than the batch was meant to be', () => {
    const batch = new Batch('s', 1000);
    const large = Buffer.from(JSON.stringify({ x: 'y'.repeat(3 * mebibyte) }));
    batch.add(Buffer.from('{}'), 1);
    batch.add(large, 2);
    expect(batch.data(1).equals(large)).toBe(true);
    expect(batch.lineNumber(1)).toBe(2);
  });
});
