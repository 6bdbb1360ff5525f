import { EVENTS_KEPT_S } from '../events/position.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { Permit, StripeReader, StripeResponse } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';

/** The version of the API that a world speaks. */
export const WORLD_VERSION = '2026-10-28.endive';

/** What an object was from a second on; undefined after it was deleted. */
interface Version {
  readonly from: number;
  readonly content: Readonly<Record<string, unknown>> | undefined;
}

interface WorldObject {
  readonly id: string;
  readonly created: number;
  readonly versions: Version[];
}

interface WorldEvent {
  readonly id: string;
  readonly created: number;
  /** Events show late, at most so late as the source allows for. */
  readonly visibleFrom: number;
  readonly body: string;
}

/** How a world treats whoever reads it. */
export interface WorldOptions {
  readonly random: () => number;
  /** Seconds that lists and events may be behind, at most. */
  readonly lagS: number;
  /** Called before each answer: time goes by, things happen. */
  readonly onRequest: (world: StripeWorld) => void;
}

/**
 * A Stripe account in memory in which objects are made, changed and deleted while it is read, with an event for each of
 * it that Stripe has one for. Lists and events show what happened with a lag; single objects are as they are.
 */
export class StripeWorld implements StripeReader {
  /** Seconds since 1970. */
  time: number;
  readonly requests: string[] = [];
  latencyMs: number | undefined = 0;
  /** Status that `/v1/events` is answered with in place of the events. */
  eventsStatus = 200;
  readonly #options: WorldOptions;
  readonly #streams: ReadonlyMap<string, StripeStream>;
  readonly #lists = new Map<string, WorldObject[]>();
  readonly #events: WorldEvent[] = [];
  #count = 0;

  constructor(streams: Iterable<StripeStream>, time: number, options: WorldOptions) {
    this.#streams = new Map([...streams].map((stream) => [stream.path, stream]));
    for (const path of this.#streams.keys()) this.#lists.set(path, []);
    this.time = time;
    this.#options = options;
  }

  now(): number {
    return this.time;
  }

  async whenAllowed(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    return { giveBack: () => undefined };
  }

  /** What a list holds now, by id. */
  truth(path: string): Map<string, Readonly<Record<string, unknown>>> {
    const all = this.#lists.get(path) ?? [];
    return new Map(
      all.flatMap((object) => {
        const content = contentAt(object, this.time);
        return content === undefined ? [] : [[object.id, content] as const];
      }),
    );
  }

  /** When an object was deleted; undefined while it exists. */
  deletedAt(path: string, id: string): number | undefined {
    const last = this.#lists
      .get(path)
      ?.find((object) => object.id === id)
      ?.versions.at(-1);
    return last?.content === undefined ? last?.from : undefined;
  }

  /** Makes an object, as if in this second; one of the past has no event. */
  create(path: string, created = this.time, more: Readonly<Record<string, unknown>> = {}): void {
    const stream = this.#streams.get(path) as StripeStream;
    const id = `o${(this.#count++ * 7919) % 100_003}`;
    const content = { id, object: stream.object, created, date: created, active: true, revision: 0, ...more };
    this.#lists.get(path)?.push({ id, created, versions: [{ from: created, content }] });
    const told = stream.eventTypes.filter((name) => !stream.deletedBy.includes(name));
    // A charge is made by `charge.succeeded`; a checkout session without any event.
    const type = told.find((name) => name.endsWith('.created')) ?? (stream.events === 'all' ? told[0] : undefined);
    if (created === this.time && type !== undefined) this.#tell(type, content);
  }

  /** Changes an object of the list, if it has one. */
  update(path: string, pick: number): void {
    const stream = this.#streams.get(path) as StripeStream;
    const type = stream.eventTypes.find((name) => !stream.deletedBy.includes(name) && !name.endsWith('.created'));
    const object = this.#living(path, pick);
    const content = object && contentAt(object, this.time);
    if (object === undefined || content === undefined || type === undefined) return;
    const changed = { ...content, revision: (content.revision as number) + 1, active: this.#options.random() < 0.5 };
    object.versions.push({ from: this.time, content: changed });
    this.#tell(type, changed);
  }

  /** Deletes an object of the list, if it has one and Stripe would tell. */
  delete(path: string, pick: number): void {
    const [type] = (this.#streams.get(path) as StripeStream).deletedBy;
    const object = this.#living(path, pick);
    if (object === undefined || type === undefined) return;
    const content = contentAt(object, this.time) as Readonly<Record<string, unknown>>;
    object.versions.push({ from: this.time, content: undefined });
    this.#tell(type, content);
  }

  #living(path: string, pick: number): WorldObject | undefined {
    const living = (this.#lists.get(path) ?? []).filter((object) => contentAt(object, this.time) !== undefined);
    return living[Math.floor(pick * living.length)];
  }

  #tell(type: string, object: Readonly<Record<string, unknown>>): void {
    const { random, lagS } = this.#options;
    const times = random() < 0.1 ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const id = `evt_${this.#count++}`;
      const created = this.time;
      const visibleFrom = created + Math.floor(random() * (lagS + 1));
      const event = { id, object: 'event', api_version: WORLD_VERSION, created, type, data: { object } };
      this.#events.push({ id, created, visibleFrom, body: JSON.stringify(event) });
    }
  }

  async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    signal.throwIfAborted();
    // Requests that were made together are answered in any order, and arrive in any.
    await this.#linger();
    this.#options.onRequest(this);
    this.requests.push(path);
    try {
      return this.#answerTo(path);
    } finally {
      await this.#linger();
    }
  }

