import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const program = new URL('../../stripe-simulator/src/main.ts', import.meta.url).pathname;

/** What the simulator counted. */
export interface RequestSummary {
  /** Requests by path and outcome: `{"/v1/charges": {"200": 17, "429": 1}}`. */
  readonly by_path: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Answers without an object, by path. */
  readonly empty_pages: Readonly<Record<string, number>>;
  /** Answers with some, but fewer than were asked for. */
  readonly partial_pages: Readonly<Record<string, number>>;
  readonly max_in_flight: number;
}

/** A Stripe simulator that runs as a process of its own. */
export interface SimulatorProcess {
  readonly url: string;
  /** Those that were answered since its start or since {@link limitRate}. */
  requests(): Promise<RequestSummary>;
  /** Forgets the requests so far, and lets through so many a second from now on. */
  limitRate(rate: number): Promise<void>;
  /** Seconds of CPU so far; NaN where there is no `/proc`. */
  cpuSeconds(): number;
  /** The most memory that it had so far, in MB; NaN where there is no `/proc`. */
  peakRssMb(): number;
  stop(): Promise<void>;
}

/** Starts it on a free port and waits until it listens. @throws Error when it ends before that */
export async function startSimulator(args: readonly string[]): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [program, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const first = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line)),
    ended.then(([code]) => {
      throw new Error(`The simulator ended with ${code}: ${args.join(' ')}`);
    }),
  ]);
  const { url } = JSON.parse(first) as { url: string };
  const admin = async (endpoint: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}/_admin/${endpoint}`, init);
    if (!response.ok) throw new Error(`${endpoint}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    requests: async () => (await admin('requests')) as RequestSummary,
    async limitRate(rate) {
      await admin('faults', { method: 'POST', body: JSON.stringify({ rate_limit: rate }) });
      await admin('reset', { method: 'POST' });
    },
    cpuSeconds() {
      try {
        const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
        // utime and stime, in ticks of 10 ms (proc(5)).
        return (Number(fields[11]) + Number(fields[12])) / 100;
      } catch {
        return Number.NaN;
      }
    },
    peakRssMb() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
      } catch {
        return Number.NaN;
      }
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Requests of some paths, or only those with one outcome. */
export function countRequests(
  { by_path }: RequestSummary,
  isCounted: (path: string) => boolean,
  outcome?: string,
): number {
  return Object.entries(by_path)
    .filter(([path]) => isCounted(path))
    .flatMap(([, byOutcome]) => Object.entries(byOutcome))
    .filter(([name]) => outcome === undefined || name === outcome)
    .reduce((sum, [, count]) => sum + count, 0);
}
