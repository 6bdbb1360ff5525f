import {
  type EngineMessage,
  type EofPayload,
  formatTimestamp,
  type Message,
  message,
  type ProgressPayload,
  parseTimestamp,
} from '@penstock/protocol';
import { initialProgress, reduceProgress } from '../../reduce/progress.ts';
import { emptyRunView, type RunView, reduceRunView } from '../run-view.ts';

const BEGIN = Date.UTC(2026, 0, 31, 12);
const total = { gte: '2023-02-01T00:00:00Z', lt: formatTimestamp(BEGIN) };

/** How a stream of the example goes: when it starts, records a second, and the seconds that all of it takes. */
interface Course {
  readonly name: string;
  readonly startS: number;
  readonly perSecond: number;
  readonly takesS: number;
  readonly isByTime: boolean;
}

const big = ['balance_transactions', 'charges', 'customers', 'invoices', 'payment_intents', 'events'];
const middle = ['checkout_sessions', 'credit_notes', 'payouts', 'refunds', 'subscriptions', 'transfers'];
const small = [
  ...['accounts', 'application_fees', 'coupons', 'exchange_rates', 'files', 'forwarding_requests', 'invoiceitems'],
  ...[
    'plans',
    'prices',
    'products',
    'promotion_codes',
    'quotes',
    'reviews',
    'shipping_rates',
    'tax_codes',
    'tax_rates',
  ],
  ...['terminal_locations', 'terminal_readers', 'topups', 'webhook_endpoints', 'v2_core_accounts', 'v2_core_events'],
];

const courses: readonly Course[] = [
  ...big.map((name, i) => ({ name, startS: 1, perSecond: 210 - 15 * i, takesS: 300 - 30 * i, isByTime: true })),
  ...middle.map((name, i) => ({ name, startS: 2, perSecond: 120, takesS: 20 + 15 * i, isByTime: true })),
  ...small.map((name, i) => ({ name, startS: 2 + i, perSecond: 40, takesS: 2 + (i % 3), isByTime: i % 4 !== 0 })),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const skipped = {
  name: 'issuing_cards',
  atS: 5,
  reason: 'This account does not have /v1/issuing/cards. Enable Issuing, or leave the stream out.',
};
const refused = {
  name: 'disputes',
  atS: 6,
  error: 'The API key may not read /v1/disputes (HTTP 403). Give the key read permission for it.',
};

/** What is said of a stream in the second that ends. */
function saidOf({ name: stream, startS, perSecond, takesS, isByTime }: Course, second: number): Message[] {
  const into = second - startS;
  if (into < 0 || into > takesS) return [];
  if (into === 0)
    return [message.streamStatus({ stream, status: 'start', ...(isByTime ? { time_range: total } : {}) })];
  const counts = { stream, created: perSecond, updated: 0, deleted: 0, skipped: 0 };
  const messages: Message[] = [
    message.writeResult(counts),
    message.sourceState({ state_type: 'stream', stream, data: {} }),
  ];
  // Newest first, in which an account has grown.
  const covered = (into / takesS) ** 1.6;
  const [from, to] = [parseTimestamp(total.gte), parseTimestamp(total.lt)];
  const gte = formatTimestamp(Math.round((to - covered * (to - from)) / 1000) * 1000);
  if (isByTime) {
    const range_complete = { gte, lt: total.lt };
    messages.push(message.streamStatus({ stream, status: 'range_complete', range_complete }));
  }
  if (into === takesS) messages.push(message.streamStatus({ stream, status: 'complete' }));
  return messages;
}

/** A moment of the example. */
export interface Moment {
  readonly view: RunView;
  readonly progress: ProgressPayload;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Since the begin, in milliseconds. */
  readonly elapsedMs: number;
}

/**
 * An imaginary run, reduced as the engine does it; the same every time. The screens of the guide are drawn from it.
 *
 * @param seconds since its begin
 * @param extra what is said last
 * @param idleS seconds after that in which nothing is heard
 */
export function exampleRun(seconds: number, extra: readonly EngineMessage[] = [], idleS = 0): Moment {
  const names = [...courses.map(({ name }) => name), skipped.name, refused.name].sort();
  let progress = initialProgress(names, BEGIN);
  let view = reduceRunView(emptyRunView, message.progress(progress), BEGIN);
  for (let second = 1; second <= seconds; second++) {
    const at = BEGIN + second * 1000;
    const messages = courses.flatMap((course) => saidOf(course, second));
    const { reason, error } = { ...skipped, ...refused };
    if (second === skipped.atS) messages.push(message.streamStatus({ stream: skipped.name, status: 'skip', reason }));
    if (second === refused.atS) {
      const failure = { stream: refused.name, status: 'error', error, failure_type: 'config' } as const;
      messages.push(message.streamStatus(failure));
    }
    for (const each of messages) progress = reduceProgress(progress, { type: 'message', at, message: each });
    progress = reduceProgress(progress, { type: 'tick', at });
    view = reduceRunView(view, message.progress(progress), at);
  }
  const now = BEGIN + (seconds + idleS) * 1000;
  for (const each of extra) view = reduceRunView(view, each, now);
  return { view, progress, now, elapsedMs: now - BEGIN };
}

/** The end of the example, after so many seconds. */
export function exampleEnd(seconds: number, changes: Partial<EofPayload>): EofPayload {
  const { progress } = exampleRun(seconds);
  return {
    status: progress.derived.status,
    has_more: false,
    reason: 'complete',
    ending_state: { source: { streams: {}, global: {} }, destination: {}, sync_run: { progress } },
    run_progress: progress,
    request_progress: progress,
    ...changes,
  };
}
