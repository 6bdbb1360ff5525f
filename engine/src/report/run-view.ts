import type { EngineMessage, EofPayload, ProgressPayload } from '@penstock/protocol';

/** Rates are averages over this long, in milliseconds: long enough to be steady, short enough to show a stall. */
const RATE_WINDOW_MS = 5_000;

/** Samples are this far apart at least, in milliseconds; it bounds their number. */
const SAMPLE_MS = 500;

interface Sample {
  readonly at: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** What a display knows of a run. Immutable. */
export interface RunView {
  readonly progress?: ProgressPayload;
  readonly eof?: EofPayload;
  readonly samples: readonly Sample[];
}

/** Before the first message. */
export const emptyRunView: RunView = { samples: [] };

/** What a message changes in the view. Pure. @param at when it came, in milliseconds */
export function reduceRunView(view: RunView, message: EngineMessage, at: number): RunView {
  if (message.type === 'eof') return { ...view, eof: message.eof, progress: message.eof.run_progress };
  if (message.type !== 'progress') return view;
  const last = view.samples.at(-1);
  const samples =
    last !== undefined && at - last.at < SAMPLE_MS
      ? view.samples
      : [
          ...view.samples.filter((sample) => at - sample.at <= RATE_WINDOW_MS),
          { at, counts: new Map(Object.entries(message.progress.streams).map(([name, s]) => [name, s.record_count])) },
        ];
  return { ...view, progress: message.progress, samples };
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
