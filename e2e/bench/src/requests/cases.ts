/** What is measured: the cases, the lists that each one reads, and what could be done at best. Pure. */
import type { Stream } from '@penstock/protocol';

/** Who reads: our source, or a model of the known system's way. */
export const rules = ['ours', 'known'] as const;
/** How the objects of `/v1/charges` lie in time; or 80 lists at once, each of them uniform. */
export const distributions = ['uniform', 'recent-heavy', 'burst', 'one-second', '80-streams'] as const;

/** See {@link rules}. */
export type RuleName = (typeof rules)[number];
/** See {@link distributions}. */
export type Distribution = (typeof distributions)[number];

/** One thing to measure. */
export interface Case {
  readonly rule: RuleName;
  readonly distribution: Distribution;
  /** Over all lists of the case. */
  readonly objects: number;
  /** Requests a second that the simulator allows and the reader knows of. */
  readonly rate: number;
}

/** One list of a case. */
export interface CaseStream {
  readonly stream: Stream;
  readonly path: string;
  readonly objects: number;
  /** Objects a page, at most. */
  readonly pageLimit: number;
  /** Whether it can be read in parts, by `created`. */
  readonly canSplit: boolean;
}

/** Time that an answer takes. */
export const LATENCY_MS = 50;

/** What stands behind each value of `--rule`, `--distribution`, `--objects` and `--rate`. */
export interface CaseChoice {
  readonly rules: readonly RuleName[];
  readonly distributions: readonly Distribution[];
  readonly objects: readonly number[];
  readonly rates: readonly number[];
}

/** Every combination. */
export function casesOf(choice: CaseChoice): readonly Case[] {
  return choice.rules.flatMap((rule) =>
    choice.rates.flatMap((rate) =>
      choice.objects.flatMap((objects) =>
        choice.distributions.map((distribution) => ({ rule, distribution, objects, rate })),
      ),
    ),
  );
}

/** List requests that nobody can do without: the pages of a list, were all of them full; one for an empty list. */
export function minimumRequests(streams: readonly CaseStream[]): number {
  return streams.reduce((sum, stream) => sum + pagesOf(stream), 0);
}

function pagesOf({ objects, pageLimit }: CaseStream): number {
  return Math.max(1, Math.ceil(objects / pageLimit));
}

/**
 * Seconds that reading takes at best: what the rate allows, or the longest chain of requests of which each needs the answer
 * to the one before. That is all pages of a list which can't be split, and the pages of one second, which no filter cuts;
 * and two in any case, since nothing is known before the first page.
 *
 * @param roundTripMs from a request to its answer
 * @param otherRequests such as can't be left out either
 */
export function idealSeconds(
  { distribution, rate }: Case,
  streams: readonly CaseStream[],
  roundTripMs: number,
  otherRequests = 0,
): number {
  const chains = streams.map((stream) => {
    if (!stream.canSplit) return pagesOf(stream);
    // In the others a second holds few: a burst of 60,000 in an hour has 17 of them a second, a sixth of a page.
    return distribution === 'one-second' ? pagesOf(stream) : 1;
  });
  const chainSeconds = (Math.max(2, ...chains) * roundTripMs) / 1000;
  return Math.max((minimumRequests(streams) + otherRequests) / rate, chainSeconds);
}
