import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What `npm exec -- NAME` runs. */
function program(name: string): string {
  return fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url));
}

/**
 * The account: always the same one, so that a demo that was cut short finds it again. 50,000 objects in the lists that are
 * streams (the others have the rest), most of them young, as in an account that grows.
 */
const ACCOUNT = [
  '--seed=7',
  '--objects=54500',
  '--distribution=recent-heavy',
  '--from=2023-10-01T00:00:00Z',
  '--to=2026-09-30T00:00:00Z',
];

/**
 * Runs the program that follows until stdin ends, and so no longer than the demo lives, however that ends. Its stdout is the
 * program's alone, to end with it.
 */
const WHILE_STDIN_IS_OPEN = `exec 3<&0; "$@" 3<&- </dev/null & exec >/dev/null; cat <&3 >/dev/null; kill $!`;

/** Starts the Stripe simulator on a free port. */
export async function startSimulator(): Promise<{ url: string; stop(): void }> {
  const command = [process.execPath, program('stripe-simulator'), '--port=0', ...ACCOUNT];
  const child = spawn('/bin/sh', ['-c', WHILE_STDIN_IS_OPEN, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A group of its own: Ctrl-C on the terminal must not take the server away before the sync has stopped.
    detached: true,
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(lines, 'close').then(() => Promise.reject(new Error('stripe-simulator ended before it listened'))),
  ])) as [string];
  return { url: (JSON.parse(line) as { url: string }).url, stop: () => void child.stdin.end() };
}

/** Runs `penstock sync` on this terminal. */
export async function runSync(pipelineFile: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, [program('penstock'), 'sync', '--config', pipelineFile], { stdio: 'inherit' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}
