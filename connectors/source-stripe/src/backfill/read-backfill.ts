import { type Clock, ConnectorError, type ReadContext, type SourceOutput } from '@penstock/connector-sdk';
import { type ConfiguredStream, message, nearestNames } from '@penstock/protocol';
import { resolveAccount } from '../account.ts';
import { concurrentStreamsOf, pageSlotsOf, type StripeConfig } from '../config.ts';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import type { StreamState, Window } from '../ranges/range.ts';
import { reconcileState, reconcileWholeList } from '../ranges/reconcile.ts';
import { readStreamState, secondOf } from '../ranges/stream-state.ts';
import { type StripeStream, streams } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { Handover } from './handover.ts';
import { PageSlots } from './page-slots.ts';
import { type ReadShared, StreamReader, type StreamTask } from './read-stream.ts';

/**
 * The window that a run accounts for: no older than the account, no newer than what Stripe has surely made visible.
 *
 * @param timeRange of the user or the run; holds only for streams that can be filtered by time
 * @param visibleUntil Stripe's clock less the margin
 */
export function windowOf(
  timeRange: ConfiguredStream['time_range'],
  accountCreated: number,
  visibleUntil: number,
): Window {
  const gte = timeRange?.gte === undefined ? accountCreated : secondOf(timeRange.gte);
  const lt = timeRange?.lt === undefined ? visibleUntil : Math.min(secondOf(timeRange.lt), visibleUntil);
  return { gte, lt: Math.max(gte, lt) };
}

/** What is to be read of a stream, from its saved state and the window of this run. */
export function planStream(
  stream: StripeStream,
  saved: StreamState | undefined,
  window: Window,
  backfillLimit: number | undefined,
): StreamTask {
  const isHeld = backfillLimit !== undefined && (saved?.backfilled ?? 0) >= backfillLimit;
  const state =
    stream.created === null
      ? reconcileWholeList(saved, window, stream.queries, isHeld)
      : reconcileState(saved, window, stream.queries);
  return { stream, state, backfillLimit };
}

function unknownStream(name: string): SourceOutput[] {
  const similar = plainList(nearestNames(name, [...streams.keys()]));
  const { text, failureType } = new ConnectorError('stream_unknown', {
    message: `There is no stream "${name}".`,
    remedy: `${similar === '' ? '' : `Did you mean ${similar}? `}\`discover\` prints all names.`,
  });
  return [
    message.streamStatus({ stream: name, status: 'start' }),
    message.streamStatus({ stream: name, status: 'error', error: text, failure_type: failureType }),
  ];
}

function plainList(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/**
 * Reads all streams of the catalog side by side, under one rate limit, and ends each with exactly one terminal status.
 * When the run is stopped it just ends.
 *
 * @throws ConnectorError when the key is refused or the account can't be found out
 */
export async function* readBackfill(
  context: ReadContext<StripeConfig>,
  client: StripeReader,
  clock: Clock,
): AsyncGenerator<SourceOutput, void, undefined> {
  const { config, catalog, log } = context;
  // Also aborted when the reader is gone, so that nothing goes on behind its back.
  const abort = new AbortController();
  const stop = (): void => abort.abort(context.signal.reason);
  context.signal.addEventListener('abort', stop, { once: true });
  if (context.signal.aborted) stop();
  try {
    const account = await resolveAccount(config, client, abort.signal);
    const visibleUntil = client.now() - VISIBILITY_MARGIN_S;
    const output = new Handover<readonly SourceOutput[]>();
    const shared: ReadShared = {
      client,
      accountId: account.id,
      pageSlots: new PageSlots(pageSlotsOf(config)),
      streamSlots: new PageSlots(concurrentStreamsOf(config)),
      output,
      signal: abort.signal,
      log,
      clock,
    };
    abort.signal.addEventListener('abort', () => output.fail(abort.signal.reason), { once: true });
    const tasks = catalog.streams.map(async (configured) => {
      const { name } = configured.stream;
      const stream = streams.get(name);
      if (stream === undefined) return output.put(unknownStream(name));
      const saved = context.state.streams[name];
      const window = windowOf(
        stream.created === null ? undefined : configured.time_range,
        account.created,
        visibleUntil,
      );
      const limit = configured.backfill_limit ?? config.backfill_limit;
      const task = planStream(stream, saved === undefined ? undefined : readStreamState(saved), window, limit);
      return new StreamReader(shared, task).run();
    });
    Promise.all(tasks).then(
      () => output.close(),
      (error: unknown) => output.fail(error),
    );
    for await (const items of output) yield* items;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    context.signal.removeEventListener('abort', stop);
    abort.abort();
  }
}
