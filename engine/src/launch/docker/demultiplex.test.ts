import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Demultiplexer, type OutputKind } from './demultiplex.ts';

const kinds: readonly OutputKind[] = ['stdin', 'stdout', 'stderr'];

function frame(kind: OutputKind, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kinds.indexOf(kind);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

function takeApart(chunks: readonly Buffer[]): { content: Record<string, string>; whole: boolean } {
  const demultiplexer = new Demultiplexer();
  const content: Record<string, string> = {};
  for (const chunk of chunks) {
    demultiplexer.push(chunk, (kind, bytes) => {
      expect(bytes.length).toBeGreaterThan(0);
      content[kind] = (content[kind] ?? '') + bytes.toString('hex');
    });
  }
  return { content, whole: demultiplexer.isBetweenFrames };
}

const frames = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 });

describe('taking frames apart', () => {
  it('gives each kind its bytes, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(900)), (list, cuts) => {
        const all = Buffer.concat(list.map(([kind, content]) => frame(kind, content)));
        const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const chunks = at.slice(1).map((end, i) => all.subarray(at[i]!, end));
        const expected: Record<string, string> = {};
        for (const [kind, content] of list) {
          if (content.length > 0) expected[kind] = (expected[kind] ?? '') + Buffer.from(content).toString('hex');
        }
        expect(takeApart(chunks)).toEqual({ content: expected, whole: true });
      }),
    );
  });

  it('says that a connection was cut when it ends inside a frame, and only then', () => {
    fc.assert(
      fc.property(frames, fc.nat(900), (list, cut) => {
        const buffers = list.map(([kind, content]) => frame(kind, content));
        const ends = new Set([0]);
        let length = 0;
        for (const buffer of buffers) {
          length += buffer.length;
          ends.add(length);
        }
        const end = Math.min(cut, length);
        expect(takeApart([Buffer.concat(buffers).subarray(0, end)]).whole).toBe(ends.has(end));
      }),
    );
  });

  it('copies no content: what it gives lies in the chunk', () => {
    const chunk = frame('stdout', Buffer.from('records'));
    new Demultiplexer().push(chunk, (_kind, bytes) => expect(bytes.buffer).toBe(chunk.buffer));
    expect.assertions(1);
  });

  it('refuses bytes that are no frames, such as those of a terminal', () => {
    expect(() => takeApart([Buffer.from('{"type":"record"}')])).toThrow(/no frame of output: 7b22/);
  });
});
