import type { EventReader } from '../events/read-event-pages.ts';
import type { StripeResponse } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';

/** An event in a fake list. */
export interface FakeEvent {
  readonly id: string;
  readonly created: number;
  readonly type: string;
  /** The object right after what happened; as JSON text where its very bytes matter. */
  readonly object: Readonly<Record<string, unknown>> | string;
  /** From when on the list shows it, in seconds since 1970; at once when absent. */
  readonly visibleAt?: number;
  readonly apiVersion?: string | null;
  readonly account?: string;
}

/** The version of the API that fake events are of. */
export const FAKE_API_VERSION = '2026-01-01.test';

/** A list of events and objects in memory, with a clock of its own. Answers as Stripe does, at once. */
export class FakeEvents implements EventReader {
  /** In the order of the list, oldest first: sorted by `created`, those of one second as they were added. */
  readonly events: FakeEvent[] = [];
  /** Objects as they are, by path. */
  readonly objects = new Map<string, Readonly<Record<string, unknown>>>();
  /** Paths that are answered with an error, and its status. */
  readonly broken = new Map<string, number>();
  /** Seconds since 1970; goes on by `secondsPerRequest` after each one. */
  time: number;
  secondsPerRequest = 0;
  /** Events created before it have run out. */
  keptSince = 0;
  /** Paths with their queries, in the order in which they came. */
  readonly requests: string[] = [];
  /** Largest number of requests that were under way at once. */
  atOnceMax = 0;
  #atOnce = 0;

  constructor(time: number) {
    this.time = time;
  }

  /** Adds events where they belong in the list. */
  add(...events: readonly FakeEvent[]): void {
    for (const event of events) {
      const at = this.events.findLastIndex(({ created }) => created <= event.created) + 1;
      this.events.splice(at, 0, event);
    }
  }

  now(): number {
    return this.time;
  }

  async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    signal.throwIfAborted();
    this.requests.push(path);
    this.atOnceMax = Math.max(this.atOnceMax, ++this.#atOnce);
    const date = this.time;
    this.time += this.secondsPerRequest;
    await Promise.resolve();
    this.#atOnce--;
    const { pathname, searchParams } = new URL(path, 'http://stripe');
    const status = this.broken.get(pathname);
    if (status !== undefined) throw refusal(pathname, status, 'broken');
    if (pathname === '/v1/events') return { body: this.#list(searchParams, date), date };
    const object = this.objects.get(decodeURIComponent(pathname));
    if (object === undefined) throw refusal(pathname, 404, 'resource_missing', 'id');
    return { body: Buffer.from(JSON.stringify(object, null, 2)), date };
  }

  #list(query: URLSearchParams, date: number): Buffer {
    const gte = Number(query.get('created[gte]') ?? 0);
    const lt = Number(query.get('created[lt]') ?? Number.POSITIVE_INFINITY);
    const limit = Number(query.get('limit') ?? 10);
    const known = this.events.filter(
      ({ created, visibleAt = created }) => visibleAt <= date && created >= this.keptSince,
    );
    const indexOf = (name: string): number | undefined => {
      const id = query.get(name);
      if (id === null) return undefined;
      const at = known.findLastIndex((event) => event.id === id);
      if (at === -1) throw refusal('/v1/events', 400, 'resource_missing', name);
      return at;
    };
    const before = indexOf('ending_before');
    const after = indexOf('starting_after');
    const matching = known
      .slice(before === undefined ? 0 : before + 1, after ?? known.length)
      .filter(({ created }) => created >= gte && created < lt);
    const page = before === undefined ? matching.slice(-limit) : matching.slice(0, limit);
    return listText(page.toReversed().map(eventText), page.length < matching.length);
  }
}

function listText(items: readonly string[], hasMore: boolean): Buffer {
  return Buffer.from(`{"object":"list","url":"/v1/events","data":[\n${items.join(',\n')}],"has_more":${hasMore}}`);
}

/** An event as JSON text, over several lines as Stripe writes it. */
export function eventText({ id, created, type, object, apiVersion = FAKE_API_VERSION, account }: FakeEvent): string {
  const text = typeof object === 'string' ? object : JSON.stringify(object);
  const from = account === undefined ? '' : `\n  "account": ${JSON.stringify(account)},`;
  return (
    `{\n  "id": ${JSON.stringify(id)},\n  "object": "event",${from}\n  "api_version": ${JSON.stringify(apiVersion)},\n` +
    `  "created": ${created},\n  "data": {\n    "previous_attributes": {"object": null},\n    "object": ${text}\n  },\n` +
    `  "livemode": false,\n  "type": ${JSON.stringify(type)}\n}`
  );
}

function refusal(path: string, status: number, code: string, param?: string): StripeResponseError {
  const error = { type: 'invalid_request_error', code, param, message: 'No such thing' };
  const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
  return new StripeResponseError(path, status, Buffer.from(JSON.stringify({ error })), headers);
}
