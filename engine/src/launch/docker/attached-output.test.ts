import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AttachedOutput } from './attached-output.ts';

const MIB = 1024 ** 2;

function frame(content: Buffer): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

/** A connection that always has more. */
function endless(): PassThrough {
  const connection = new PassThrough();
  const chunk = frame(Buffer.alloc(32 * 1024));
  const fill = (): void => {
    while (connection.write(chunk));
    connection.once('drain', fill);
  };
  fill();
  return connection;
}

function connected(connection: PassThrough): AttachedOutput {
  const output = new AttachedOutput();
  output.connect(connection);
  return output;
}

describe('the output of a container', () => {
  it('ends when the connection does, after all that came', async () => {
    const connection = new PassThrough();
    const output = connected(connection);
    connection.write(frame(Buffer.from('one ')));
    connection.end(frame(Buffer.from('two')));
    expect(await text(output)).toBe('one two');
    expect(await output.whenClosed).toBe('ended');
  });

  it('says that the connection was cut when it ends inside a frame, is closed, or fails', async () => {
    const ends: ((connection: PassThrough) => void)[] = [
      (connection) => void connection.end(frame(Buffer.from('half')).subarray(0, 10)),
      (connection) => void connection.destroy(),
      (connection) => void connection.destroy(new Error('reset')),
      (connection) => void connection.write('no frame of output'),
    ];
    for (const end of ends) {
      const connection = new PassThrough();
      const output = connected(connection);
      output.resume();
      end(connection);
      expect(await output.whenClosed).toBeInstanceOf(Error);
    }
  });

  it('does not need a connection to end', async () => {
    const output = new AttachedOutput();
    output.finish('ended');
    const late = new PassThrough();
    output.connect(late);
    late.destroy(new Error('too late'));
    expect(await text(output)).toBe('');
  });
});

describe('while nobody reads', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Lets so much time pass; streams get their turns. */
  async function pass(output: Readable, seconds: number): Promise<number> {
    for (let i = 0; i < 2 * seconds; i++) {
      vi.advanceTimersByTime(500);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    return output.readableLength;
  }

  it('what a container has said last, 192 KiB, is read within two seconds', async () => {
    const output = connected(endless());
    output.read(0);
    const before = await pass(output, 0.5);
    expect((await pass(output, 1.5)) - before).toBeGreaterThan(192 * 1024);
    output.destroy();
  });

  it('no more than 17 MiB are held, however long that goes on', async () => {
    const output = connected(endless());
    const held = await pass(output, 120);
    expect(held).toBeGreaterThan(15 * MIB);
    expect(held).toBeLessThan(17 * MIB);
    expect(await pass(output, 120)).toBe(held);
    output.destroy();
  });
});
