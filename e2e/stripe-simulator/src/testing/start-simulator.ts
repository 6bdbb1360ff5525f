import type { AddressInfo } from 'node:net';
import { readCommandLine } from '../command-line.ts';
import { createSimulatorServer } from '../http/server.ts';
import { ChangeSchedule } from '../schedule.ts';
import { Simulator } from '../simulator.ts';

/** The second at which the clocks of test simulators stand, unless a test moves them. */
export const testNowS = 1_700_000_000;

/** A simulator that listens on a port of its own, set up by the options of the command line. */
export type TestSimulator = {
  url: string;
  simulator: Simulator;
  schedule: ChangeSchedule;
  get(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string; body: Body }>;
  admin(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Body>;
  /** The objects of a path, one parsed line each. */
  truth(path: string): Promise<Body[]>;
  close(): Promise<void>;
};

/** A body whose shape is what the test is about. */
// biome-ignore lint/suspicious/noExplicitAny: every test reads another shape, and fails where it isn't there
export type Body = any;

/** Starts a simulator in this process, with a clock that stands still at `testNowS`. */
export async function startSimulator(...args: string[]): Promise<TestSimulator> {
  const { simulator: options, schedule: rates } = readCommandLine(
    args.includes('--objects') ? args : ['--objects', '0', ...args],
    testNowS,
  );
  const simulator = new Simulator(options, () => testNowS * 1000);
  const schedule = new ChangeSchedule(simulator, rates);
  const server = createSimulatorServer(simulator, schedule);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get: TestSimulator['get'] = async (path, headers = { authorization: 'Bearer sk_test_key' }) => {
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
  };
  return {
    url,
    simulator,
    schedule,
    get,
    admin: async (method, path, body) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      return (await fetch(`${url}/_admin/${path}`, init)).json();
    },
    truth: async (path) => {
      const text = await (await fetch(`${url}/_admin/truth?path=${encodeURIComponent(path)}`)).text();
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
