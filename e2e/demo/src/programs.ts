import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What `npm exec -- NAME` runs. */
function program(name: string): string {
  return fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url));
}

/**
 * The account: always the same one, so that a demo that was cut short finds it again. 50,000 objects over all lists, most
 * of them young, as in an account that grows.
 */
const ACCOUNT = [
  '--seed=7',
  '--objects=50000',
  '--distribution=recent-heavy',
  '--from=2023-10-01T00:00:00Z',
  '--to=2026-09-30T00:00:00Z',
];

/** Starts the Stripe simulator on a free port. */
export async function startSimulator(): Promise<{ url: string; stop(): void }> {
  // A group of its own: Ctrl-C on the terminal must not take the server away before the sync has stopped.
  const child = spawn(process.execPath, [program('stripe-simulator'), '--port=0', ...ACCOUNT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  process.once('exit', () => child.kill());
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`stripe-simulator ended with exit code ${code}`))),
  ])) as [string];
  return { url: (JSON.parse(line) as { url: string }).url, stop: () => void child.kill() };
}

/** Runs `penstock sync` on this terminal. */
export async function runSync(pipelineFile: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, [program('penstock'), 'sync', '--config', pipelineFile], { stdio: 'inherit' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}
