import { createHmac } from 'node:crypto';

/**
 * The value of the `Stripe-Signature` header (Stripe's documentation, "Verify webhook signatures manually").
 *
 * @param payload the exact body
 * @param atS second of the delivery
 */
export function signPayload(payload: string, secret: string, atS: number): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${payload}`).digest('hex')}`;
}
