import type { ConnectorLog } from '@penstock/connector-sdk';
import { showLine } from '@penstock/protocol';
import * as z from 'zod';
import type { StripeStream } from '../streams/stream-table.ts';
import { readEvent, type StripeEvent } from './event.ts';
import { type EventContext, FetchedObjects, makeEventRecords } from './event-records.ts';
import { planEvents, routeEvents } from './plan-events.ts';
import { type EventPositions, positionOf } from './position.ts';
import { UnappliedEvents } from './unapplied-events.ts';
import { checkSignature } from './webhook-signature.ts';

const deliverySchema = z
  .object({
    payload: z.string().meta({ description: 'body of the request, as it came' }),
    signature: z.string().meta({ description: 'its header Stripe-Signature' }),
  })
  .meta({ description: 'A request to a webhook endpoint.' });

const eventSchema = z
  .looseObject({ object: z.literal('event'), id: z.string(), type: z.string() })
  .meta({ description: 'An event of Stripe. Refused when there is a webhook_secret, since it has no signature.' });

/** One value of `--source-input`: what came to a webhook endpoint. */
export const webhookInputSchema = z.union([deliverySchema, eventSchema]);

/** See {@link webhookInputSchema}. */
export type WebhookInput = z.output<typeof webhookInputSchema>;

/** What {@link readWebhookInput} needs. */
export interface WebhookContext extends EventContext {
  /** Events that a stream has already are dropped: one that comes late could take newer content back. */
  readonly positions: EventPositions;
  /** With it, only what it has signed is taken. */
  readonly webhookSecret?: string;
  readonly log: ConnectorLog;
}

function isDelivery(input: WebhookInput): input is z.output<typeof deliverySchema> {
  return typeof input.payload === 'string' && typeof input.signature === 'string';
}

/** @throws Error with the reason why the input is not taken */
function eventOf(input: WebhookInput, { webhookSecret, client }: WebhookContext): StripeEvent {
  if (!isDelivery(input)) {
    if (webhookSecret !== undefined) throw new Error('it has no signature');
    return readEvent(Buffer.from(JSON.stringify(input)));
  }
  const payload = Buffer.from(input.payload);
  if (webhookSecret !== undefined) {
    const verdict = checkSignature(payload, input.signature, webhookSecret, client.now());
    if (verdict.kind === 'refused') throw new Error(verdict.reason);
  }
  try {
    return readEvent(payload);
  } catch (error) {
    throw new Error(`${(error as Error).message}; it begins ${JSON.stringify(showLine(payload))}`, { cause: error });
  }
}

/**
 * Turns what came to a webhook endpoint into records, by stream. Positions don't move: the event is read once more from
 * the list when it is its turn there, so what is refused or fails here is only late. That is logged, and nothing is thrown
 * for it.
 *
 * @throws StripeResponseError with status 401, or the signal's reason when it is aborted
 */
export async function readWebhookInput(
  input: WebhookInput,
  context: WebhookContext,
): Promise<ReadonlyMap<string, readonly Buffer[]>> {
  const { table, participants, positions, log } = context;
  let event: StripeEvent;
  try {
    event = eventOf(input, context);
  } catch (error) {
    log.warn(`A webhook event was refused: ${(error as Error).message}.`);
    return new Map();
  }
  const routes = routeEvents(table, participants.keys());
  const isUnapplied = (_: StripeEvent, { name }: StripeStream): boolean => {
    const from = positionOf(positions, name);
    return from === undefined || new UnappliedEvents(from, false).ofPage([event]).has(event);
  };
  const tasks = planEvents([event], routes, participants, isUnapplied, context);
  const { records, failures } = await makeEventRecords(tasks, context, new FetchedObjects());
  for (const [stream, error] of failures) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(`The webhook event ${event.id} is left until it is read from the list of events: ${reason}`, { stream });
  }
  return records;
}
