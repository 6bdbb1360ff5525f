import { readFile, readlink } from 'node:fs/promises';
import * as z from 'zod';

/** What tells a process of this host apart from all others, and says where its id means something. */
export const processMarkSchema = z.object({
  pid: z.int(),
  /** When it was started, as its kernel counts it: a process id alone is used again. */
  started: z.string().optional(),
  /** Where the id counts: the boot of its kernel and its namespace of process ids. Only on Linux. */
  pid_space: z.string().optional(),
});
/** A process, as it is written into a lock file. */
export type ProcessMark = z.infer<typeof processMarkSchema>;

/** The mark of this process. */
export async function markOfThisProcess(): Promise<ProcessMark> {
  const { pid } = process;
  const [started, pid_space] = await Promise.all([startOf(pid), pidSpace()]);
  return { pid, ...(started === undefined ? {} : { started }), ...(pid_space === undefined ? {} : { pid_space }) };
}

/**
 * Whether a process of this host is known to have ended. False for one in another container or under another kernel, whose
 * id means nothing here, and on Linux for a mark that doesn't say where its id counts.
 */
export async function isKnownToBeGone(mark: ProcessMark): Promise<boolean> {
  const own = await pidSpace();
  if (mark.pid_space !== own) return false;
  if (own === undefined && process.platform === 'linux') return false;
  if (!isAlive(mark.pid)) return true;
  const started = await startOf(mark.pid);
  return mark.started !== undefined && started !== undefined && mark.started !== started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Where the process ids of this process count (Linux, random(4) and pid_namespaces(7)); elsewhere undefined, and also where
 * `/proc` is that of another namespace: nothing can be learnt there about a process id.
 */
async function pidSpace(): Promise<string | undefined> {
  try {
    const [self, boot, namespace] = await Promise.all([
      readlink('/proc/self'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
    ]);
    return self === String(process.pid) ? `${boot.trim()} ${namespace}` : undefined;
  } catch {
    return undefined;
  }
}

/** When a process was started, in clock ticks since boot (Linux, proc(5), field 22 of `stat`); elsewhere undefined. */
async function startOf(pid: number): Promise<string | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program comes before, in parentheses, and may hold anything.
  return line?.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}
