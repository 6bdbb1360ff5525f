import type { EngineMessage, EofPayload, ProgressPayload } from '@penstock/protocol';
import { coveredFraction } from './range-bar.ts';

/** Rates are averages over this long, in milliseconds: long enough to be steady, short enough to show a stall. */
const RATE_WINDOW_MS = 5_000;

/** Samples are this far apart at least, in milliseconds; it bounds their number. */
const SAMPLE_MS = 500;

/** What is left is estimated from this long, in milliseconds: streams take turns, and each has to have had some. */
const COVERAGE_WINDOW_MS = 30_000;

/** Distance of the samples for that, in milliseconds. */
const COVERAGE_SAMPLE_MS = 2_000;

interface Sample {
  readonly at: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** How far the started streams were. */
interface CoverageSample {
  readonly at: number;
  readonly streams: ReadonlyMap<string, { readonly records: number; readonly covered: number | undefined }>;
}

/** Somebody has failed at something and waits before it tries that again. */
export interface Waiting {
  /** For example `destination/postgres`. */
  readonly who: string;
  /** From when to when, in milliseconds. */
  readonly since: number;
  readonly until: number;
}

/** What a display knows of a run. Immutable. */
export interface RunView {
  readonly progress?: ProgressPayload;
  readonly eof?: EofPayload;
  readonly samples: readonly Sample[];
  readonly coverage: readonly CoverageSample[];
  readonly waiting?: Waiting;
  /** The run was asked to stop. */
  readonly isStopping: boolean;
}

/** Before the first message. */
export const emptyRunView: RunView = { samples: [], coverage: [], isStopping: false };

/** What a message changes in the view. Pure. @param at when it came, in milliseconds */
export function reduceRunView(view: RunView, message: EngineMessage, at: number): RunView {
  switch (message.type) {
    case 'eof':
      return { ...view, eof: message.eof, progress: message.eof.run_progress };
    case 'progress':
      return {
        ...view,
        progress: message.progress,
        samples: nextSamples(view.samples, message.progress, at),
        coverage: nextCoverage(view.coverage, message.progress, at),
      };
    case 'log':
      // What a connector says at this level is everyday life to it, and often one request of many.
      if (message.log.level === 'debug') return view;
      return reduceLog(view, message.log.data, message._emitted_by, at);
    default:
      return view;
  }
}

/**
 * A log may say in its data what a person wants to see as the state of the run: `retry_in_ms`, after how long something is
 * tried again, and, from the engine, `stopping`.
 */
function reduceLog(view: RunView, data: Record<string, unknown> = {}, by = 'engine', at: number): RunView {
  const { retry_in_ms: delayMs, stopping } = data;
  if (typeof delayMs === 'number' && delayMs >= 0)
    return { ...view, waiting: { who: by, since: at, until: at + delayMs } };
  return stopping === undefined || by !== 'engine' ? view : { ...view, isStopping: true };
}

function nextSamples(samples: readonly Sample[], progress: ProgressPayload, at: number): readonly Sample[] {
  const last = samples.at(-1);
  if (last !== undefined && at - last.at < SAMPLE_MS) return samples;
  const counts = new Map(Object.entries(progress.streams).map(([name, stream]) => [name, stream.record_count]));
  return [...samples.filter((sample) => at - sample.at <= RATE_WINDOW_MS), { at, counts }];
}

function nextCoverage(
  samples: readonly CoverageSample[],
  progress: ProgressPayload,
  at: number,
): readonly CoverageSample[] {
  const last = samples.at(-1);
  if (last !== undefined && at - last.at < COVERAGE_SAMPLE_MS) return samples;
  const streams = new Map(
    Object.entries(progress.streams)
      .filter(([, { status }]) => status === 'started')
      .map(([name, stream]) => [name, { records: stream.record_count, covered: coveredFraction(stream) }] as const),
  );
  return [...samples.filter((sample) => at - sample.at <= COVERAGE_WINDOW_MS), { at, streams }];
}

/**
 * Records per second lately, by stream and of all together. Pure.
 *
 * @param now milliseconds; while nothing comes in the rates fall
 */
export function recentRates(view: RunView, now: number): { total: number; of(stream: string): number } {
  const oldest = view.samples.find((sample) => now - sample.at <= RATE_WINDOW_MS + SAMPLE_MS);
  const { progress } = view;
  if (oldest === undefined || progress === undefined || now <= oldest.at) return { total: 0, of: () => 0 };
  const seconds = (now - oldest.at) / 1000;
  const of = (name: string) => {
    const before = oldest.counts.get(name) ?? 0;
    return Math.max(0, (progress.streams[name]?.record_count ?? 0) - before) / seconds;
  };
  let total = 0;
  for (const name in progress.streams) total += of(name);
  return { total, of };
}