  async #linger(): Promise<void> {
    for (let turns = Math.floor(this.#options.random() * 12); turns > 0; turns--) await Promise.resolve();
  }

  #answerTo(path: string): StripeResponse {
    const { pathname, searchParams } = new URL(path, 'http://stripe');
    if (pathname === '/v1/account')
      return this.#answer(JSON.stringify({ id: 'acct_1', object: 'account', created: 0 }));
    if (pathname === '/v1/events') {
      if (this.eventsStatus !== 200) throw refusal(pathname, this.eventsStatus, { message: 'No events' });
      return this.#answer(this.#eventPage(searchParams));
    }
    const list = this.#lists.get(pathname);
    if (list !== undefined) return this.#answer(this.#page(pathname, list, searchParams));
    const [, parent, id] = /^(.*)\/([^/]+)$/.exec(pathname) as unknown as [string, string, string];
    const object = this.#lists.get(parent)?.find((one) => one.id === id);
    const content = object && contentAt(object, this.time);
    if (content === undefined) throw missing(pathname, 404, 'id');
    return this.#answer(JSON.stringify(content));
  }

  #answer(text: string): StripeResponse {
    return { body: Buffer.from(text), date: this.time };
  }

  #page(path: string, list: readonly WorldObject[], query: URLSearchParams): string {
    const at = this.time - Math.floor(this.#options.random() * (this.#options.lagS + 1));
    const limit = Number(query.get('limit') ?? 10);
    const stream = this.#streams.get(path) as StripeStream;
    const active = query.get('active');
    const after = query.get('starting_after');
    const all = [...list].sort((a, b) => b.created - a.created || (a.id < b.id ? -1 : 1));
    const cursor = all.findIndex(({ id }) => id === after);
    if (after !== null && (cursor === -1 || contentAt(all[cursor] as WorldObject, at) === undefined)) {
      throw missing(path, 400, 'starting_after');
    }
    const found = all.slice(cursor + 1).filter((object) => {
      const content = contentAt(object, at);
      if (content === undefined || (active !== null && String(content.active) !== active)) return false;
      return stream.created === null || isInTime(object.created, query);
    });
    const data = found.slice(0, limit).map((object) => contentAt(object, at));
    return JSON.stringify({ object: 'list', data, has_more: found.length > limit });
  }

  #eventPage(query: URLSearchParams): string {
    const limit = Number(query.get('limit') ?? 10);
    const visible = this.#events
      .filter((event) => event.visibleFrom <= this.time && event.created >= this.time - EVENTS_KEPT_S)
      .filter((event) => isInTime(event.created, query))
      .toSorted((a, b) => b.created - a.created || Number(b.id.slice(4)) - Number(a.id.slice(4)));
    const find = (name: string): number | undefined => {
      const id = query.get(name);
      if (id === null) return undefined;
      const at = visible.findIndex((event) => event.id === id);
      if (at === -1) throw missing('/v1/events', 400, name);
      return at;
    };
    const before = find('ending_before');
    const from = before === undefined ? (find('starting_after') ?? -1) + 1 : Math.max(0, before - limit);
    const page = visible.slice(from, before ?? from + limit);
    const hasMore = before === undefined ? from + limit < visible.length : from > 0;
    return `{"object":"list","data":[${page.map(({ body }) => body).join()}],"has_more":${hasMore}}`;
  }
}

function contentAt({ versions }: WorldObject, second: number): Readonly<Record<string, unknown>> | undefined {
  return versions.findLast(({ from }) => from <= second)?.content;
}

function isInTime(created: number, query: URLSearchParams): boolean {
  const gte = Number(query.get('created[gte]') ?? 0);
  return created >= gte && created < Number(query.get('created[lt]') ?? Number.POSITIVE_INFINITY);
}

function missing(path: string, status: number, param: string): StripeResponseError {
  return refusal(path, status, { code: 'resource_missing', param, message: 'No such thing' });
}

function refusal(path: string, status: number, more: Readonly<Record<string, string>>): StripeResponseError {
  const error = { type: 'invalid_request_error', ...more };
  const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
  return new StripeResponseError(path, status, Buffer.from(JSON.stringify({ error })), headers);
}
