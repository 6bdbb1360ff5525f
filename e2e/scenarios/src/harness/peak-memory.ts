import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Above this a connector holds more than its limits allow, whatever it moves. */
export const MEMORY_MAX_MB = 200;

const PROBE_EVERY_MS = 100;

/** The most memory that a process had until its end, in MB; undefined where only Linux would say it. */
export async function peakUntilEnd(child: ChildProcess): Promise<number | undefined> {
  const ended = once(child, 'close');
  let peak: number | undefined;
  // The mark only rises, so the last look counts.
  while (child.exitCode === null && child.signalCode === null) {
    peak = (await peakMb(child.pid!)) ?? peak;
    await Promise.race([delay(PROBE_EVERY_MS), ended]);
  }
  return peak;
}

async function peakMb(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}
