import type { Permit, StripeReader, StripeResponse } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';

/** An object of a fake list. */
export interface FakeObject {
  readonly id: string;
  readonly created: number;
}

/** Lists in memory that answer as Stripe's do, at once. */
export class FakeStripe implements StripeReader {
  /** By path, newest first. */
  readonly lists: Map<string, FakeObject[]>;
  /** Paths whose lists know none of their objects as a cursor. */
  readonly forgetful = new Set<string>();
  /** Seconds since 1970. */
  time: number;
  /** Paths with their queries, in the order in which they came. */
  readonly requests: string[] = [];

  constructor(lists: Record<string, readonly FakeObject[]>, time: number) {
    this.lists = new Map(Object.entries(lists).map(([path, objects]) => [path, newestFirst(objects)]));
    this.time = time;
  }

  readonly latencyMs = 0;

  now(): number {
    return this.time;
  }

  async whenAllowed(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    return { giveBack() {} };
  }

  async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    signal.throwIfAborted();
    this.requests.push(path);
    const { pathname, searchParams } = new URL(path, 'http://stripe');
    if (pathname === '/v1/account') return this.#answer({ id: 'acct_1', object: 'account', created: 0 });
    const number = (name: string, otherwise: number): number => Number(searchParams.get(name) ?? otherwise);
    const list = (this.lists.get(pathname) ?? []).filter(
      ({ created }) =>
        created >= number('created[gte]', 0) && created < number('created[lt]', Number.POSITIVE_INFINITY),
    );
    const after = searchParams.get('starting_after');
    const at = after === null ? 0 : list.findIndex(({ id }) => id === after) + 1;
    if (after !== null && this.forgetful.has(pathname)) throw lostCursor(pathname);
    if (after !== null && !this.lists.get(pathname)?.some(({ id }) => id === after)) throw lostCursor(pathname);
    const limit = number('limit', 10);
    return this.#answer({
      object: 'list',
      data: list.slice(at, at + limit).map((object) => ({ ...object, object: 'thing' })),
      has_more: list.length > at + limit,
    });
  }

  #answer(value: unknown): StripeResponse {
    return { body: Buffer.from(JSON.stringify(value)), date: this.time };
  }
}

function newestFirst(objects: readonly FakeObject[]): FakeObject[] {
  return [...objects].sort((a, b) => b.created - a.created);
}

function lostCursor(path: string): StripeResponseError {
  const error = {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'starting_after',
    message: 'No such thing',
  };
  const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
  return new StripeResponseError(path, 400, Buffer.from(JSON.stringify({ error })), headers);
}
