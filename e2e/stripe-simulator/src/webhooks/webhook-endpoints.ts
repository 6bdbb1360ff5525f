import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { indentJson } from '../http/pretty.ts';
import { endpointsExhausted } from '../http/stripe-error.ts';
import type { EventLog } from '../store/event-log.ts';
import type { Stream } from '../store/stream.ts';
import { textOf } from '../text-writer.ts';
import type { EndpointRequest } from './read-endpoint.ts';
import { signPayload } from './sign-payload.ts';

/** Webhook endpoints that an account can have (Stripe's documentation); only those made by a request count. */
export const endpointsMax = 16;
/** Deliveries that wait to be taken; what comes while so many wait is dropped, and counted. */
export const deliveriesMax = 50_000;

/** An event on its way to a webhook endpoint. */
export type Delivery = {
  /** The exact body. */
  payload: string;
  /** Value of the `Stripe-Signature` header. */
  signature: string;
};

type Registered = { secret: string; enabledEvents: ReadonlySet<string>; apiVersion: string | undefined };
type Waiting = { endpointRank: number; eventRank: number };

/** Webhook endpoints that requests have made, and what is to be delivered to them. Nothing is sent anywhere. */
export class WebhookEndpoints {
  readonly #stream: Stream;
  readonly #events: EventLog;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #pretty: boolean;
  readonly #registered = new Map<number, Registered>();
  #waiting: Waiting[] = [];
  #droppedCount = 0;

  /** @param of `pretty` has payloads indented, as Stripe's are */
  constructor(of: { stream: Stream; events: EventLog; clock: Clock; seed: number; pretty: boolean }) {
    this.#stream = of.stream;
    this.#events = of.events;
    this.#clock = of.clock;
    this.#seed = of.seed;
    this.#pretty = of.pretty;
  }

  /**
   * Makes an endpoint.
   *
   * @returns the object as JSON text, with the secret, which is never shown again
   * @throws StripeError 400 where there are as many as an account can have
   */
  create(request: EndpointRequest): string {
    this.#forgetDeleted();
    if (this.#registered.size >= endpointsMax) throw endpointsExhausted(endpointsMax);
    const given = {
      api_version: request.apiVersion,
      application: null,
      description: request.description,
      enabled_events: request.enabledEvents,
      metadata: request.metadata,
      status: 'enabled',
      url: request.url,
    };
    const rank = this.#stream.create(new Map(Object.entries(given).map(([name, v]) => [name, JSON.stringify(v)])));
    const secret = `whsec_${createHash('sha256').update(`${this.#seed} ${rank}`).digest('hex').slice(0, 32)}`;
    this.#registered.set(rank, {
      secret,
      enabledEvents: new Set(request.enabledEvents),
      apiVersion: request.apiVersion ?? undefined,
    });
    return `${textOf((out) => this.#stream.write(rank, out)).slice(0, -1)},"secret":"${secret}"}`;
  }

  /** Deletes an endpoint, made by a request or not. False where there is none with this id. */
  delete(id: string): boolean {
    const rank = this.#stream.rankOf(id);
    if (rank === undefined) return false;
    this.#stream.delete(rank);
    this.#forgetDeleted();
    return true;
  }

  /** Has an event delivered to every endpoint that wants its type. */
  note(eventRank: number): void {
    for (const [endpointRank, { enabledEvents }] of this.#registered) {
      if (!enabledEvents.has('*') && !enabledEvents.has(this.#events.typeAt(eventRank))) continue;
      if (this.#waiting.length < deliveriesMax) this.#waiting.push({ endpointRank, eventRank });
      else this.#droppedCount++;
    }
  }

  /**
   * Takes what is due: the deliveries since the last call, but for events that can't be seen yet.
   *
   * @returns the deliveries, oldest first, made as they are asked for; and how many were dropped since the last call
   */
  take(): { deliveries: Iterable<Delivery>; droppedCount: number } {
    this.#forgetDeleted();
    const due: Waiting[] = [];
    const later: Waiting[] = [];
    for (const one of this.#waiting) (this.#events.isLive(one.eventRank) ? due : later).push(one);
    const droppedCount = this.#droppedCount;
    this.#waiting = later;
    this.#droppedCount = 0;
    return { deliveries: this.#deliver(due), droppedCount };
  }

  *#deliver(due: readonly Waiting[]): Generator<Delivery> {
    for (const { endpointRank, eventRank } of due) {
      const registered = this.#registered.get(endpointRank);
      // Deleted while the deliveries before it were read.
      if (!registered) continue;
      const event = textOf((out) => this.#events.write(eventRank, out, registered.apiVersion));
      const payload = this.#pretty ? indentJson(event).trimEnd() : event;
      yield { payload, signature: signPayload(payload, registered.secret, this.#clock.nowS()) };
    }
  }

  /** Endpoints may also be deleted through the admin endpoint, which knows nothing of deliveries. */
  #forgetDeleted(): void {
    const gone = [...this.#registered.keys()].filter((rank) => !this.#stream.isLive(rank));
    if (gone.length === 0) return;
    for (const rank of gone) this.#registered.delete(rank);
    this.#waiting = this.#waiting.filter(({ endpointRank }) => this.#registered.has(endpointRank));
  }
}
