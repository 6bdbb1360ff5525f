import { financeCoverage } from './event-coverage/finance.ts';
import { paymentCoverage } from './event-coverage/payments.ts';
import { platformCoverage } from './event-coverage/platform.ts';
import type { EventRule } from './event-coverage/rule.ts';

export { untoldEvents } from './event-coverage/untold.ts';

/**
 * What `/v1/events` tells of each list, hand-written, by path with `{id}` for the id of a parent. No events are told of a
 * list that is not here. A path that Stripe no longer has fails the generator; a test holds the event types against the
 * `stripe` package.
 */
export const eventCoverage: Readonly<Record<string, EventRule>> = {
  ...paymentCoverage,
  ...financeCoverage,
  ...platformCoverage,
};
