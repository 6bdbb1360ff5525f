import { describe, expect, it } from 'vitest';
import { StderrLines } from './stderr-lines.ts';

function collector(secrets: readonly string[] = []) {
  const clock = { now: 5000 };
  const given: string[] = [];
  const lines = new StderrLines(
    secrets,
    (line) => given.push(line),
    () => clock.now,
  );
  return { lines, given, clock };
}

describe('lines of stderr', () => {
  it('are the same whatever the chunks are', () => {
    const text = Buffer.from('one\r\n\n  zwei ü\nthree');
    for (let size = 1; size <= text.length; size++) {
      const { lines, given } = collector();
      for (let at = 0; at < text.length; at += size) lines.push(text.subarray(at, at + size));
      lines.end();
      expect(given).toEqual(['one', '  zwei ü', 'three']);
    }
  });

  it('hold no secret, in however many chunks and lines it comes', () => {
    const { lines, given } = collector(['sk_verysecret', '-----BEGIN KEY-----\nMIIEabcdef\n-----END KEY-----']);
    for (const part of ['key sk_very', 'secret is bad\n-----BEGIN KEY-----\nMIIEab', 'cdef\n'])
      lines.push(Buffer.from(part));
    lines.end();
    expect(given).toEqual(['key ******** is bad', '********', '********']);
  });

  it('are cut where they are too long, without half a secret at the end', () => {
    const { lines, given } = collector(['sk_verysecret']);
    const chunk = Buffer.from('x'.repeat(100_000));
    for (let i = 0; i < 10; i++) lines.push(chunk);
    lines.push(Buffer.from(`\n${'y'.repeat(1995)}sk_verysecret\n`));
    expect(given.map((line) => line.length)).toEqual([2001, 2001]);
    expect(given[1]).toBe(`${'y'.repeat(1995)}*****…`);
  });

  it('are no more than a hundred a second, and the others are counted', () => {
    const { lines, given, clock } = collector();
    lines.push(Buffer.from('a\n'.repeat(1000)));
    expect(given).toHaveLength(100);
    clock.now += 1000;
    lines.push(Buffer.from('b\n'));
    expect(given.slice(100)).toEqual(['… 900 more lines are left out.', 'b']);
    lines.push(Buffer.from('c\n'.repeat(100)));
    lines.end();
    expect(given.at(-1)).toBe('… 1 more lines are left out.');
  });
});
