import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from './error-code.ts';
import { LineSplitter } from './line-splitter.ts';

/** Pushes the chunks through a new splitter. The chunks are overwritten afterwards: nothing may still lie in them. */
function split(chunks: readonly Buffer[], lineBytesMax?: number) {
  const splitter = new LineSplitter(lineBytesMax);
  const lines: string[] = [];
  const numbers: number[] = [];
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    splitter.push(copy, (bytes, start, end) => {
      lines.push(bytes.toString('latin1', start, end));
      numbers.push(splitter.lineNumber);
    });
    copy.fill(0x21);
  }
  const rest = splitter.takeRest()?.toString('latin1');
  return { lines, numbers, rest, splitter };
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

function errorOf(action: () => unknown): CodedError {
  try {
    action();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('LineSplitter', () => {
  const bytes = fc
    .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0x0a, 0x0d) }, fc.integer({ min: 0, max: 255 })), {
      maxLength: 200,
    })
    .map((all) => Buffer.from(all));

  test('gives the same lines however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 40 }), (all, cuts) => {
        const pieces = all.toString('latin1').split('\n');
        const rest = pieces.pop();
        const result = split(cut(all, cuts));
        expect(result.lines).toEqual(pieces.map((line) => line.replace(/\r$/, '')));
        expect(result.rest ?? '').toBe(rest);
        expect(result.numbers).toEqual(pieces.map((_, i) => i + 1));
      }),
    );
  });

  test('refuses the same line whatever the chunks, and gives all lines before it', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (all, cuts, max) => {
        const pieces = all.toString('latin1').split('\n');
        const bad = pieces.findIndex((line) => line.length > max);
        const splitter = new LineSplitter(max);
        let given = 0;
        const run = () => {
          for (const chunk of cut(all, cuts)) splitter.push(chunk, () => given++);
        };
        if (bad === -1) run();
        else expect(errorOf(run).message).toContain(`Line ${bad + 1} is at least`);
        expect(given).toBe(bad === -1 ? pieces.length - 1 : bad);
      }),
    );
  });

  test('takes off one carriage return before the newline and leaves any other', () => {
    expect(split([Buffer.from('a\r\n\r\n\r\r\nb\rc\n')]).lines).toEqual(['a', '', '\r', 'b\rc']);
  });

  test('takes off a carriage return that came in the chunk before the newline', () => {
    expect(split([Buffer.from('a\r'), Buffer.from('\nb')])).toMatchObject({ lines: ['a'], rest: 'b' });
  });

  test('gives blank lines, so that line numbers are those of the file', () => {
    expect(split([Buffer.from('\n\na\n')])).toMatchObject({ lines: ['', '', 'a'], numbers: [1, 2, 3] });
  });

  test('keeps what has no newline for takeRest, counts it as a line and is empty afterwards', () => {
    const { rest, splitter } = split([Buffer.from('a\nhal'), Buffer.from('f')]);
    expect(rest).toBe('half');
    expect(splitter.lineNumber).toBe(2);
    expect(splitter.pendingBytes).toBe(0);
    expect(splitter.takeRest()).toBeUndefined();
  });

  test('accepts a line of exactly the limit and refuses one byte more, in one chunk or byte by byte', () => {
    const exact = Buffer.from(`${'x'.repeat(10)}\n`);
    const over = Buffer.from(`${'x'.repeat(11)}\n`);
    const single = (all: Buffer) => [...all].map((byte) => Buffer.from([byte]));
    expect(split([exact], 10).lines).toEqual(['x'.repeat(10)]);
    expect(split(single(exact), 10).lines).toEqual(['x'.repeat(10)]);
    expect(errorOf(() => split([over], 10)).code).toBe('line_too_long');
    expect(errorOf(() => split(single(over), 10)).code).toBe('line_too_long');
  });

  test('refuses a line before its newline has come, naming its number, stream, size and the limit', () => {
    const splitter = new LineSplitter(100);
    splitter.push(Buffer.from('a\nb\n'), () => {});
    splitter.push(Buffer.from('{"type":"record","record":{"stream":"invoices","data":"'), () => {});
    const error = errorOf(() => splitter.push(Buffer.alloc(100, 'x'), () => {}));
    expect(error.code).toBe('line_too_long');
    expect(error.exitCode).toBe(40);
    expect(error.message).toBe('Line 3 (stream "invoices") is at least 155 bytes long; at most 100 are allowed.');
  });

  test('is over after a line that it refused: nothing of it is glued to what comes later, and nothing later is given', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 10 }), (cuts) => {
        const splitter = new LineSplitter(5);
        const lines: string[] = [];
        const errors = new Set<unknown>();
        for (const chunk of cut(Buffer.from('a\nb\nabcdef\nc\nd\nabc'), cuts)) {
          try {
            splitter.push(chunk, (line, start, end) => lines.push(line.toString('latin1', start, end)));
          } catch (error) {
            errors.add(error);
          }
        }
        expect(lines).toEqual(['a', 'b']);
        expect(errors.size).toBe(1);
        expect([splitter.pendingBytes, splitter.takeRest()]).toEqual([0, undefined]);
      }),
    );
  });

  test('is over after its callback has thrown', () => {
    const splitter = new LineSplitter();
    const failure = new Error('enough');
    const push = (text: string) =>
      splitter.push(Buffer.from(text), (bytes, start, end) => {
        if (bytes.toString('latin1', start, end) === 'bad') throw failure;
      });
    push('good\nba');
    expect(() => push('d\ngood\nhal')).toThrow(failure);
    expect(() => push('f\n')).toThrow(failure);
    expect(splitter.takeRest()).toBeUndefined();
  });

  test('puts together a line of many megabytes from small chunks and gives the memory back', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(4096, 'x');
    let length = 0;
    for (let i = 0; i < 4096; i++) splitter.push(chunk, () => {});
    expect(splitter.pendingBytes).toBe(16 * 1024 * 1024);
    splitter.push(Buffer.from('\nnext'), (_bytes, start, end) => {
      length = end - start;
    });
    expect(length).toBe(16 * 1024 * 1024);
    expect(splitter.pendingBytes).toBe(4);
    expect(splitter.takeRest()?.buffer.byteLength).toBeLessThan(100);
  });

  test('never writes to a line that it has given', () => {
    const splitter = new LineSplitter();
    const kept: Buffer[] = [];
    for (const chunk of ['a', 'a\nb', 'b\nc', 'c\n']) {
      splitter.push(Buffer.from(chunk), (line, start, end) => kept.push(line.subarray(start, end)));
    }
    expect(kept.map(String)).toEqual(['aa', 'bb', 'cc']);
  });

  test('gives a line inside a chunk without copying it', () => {
    const chunk = Buffer.from('one\ntwo\n');
    new LineSplitter().push(chunk, (bytes) => expect(bytes).toBe(chunk));
  });
});
