import type { Stream } from '@penstock/protocol';
import { countRequests, startSimulator } from '../simulator-process.ts';
import { readSource } from '../source-program.ts';
import { type Case, idealSeconds, LATENCY_MS, minimumRequests } from './cases.ts';
import { readByKnownRule } from './known-rule.ts';
import { listsOf } from './lists.ts';
import { measureRoundTrip } from './round-trip.ts';

/** Where the cases get what they need. */
export interface Setting {
  /** File of the source's program. */
  readonly program: string;
  /** What it can read. */
  readonly discovered: readonly Stream[];
}

interface Reading {
  /** Of `performance.now()`. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly records: number;
  /** What the program used, where it is one of its own. */
  readonly used?: Readonly<Record<string, number>>;
}

/** Runs one case on a simulator of its own. @returns its figures @throws Error when not every object came */
export async function measureCase(
  of: Case,
  { program, discovered }: Setting,
): Promise<Record<string, string | number>> {
  const lists = listsOf(of, discovered);
  const simulator = await startSimulator([
    ...['--objects', '0', ...lists.flatMap(({ path, objects }) => ['--count', `${path}=${objects}`])],
    ...['--distribution', of.distribution === '80-streams' ? 'uniform' : of.distribution],
    ...['--latency-ms', String(LATENCY_MS)],
  ]);

  async function readOurs(): Promise<Reading> {
    const streams = lists.map(({ stream }) => stream);
    const read = await readSource({ program, simulator, latencyMs: LATENCY_MS, rate: of.rate, streams });
    return { ...read, used: { cpu_s: read.cpuSeconds, peak_rss_mb: read.peakRssMb } };
  }

  try {
    const roundTripMs = await measureRoundTrip(simulator.url, lists);
    await simulator.limitRate(of.rate);
    const read: Reading = of.rule === 'ours' ? await readOurs() : await readByKnownRule(simulator.url, of.rate, lists);
    if (read.records < of.objects) throw new Error(`only ${read.records} of ${of.objects} objects came`);
    const counts = await simulator.requests();
    const paths = new Set(lists.map(({ path }) => path));
    const ofLists = (pages: Readonly<Record<string, number>>): number =>
      Object.entries(pages).reduce((sum, [path, count]) => sum + (paths.has(path) ? count : 0), 0);
    const requests = countRequests(counts, (path) => paths.has(path));
    // What an object doesn't show of the lists inside it has to be asked for, and takes its share of the rate.
    const inside = countRequests(counts, (path) => path.includes('{parent}'), '200');
    const minimum = minimumRequests(lists);
    const wallSeconds = (read.endedAtMs - read.startedAtMs) / 1000;
    const ideal = idealSeconds(of, lists, LATENCY_MS, inside);
    return {
      rule: of.rule,
      distribution: of.distribution,
      objects: of.objects,
      rate: of.rate,
      latency_ms: LATENCY_MS,
      requests,
      minimum,
      ratio: requests / minimum,
      wall_ratio: wallSeconds / ideal,
      too_many_requests: countRequests(counts, () => true, '429'),
      wall_s: wallSeconds,
      ideal_s: ideal,
      round_trip_ms: roundTripMs,
      wall_ratio_round_trip: wallSeconds / idealSeconds(of, lists, roundTripMs, inside),
      other_requests: countRequests(counts, (path) => !paths.has(path)),
      empty_pages: ofLists(counts.empty_pages),
      partial_pages: ofLists(counts.partial_pages),
      max_in_flight: counts.max_in_flight,
      ...read.used,
    };
  } finally {
    await simulator.stop();
  }
}
