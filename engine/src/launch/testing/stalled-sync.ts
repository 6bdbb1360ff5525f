import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { fakePipeline, type PenstockProcess, startPenstock } from './penstock.ts';

const stalling = fileURLToPath(new URL('fake-stalling.mjs', import.meta.url));

/** A `penstock sync` in the middle of something. */
export interface StalledSync {
  /** The pipeline file. */
  readonly file: string;
  /** Where the destination writes its ids. */
  readonly out: string;
  readonly process: PenstockProcess;
  /** Process ids of the connectors that run at that moment. */
  readonly children: readonly number[];
  /** Resolves when the source has said all that it has and has ended: only where the destination stalls. */
  whenSourceEnded(): Promise<void>;
  /** Lets the connector do what it was asked for, in this sync and in later ones. */
  goOn(): Promise<void>;
}

/**
 * A sync of the fake pipeline whose source or destination has just been asked for something and does not do it.
 *
 * @param folder its own, and where the private folders of connectors are made
 * @param records in stream `a`
 * @param more keys of the pipeline in place of the fake one's
 */
export async function stalledSync(
  folder: string,
  side: 'source' | 'destination',
  command: string,
  records: number,
  more: Record<string, unknown> = {},
): Promise<StalledSync> {
  const { file, out } = await fakePipeline(folder, { streams: { a: records } });
  const pipeline = JSON.parse(await readFile(file, 'utf8'));
  const [mark, readMark] = [join(folder, 'stalled'), join(folder, 'reading')];
  // That it has begun is told by a file; it does not stall there.
  await writeFile(`${readMark}.go`, '');
  pipeline.source.command = [process.execPath, stalling, 'read', readMark, 'fake-source'];
  pipeline[side].command = [process.execPath, stalling, command, mark, `fake-${side}`];
  await writeFile(file, JSON.stringify({ ...pipeline, ...more }));
  const started = startPenstock(['sync', '-c', file, '--json'], { TMPDIR: folder });
  const pid = started.child.pid!;
  await expect.poll(() => existsSync(mark)).toBe(true);
  const children = await childrenOf(pid);
  expect(children).not.toEqual([]);
  return {
    file,
    out,
    process: started,
    children,
    whenSourceEnded: async () => {
      await expect.poll(() => existsSync(readMark)).toBe(true);
      await expect.poll(() => childrenOf(pid)).toHaveLength(1);
    },
    goOn: () => writeFile(`${mark}.go`, ''),
  };
}

/** The ids of the processes that a process has started and that are there. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}
