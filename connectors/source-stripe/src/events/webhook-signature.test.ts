import fc from 'fast-check';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { checkSignature, SIGNATURE_TOLERANCE_S } from './webhook-signature.ts';

const secret = 'whsec_of_the_endpoint';
const now = 1_700_000_000;

/** As Stripe signs it, by its own library. */
function sign(payload: string, timestamp = now, by = secret): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
}

const verdict = (payload: string, header: string) => checkSignature(Buffer.from(payload), header, secret, now);

describe('checkSignature', () => {
  it('takes whatever Stripe signed with the secret, and nothing that was signed with another or changed since', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }), (payload, other) => {
        expect(verdict(payload, sign(payload))).toEqual({ kind: 'ok' });
        expect(verdict(`${payload} `, sign(payload)).kind).toBe('refused');
        if (other !== secret) expect(verdict(payload, sign(payload, now, other)).kind).toBe('refused');
      }),
    );
  });

  it('takes one signature that fits among several, and passes other schemes over', () => {
    const good = sign('{}').split('v1=')[1];
    const wrong = '0'.repeat(64);
    expect(verdict('{}', `t=${now},v1=${wrong},v1=${good},v0=${wrong}`)).toEqual({ kind: 'ok' });
    expect(verdict('{}', ` t=${now} , v1=${good}`)).toEqual({ kind: 'ok' });
    expect(verdict('{}', `t=${now},v0=${good}`)).toMatchObject({ reason: expect.stringContaining('no signature') });
  });

  it('takes a signature of five minutes either way, and no second more', () => {
    for (const age of [SIGNATURE_TOLERANCE_S, -SIGNATURE_TOLERANCE_S]) {
      expect(verdict('{}', sign('{}', now - age))).toEqual({ kind: 'ok' });
      expect(verdict('{}', sign('{}', now - age - Math.sign(age)))).toMatchObject({
        reason: expect.stringContaining('301 s'),
      });
    }
  });

  it.each([
    ['', 'no time'],
    ['v1=', 'no time'],
    ['t=,v1=00', 'no time'],
    ['t=abc,v1=00', 'no time'],
    ['t=1e9', 'no time'],
    [`t=${now}`, 'no signature'],
    [`t=${now},v1=`, 'no signature'],
    [`t=${now},v1=zz`, 'no signature'],
    [`t=${now},v1=${'0'.repeat(66)}`, 'no signature'],
    [`t=${now},t=${now},v1=${'0'.repeat(64)}`, 'two times'],
    [`t=${now},v1=${'0'.repeat(64)}`, 'not of this payload'],
  ])('refuses the header "%s"', (header, reason) => {
    expect(verdict('{}', header)).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
  });

  it('refuses whatever is no header, without failing', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(verdict('{}', header).kind).toBe('refused');
      }),
    );
  });

  it('says neither the secret nor a signature in its reasons', () => {
    const header = sign('{}', now, 'other');
    const text = JSON.stringify([verdict('{}', header), verdict('{}', sign('{}', 5))]);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(header.split('v1=')[1]);
  });
});
