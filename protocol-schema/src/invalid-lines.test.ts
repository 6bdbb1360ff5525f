import { describe, expect, test } from 'vitest';
import { CodedError } from './error-code.ts';
import { InvalidLines, showLine } from './invalid-lines.ts';
import { INVALID_LINES_MAX } from './limit.ts';

describe('InvalidLines', () => {
  test('lets a hundred pass, each with a warning, and throws at the next', () => {
    const lines = new InvalidLines('source/stripe');
    for (let i = 1; i <= INVALID_LINES_MAX; i++) {
      const warning = lines.add(i * 10, Buffer.from('oops'), 'not JSON');
      expect(warning).toEqual({
        level: 'warn',
        message: `source/stripe: line ${i * 10} is not a message (not JSON): oops`,
        data: { line_number: i * 10, invalid_lines: i },
      });
    }
    expect(lines.count).toBe(100);
    expect(() => lines.add(2000, Buffer.from('the last straw'), 'not JSON')).toThrow(
      'source/stripe wrote 101 lines that are no messages, the last one at line 2000: the last straw',
    );
  });

  test('ends the run as a breach of the protocol', () => {
    let thrown: unknown;
    try {
      new InvalidLines('source/x', 0).add(1, Buffer.from('x'), 'not JSON');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CodedError);
    expect(thrown).toMatchObject({ code: 'protocol_violated', exitCode: 40 });
  });
});

describe('showLine', () => {
  test('shows a line of 200 bytes whole, and of a longer one 200 bytes and its length', () => {
    expect(showLine(Buffer.alloc(200, 'x'))).toBe('x'.repeat(200));
    expect(showLine(Buffer.alloc(201, 'x'))).toBe(`${'x'.repeat(200)}… (201 bytes)`);
  });

  test('counts bytes, not characters, and survives a cut inside of one', () => {
    expect(showLine(Buffer.from('€'.repeat(100)))).toBe(`${'€'.repeat(66)}\u{fffd}… (300 bytes)`);
  });

  test('replaces what would move a cursor, ring, break the line, turn its direction or is not UTF-8', () => {
    const odd = Buffer.concat([Buffer.from('a\u001b[2Jb\u0007c\rd\u0085e\u2028f\u202eg\u0000'), Buffer.from([0xff])]);
    expect(showLine(odd)).toBe('a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f\u{fffd}g\u{fffd}\u{fffd}');
  });
});
