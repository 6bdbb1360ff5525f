import { type Clock, ConnectorError, type ReadContext, type SourceOutput } from '@penstock/connector-sdk';
import { type Account, EARLIEST_CREATED, resolveAccount } from '../account.ts';
import { Handover } from '../backfill/handover.ts';
import type { StripeConfig } from '../config.ts';
import { completeLists } from '../embedded/complete-lists.ts';
import { type GlobalState, readGlobalState } from '../events/global-state.ts';
import type { StreamTable } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { EventFeed } from './event-feed.ts';
import { recordMaker } from './make-records.ts';
import { ReadRun } from './read-run.ts';
import { streamsOfCatalog } from './run-streams.ts';
import { unknownStream } from './unknown-stream.ts';

/**
 * Reads all streams of the catalog side by side, under one rate limit, and ends each with exactly one terminal status; with
 * `poll_events` none, since that goes on until it is stopped. When the run is stopped it just ends.
 *
 * @throws ConnectorError when the key is refused, the account can't be found out, or the state is of another account
 */
export async function* readStripe(
  context: ReadContext<StripeConfig>,
  client: StripeReader,
  table: StreamTable,
  clock: Clock,
): AsyncGenerator<SourceOutput, void, undefined> {
  // Also aborted when the reader is gone, so that nothing goes on behind its back.
  const abort = new AbortController();
  const stop = (): void => abort.abort(context.signal.reason);
  context.signal.addEventListener('abort', stop, { once: true });
  if (context.signal.aborted) stop();
  try {
    const output = new Handover<readonly SourceOutput[]>();
    abort.signal.addEventListener('abort', () => output.fail(abort.signal.reason), { once: true });
    runAll(context, client, table, clock, output, abort.signal).then(
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

async function runAll(
  context: ReadContext<StripeConfig>,
  client: StripeReader,
  table: StreamTable,
  clock: Clock,
  output: Handover<readonly SourceOutput[]>,
  signal: AbortSignal,
): Promise<void> {
  const { config, log, input } = context;
  const saved = readGlobalState(context.state.global);
  const account = accountOf(saved, await resolveAccount(config, client, signal));
  const created = account.created === EARLIEST_CREATED ? {} : { created: account.created };
  const global = { ...saved, account: { id: account.id, ...created } };
  // Reading that goes on until it is stopped has no end: what stands there is mostly that of the run in which it began.
  const openEnd = config.poll_events === undefined ? Number.POSITIVE_INFINITY : 0;
  const { streams, unknown } = streamsOfCatalog(context, table, openEnd);
  for (const name of unknown) await output.put(unknownStream(name, table.streams.keys()));
  const accountId = account.id;
  const feed = new EventFeed(
    {
      client,
      accountId,
      table,
      apiVersion: config.api_version ?? table.apiVersion,
      revalidate: new Set(config.revalidate_objects),
      webhookSecret: config.webhook_secret,
      complete: (stream, object) => completeLists(object, stream, { client, log, signal }),
      output,
      clock,
      log,
      signal,
    },
    global,
  );
  const toRecords = recordMaker({ client, accountId, log, signal });
  const run = new ReadRun({ config, account, client, feed, toRecords, output, log, signal, clock }, streams);
  await feed.begin(streams);
  await run.run(input);
}

/** What earlier runs found out of the account holds where Stripe doesn't say it any more. */
function accountOf(saved: GlobalState, found: Account): Account {
  if (saved.account === undefined) return found;
  if (saved.account.id !== found.id) {
    throw new ConnectorError('config_invalid', {
      message: `The saved state is of the account ${saved.account.id}, but the API key is of ${found.id}.`,
      remedy: 'Use a key of that account, or another state: another pipeline name, or an empty state file.',
    });
  }
  const isFound = found.created !== EARLIEST_CREATED;
  return isFound ? found : { ...found, created: saved.account.created ?? EARLIEST_CREATED };
}
