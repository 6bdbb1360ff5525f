import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNamedPipe, openNamedPipe } from './named-pipe.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'named-pipe-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function makePipe(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

const patient = { timeoutMs: 30_000 };

describe('a named pipe', () => {
  it.each([
    ['reader', ['read', 'write']],
    ['writer', ['write', 'read']],
  ] as const)('carries what is written, also when the %s comes first', async (first, order) => {
    const path = makePipe(`first-${first}`);
    const ends: Partial<Record<'read' | 'write', Promise<Socket>>> = {};
    for (const end of order) ends[end] = openNamedPipe(path, end, patient);
    (await ends.write!).end('x'.repeat(300_000));
    expect((await text(await ends.read!)).length).toBe(300_000);
  });

  it('is told from files, and from what is not there', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await Promise.all([makePipe('one'), file, join(folder, 'none')].map(isNamedPipe))).toEqual([
      true,
      false,
      false,
    ]);
    await expect(openNamedPipe(join(folder, 'none'), 'write', patient)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(openNamedPipe(join(folder, 'none'), 'read', patient)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is given up after its time', async () => {
    const path = makePipe('late');
    await expect(openNamedPipe(path, 'write', { timeoutMs: 50 })).rejects.toThrow(
      /^nobody opened it for reading within 0.05 s$/,
    );
    await expect(openNamedPipe(path, 'read', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('is given up when that is asked for, before or while it waits', async () => {
    const path = makePipe('aborted');
    for (const end of ['read', 'write'] as const) {
      const abort = new AbortController();
      const waiting = openNamedPipe(path, end, { ...patient, signal: abort.signal });
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'ABORT_ERR' });
      await expect(openNamedPipe(path, end, { ...patient, signal: abort.signal })).rejects.toMatchObject({
        code: 'ABORT_ERR',
      });
    }
  });

  it('costs no thread for good, however many of them wait in vain', async () => {
    const paths = Array.from({ length: 10 }, (_, i) => makePipe(`vain-${i}`));
    const results = await Promise.allSettled(paths.map((path) => openNamedPipe(path, 'read', { timeoutMs: 100 })));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(await readFile(import.meta.filename, 'utf8')).not.toBe('');
  });
});
