import { once } from 'node:events';
import { createInterface } from 'node:readline';
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
  return {
    url,
    truthSummary: async () => (await (await fetchAdmin('truth-summary')).json()) as Record<string, number>,
    truth: async (listPath) => (await fetchAdmin(`truth?path=${encodeURIComponent(listPath)}`)).text(),
    requests: async () =>
      ((await (await fetchAdmin('requests')).json()) as { by_path: Record<string, Record<string, number>> }).by_path,
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
