import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startProgram } from './program.ts';

/** A running Stripe simulator, seen from outside: by its URL and its admin endpoints. */
export interface Simulator {
  readonly url: string;
  /** Number of current objects of each list, by path, the ones hidden by default filters included. */
  truthSummary(): Promise<Record<string, number>>;
  /** All current objects of a list as NDJSON text, exactly as the list gives them. */
  truth(listPath: string): Promise<string>;
  /** Requests since the last `admin('reset')`, by path and status. */
  requests(): Promise<Record<string, Record<string, number>>>;
  /** The same, added up. */
  requestTotals(): Promise<{ readonly total: number; readonly by_status: Readonly<Record<string, number>> }>;
  /** Ids of what has been deleted from a list since the start. */
  deleted(listPath: string): Promise<readonly string[]>;
  /** Its clock, in seconds since 1970. */
  now(): Promise<number>;
  /** Puts its clock forward. */
  advanceClock(seconds: number): Promise<void>;
  /** Deliveries to webhook endpoints since the last call: `{payload, signature}`, a line each. */
  takeDeliveries(): Promise<string>;
  /** POST to an admin endpoint. */
  admin(endpoint: string, body: Record<string, unknown>): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts the program on a free port and waits until it listens. */
export async function startSimulator(args: readonly string[]): Promise<Simulator> {
  const { child, ended } = startProgram('stripe-simulator', ['--port', '0', ...args], { rawStdout: true });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    ended.then((result) => {
      throw new Error(`stripe-simulator ended with ${result.code}: ${result.stderr}`);
    }),
  ]);
  const { url } = JSON.parse(first) as { url: string };
  return simulatorAt(url, async () => {
    child.kill('SIGTERM');
    await ended;
  });
}

/** A simulator that runs already. */
export function simulatorAt(url: string, stop: () => Promise<void>): Simulator {
  const fetchAdmin = async (endpoint: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(`${url}/_admin/${endpoint}`, init);
    if (!response.ok) throw new Error(`${endpoint}: ${response.status} ${await response.text()}`);
    return response;
  };
  const readAdmin = async <T>(endpoint: string): Promise<T> => (await (await fetchAdmin(endpoint)).json()) as T;
  return {
    url,
    truthSummary: () => readAdmin<Record<string, number>>('truth-summary'),
    truth: async (listPath) => (await fetchAdmin(`truth?path=${encodeURIComponent(listPath)}`)).text(),
    requests: async () => (await readAdmin<{ by_path: Record<string, Record<string, number>> }>('requests')).by_path,
    requestTotals: async () => {
      const { total, by_status } = await readAdmin<{ total: number; by_status: Record<string, number> }>('requests');
      return { total, by_status };
    },
    deleted: async (listPath) =>
      (await readAdmin<{ ids: string[] }>(`deleted?path=${encodeURIComponent(listPath)}`)).ids,
    now: async () => (await readAdmin<{ now: number }>('clock')).now,
    advanceClock: async (seconds) => {
      await fetchAdmin(`clock?advance_s=${seconds}`, { method: 'POST' });
    },
    takeDeliveries: async () => (await fetchAdmin('webhooks/take', { method: 'POST' })).text(),
    admin: async (endpoint, body) =>
      (
        await fetchAdmin(endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json(),
    stop,
  };
}

/** The margin behind its clock within which Stripe may still show something new, in seconds: the source reads up to there. */
const MARGIN_S = 10;

/**
 * Resolves when what has happened in the simulator up to now counts as visible: then a run that begins covers it.
 *
 * @param marginS 0 where only the events are read, which are taken as soon as they are seen
 */
export async function whenSettled(simulator: Simulator, marginS = MARGIN_S): Promise<void> {
  const changedAt = await simulator.now();
  while ((await simulator.now()) <= changedAt + marginS) await delay(50);
}

/** Flag of a simulator that {@link settle} may be called for, some times: its clock is behind. */
export const CLOCK_BEHIND = ['--clock-offset-s', '-300'];

/**
 * The same without the time that it takes: puts the clock forward. It has to have been behind, since the engine ends a run at the
 * present of its own clock.
 */
export async function settle(simulator: Simulator): Promise<void> {
  await simulator.advanceClock(MARGIN_S + 1);
}
