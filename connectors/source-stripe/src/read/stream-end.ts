import { isDeepStrictEqual } from 'node:util';
import type { ConnectorLog, SourceOutput } from '@penstock/connector-sdk';
import { message } from '@penstock/protocol';
import { checkpoint, type ListEnd, rangeComplete } from '../backfill/read-lists.ts';
import type { StreamState } from '../ranges/range.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import { toConnectorError, troubleOf } from '../stripe-error.ts';
import type { RunStream } from './run-streams.ts';

/**
 * The last messages of a stream that is through.
 *
 * @param saved as it was before the run
 */
export function completeStream(
  { stream, backfillLimit }: RunStream,
  state: StreamState,
  saved: StreamState | undefined,
  log: ConnectorLog,
): SourceOutput[] {
  const { name } = stream;
  const items: SourceOutput[] = [];
  if (!isDeepStrictEqual(state, saved)) items.push(checkpoint(name, state));
  if (state.remaining.length === 0) items.push(rangeComplete(name, state.accounted));
  else {
    const text = `Stopped at backfill_limit ${backfillLimit}: older records are left for a run with a higher limit.`;
    log.info(text, { stream: name });
  }
  return [...items, message.streamStatus({ stream: name, status: 'complete' })];
}

/**
 * The last messages of a stream whose list could not be read.
 *
 * @throws ConnectorError when the whole run is to end
 */
export function failStream(stream: StripeStream, { error, hasBegun }: NonNullable<ListEnd['failure']>): SourceOutput[] {
  const { name } = stream;
  const trouble = troubleOf(error, stream, hasBegun);
  if (trouble.kind === 'run_error') throw trouble.error;
  if (trouble.kind === 'skip' && !hasBegun) {
    return [message.streamStatus({ stream: name, status: 'skip', reason: trouble.reason })];
  }
  const { text, failureType } = trouble.kind === 'stream_error' ? trouble.error : toConnectorError(error);
  return [message.streamStatus({ stream: name, status: 'error', error: text, failure_type: failureType })];
}
