import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RunningProgram } from './program.ts';

/** Who is killed of a `penstock sync`: the engine with all its children, or one process alone. */
export type Victim = 'all' | 'engine' | 'source-stripe' | 'destination-postgres';

/** All of them. */
export const VICTIMS: readonly Victim[] = ['all', 'engine', 'source-stripe', 'destination-postgres'];

/** Sends SIGKILL to processes of a sync that leads a group of its own. Who has ended by itself meanwhile is left alone. */
export async function killSync(sync: RunningProgram, victim: Victim): Promise<void> {
  const group = sync.child.pid!;
  try {
    if (victim === 'all') process.kill(-group, 'SIGKILL');
    else if (victim === 'engine') process.kill(group, 'SIGKILL');
    else await once(spawn('pkill', ['-KILL', '-f', victim, '-P', String(group)], { stdio: 'ignore' }), 'close');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Sends a signal to every process of a group whose command line has `pattern`. */
export async function signalInGroup(group: number, signal: 'KILL' | 'TERM', pattern: string): Promise<void> {
  await once(spawn('pkill', [`-${signal}`, '-g', String(group), '-f', pattern], { stdio: 'ignore' }), 'close');
}
