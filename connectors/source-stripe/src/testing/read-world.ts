import { type Clock, type ConnectorLog, type SourceOutput, systemClock } from '@penstock/connector-sdk';
import type { ConfiguredStream, SourceStateSet } from '@penstock/protocol';
import { configSchema } from '../config.ts';
import { readStripe } from '../read/read-stripe.ts';
import { builtInTable, type StripeStream } from '../streams/stream-table.ts';
import type { StripeResponse } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { quietLog } from './read-source.ts';
import { StripeWorld } from './stripe-world.ts';

/** An answer of Stripe that is an error, as of the last retry. */
export function refusalOf(path: string, status: number, message = 'No'): StripeResponseError {
  const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
  const error = { type: 'api_error', message };
  return new StripeResponseError(path, status, Buffer.from(JSON.stringify({ error })), headers);
}

/** Streams of the built-in table. @throws Error for a name that is none */
export function streamsNamed(...names: readonly string[]): StripeStream[] {
  return names.map((name) => {
    const stream = builtInTable.streams.get(name);
    if (stream === undefined) throw new Error(`there is no stream ${name}`);
    return stream;
  });
}

/** A world without lags or chance, in which some paths can be answered otherwise. */
export class SteadyWorld extends StripeWorld {
  /**
   * By path, without the query. Called with each request; what it gives is the answer, what it throws as well; undefined
   * for the usual one.
   */
  readonly detours = new Map<string, (path: string) => Promise<string | undefined> | string | undefined>();
  /** Of the last request: that of the run, and not that of whoever reads. */
  lastSignal: AbortSignal | undefined;

  constructor(time: number, ...names: readonly string[]) {
    super(streamsNamed(...names), time, { random: () => 0.5, lagS: 0, onRequest: () => undefined });
  }

  override async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    this.lastSignal = signal;
    const detour = this.detours.get(path.replace(/\?.*/s, ''));
    if (detour === undefined) return super.get(path, signal);
    signal.throwIfAborted();
    this.requests.push(path);
    const text = await detour(path);
    if (text !== undefined) return { body: Buffer.from(text), date: this.time };
    this.requests.splice(this.requests.lastIndexOf(path), 1);
    return super.get(path, signal);
  }

  /** All requests of a path are answered with this status. */
  refuse(path: string, status: number): void {
    this.detours.set(path, () => {
      throw refusalOf(path, status);
    });
  }

  /** Paths that were asked for since it was last called, without their queries. */
  takeRequests(): string[] {
    return this.requests.splice(0).map((path) => path.replace(/\?.*/s, ''));
  }
}

/** How a world is read. */
export interface WorldReading {
  readonly streams: readonly ConfiguredStream[];
  readonly state?: SourceStateSet;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly log?: ConnectorLog;
  readonly clock?: Clock;
  readonly input?: AsyncIterable<unknown>;
  readonly signal?: AbortSignal;
}

/** Reads a world as the source does. */
export function outputsOf(world: StripeWorld, reading: WorldReading): AsyncGenerator<SourceOutput, void, undefined> {
  const context = {
    config: configSchema.parse({ api_key: 'sk_test_1234567890', rate_limit: 1000, ...reading.config }),
    catalog: { streams: [...reading.streams] },
    state: reading.state ?? { streams: {}, global: {} },
    input: reading.input,
    signal: reading.signal ?? new AbortController().signal,
    log: reading.log ?? quietLog,
  };
  return readStripe(context, world, builtInTable, reading.clock ?? systemClock);
}
