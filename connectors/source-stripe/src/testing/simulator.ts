import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../../e2e/stripe-simulator/src/main.ts', import.meta.url));

/** A Stripe simulator that runs as a process of its own. */
export interface SimulatorProcess {
  readonly url: string;
  /** A request to an admin endpoint. @returns the answer as text */
  admin(path: string, body?: unknown): Promise<string>;
  /** Ids of all current objects of a list, sorted. */
  truth(path: string): Promise<string[]>;
  /** Current objects of a list by id. */
  objects(path: string): Promise<Map<string, Record<string, unknown>>>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function listening(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) return (JSON.parse(text) as { url: string }).url;
  }
  throw new Error(`the simulator ended before it listened: ${text}`);
}

/** Starts one on a free port. @param args beside `--port` */
export async function startSimulator(...args: string[]): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [program, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await listening(child);
  const admin = async (path: string, body?: unknown): Promise<string> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${url}/_admin/${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return text;
  };
  const objects = async (path: string): Promise<Map<string, Record<string, unknown>>> => {
    const lines = (await admin(`truth?path=${encodeURIComponent(path)}`)).split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => JSON.parse(line)).map((object) => [object.id as string, object]));
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  return {
    url,
    admin,
    objects,
    truth: async (path) => [...(await objects(path)).keys()].sort(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
