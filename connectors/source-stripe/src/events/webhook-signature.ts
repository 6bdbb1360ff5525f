import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far the time in a signature may be from the present, either way, in seconds. */
export const SIGNATURE_TOLERANCE_S = 300;

/** Whether a payload is from Stripe; if not, why it isn't taken to be. */
export type SignatureVerdict = { readonly kind: 'ok' } | { readonly kind: 'refused'; readonly reason: string };

/** What a Stripe-Signature header says. */
interface SignatureHeader {
  /** As it stands there, since that is what was signed. */
  readonly time: string;
  readonly signatures: readonly Buffer[];
}

/** Bytes of a SHA-256. */
const DIGEST_BYTES = 32;

/** `t=…,v1=…[,v1=…]`; parts of other schemes are passed over. @returns what is wrong with it, as a text */
function readHeader(header: string): SignatureHeader | string {
  let time: string | undefined;
  const signatures: Buffer[] = [];
  for (const part of header.split(',')) {
    const [name, value] = part.trim().split(/=(.*)/s);
    if (name === 't') {
      // With two of them it would not be said which one was signed.
      if (time !== undefined) return 'the signature has two times';
      time = value;
    } else if (name === 'v1' && value !== undefined && /^[0-9a-f]{64}$/i.test(value)) {
      signatures.push(Buffer.from(value, 'hex'));
    }
  }
  if (time === undefined || !/^\d{1,15}$/.test(time)) return 'the signature has no time';
  if (signatures.length === 0) return 'there is no signature of the scheme v1';
  return { time, signatures };
}

/**
 * Checks a webhook's signature (Stripe docs, "Verify webhook signatures manually"): an HMAC with SHA-256 of time and
 * payload. While a secret is being replaced there is a signature for each, so one that fits is enough.
 *
 * @param payload the body as it came, byte for byte
 * @param header of the request, `Stripe-Signature`
 * @param now Stripe's time in seconds since 1970
 */
export function checkSignature(payload: Buffer, header: string, secret: string, now: number): SignatureVerdict {
  const read = readHeader(header);
  if (typeof read === 'string') return { kind: 'refused', reason: read };
  const expected = createHmac('sha256', secret).update(`${read.time}.`).update(payload).digest();
  const fits = (signature: Buffer): boolean =>
    signature.length === DIGEST_BYTES && timingSafeEqual(signature, expected);
  if (!read.signatures.some(fits))
    return { kind: 'refused', reason: 'the signature is not of this payload and secret' };
  const age = now - Number(read.time);
  if (Math.abs(age) > SIGNATURE_TOLERANCE_S) {
    const when = age > 0 ? `${age} s old` : `${-age} s ahead of Stripe's clock`;
    return { kind: 'refused', reason: `the signature is ${when}, more than ${SIGNATURE_TOLERANCE_S} s` };
  }
  return { kind: 'ok' };
}
