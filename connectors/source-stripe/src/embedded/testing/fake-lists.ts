import type { Permit, StripeReader, StripeResponse } from '../../stripe-client.ts';
import { StripeResponseError } from '../../stripe-error.ts';

/** An item as Stripe would write it. */
export interface RawItem {
  readonly id: string;
  readonly text: string;
}

/** A plain item. */
export function itemOf(id: string): RawItem {
  return { id, text: JSON.stringify({ id, object: 'item' }) };
}

/** An answer of Stripe that is an error. */
export function refusal(status: number, error: Record<string, string>): StripeResponseError {
  const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
  return new StripeResponseError('/v1/things', status, Buffer.from(JSON.stringify({ error })), headers);
}

/** Lists under objects, in memory, that answer as Stripe's do; a path that isn't among them is of an object that is gone. */
export class FakeLists implements StripeReader {
  /** By path without a query; may change between requests. */
  readonly lists: Map<string, readonly RawItem[]>;
  /** Paths with their queries, in the order in which they came. */
  readonly requests: string[] = [];
  /** Requests that are being answered, and the most that ever were. */
  underWay = 0;
  underWayMax = 0;
  /** Between the elements of a page. */
  gap = '';
  /** The `Date` of each answer, in seconds. */
  date: number | undefined = 1_700_000_100;
  /** Called before a request is answered; what it gives is the answer, what it throws as well. */
  onRequest: (path: string) => Promise<string | undefined> | string | undefined = () => undefined;

  constructor(lists: Record<string, readonly RawItem[]>) {
    this.lists = new Map(Object.entries(lists));
  }

  readonly latencyMs = 0;

  now(): number {
    return 1_700_000_500;
  }

  async whenAllowed(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    return { giveBack() {} };
  }

  async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    signal.throwIfAborted();
    this.requests.push(path);
    this.underWay++;
    this.underWayMax = Math.max(this.underWayMax, this.underWay);
    try {
      const text = (await this.onRequest(path)) ?? this.#answer(path);
      signal.throwIfAborted();
      return { body: Buffer.from(text), date: this.date };
    } finally {
      this.underWay--;
    }
  }

  #answer(path: string): string {
    const { pathname, searchParams } = new URL(path, 'http://stripe');
    const list = this.lists.get(decodeURIComponent(pathname));
    if (list === undefined) throw refusal(404, { code: 'resource_missing', param: 'id', message: 'No such thing' });
    const after = searchParams.get('starting_after');
    const at = after === null ? 0 : list.findIndex(({ id }) => id === after) + 1;
    if (after !== null && at === 0) throw refusal(400, { code: 'resource_missing', param: 'starting_after' });
    const end = at + Number(searchParams.get('limit') ?? 10);
    const items = list.slice(at, end).map(({ text }) => text);
    return `{${this.gap}"object":"list","data":[${this.gap}${items.join(`,${this.gap}`)}],"has_more":${list.length > end}}`;
  }
}
