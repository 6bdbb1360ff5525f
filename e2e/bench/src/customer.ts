import { createHash } from 'node:crypto';

/** A customer of the shape and size that Stripe's API gives: about 1.4 kB of JSON, the same for the same index. */
export function customer(index: number, asOf: number) {
  const hash = createHash('sha256').update(String(index)).digest('hex');
  const id = `cus_${hash.slice(0, 14)}${index}`;
  return {
    id,
    _account_id: 'acct_1Bench00000000',
    _as_of: asOf,
    object: 'customer',
    address: {
      city: 'Hamburg',
      country: 'DE',
      line1: `Hauptstraße ${index % 200}`,
      line2: null,
      postal_code: `${20000 + (index % 999)}`,
      state: null,
    },
    balance: index % 1000,
    created: 1_600_000_000 + index * 7,
    currency: 'eur',
    default_source: null,
    delinquent: index % 13 === 0,
    description: `Customer number ${index} — imported "2024"`,
    discount: null,
    email: `user.${hash.slice(0, 8)}@example.com`,
    invoice_prefix: hash.slice(8, 16).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: `pm_${hash.slice(16, 40)}`,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: { order_id: hash, plan: 'standard', note: hash.repeat(6), source: 'bench' },
    name: `Erika Mustermann ${index}`,
    next_invoice_sequence: 1 + (index % 50),
    phone: `+49 40 ${1_000_000 + (index % 8_999_999)}`,
    preferred_locales: ['de', 'en'],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}

const text = { type: ['string', 'null'] };

/** The JSON Schema of {@link customer}, with 18 top-level scalars. */
export const customerSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    _account_id: { type: 'string' },
    _as_of: { type: 'integer', format: 'unix-time' },
    object: text,
    address: { type: 'object' },
    balance: { type: 'integer' },
    created: { type: 'integer', format: 'unix-time' },
    currency: text,
    default_source: { type: ['string', 'null'], 'x-expandable': true },
    delinquent: { type: ['boolean', 'null'] },
    description: text,
    discount: { type: ['object', 'null'] },
    email: text,
    invoice_prefix: text,
    invoice_settings: { type: 'object' },
    livemode: { type: 'boolean' },
    metadata: { type: 'object' },
    name: text,
    next_invoice_sequence: { type: 'integer' },
    phone: text,
    preferred_locales: { type: 'array' },
    shipping: { type: ['object', 'null'] },
    tax_exempt: text,
    test_clock: { type: ['string', 'null'], 'x-expandable': true },
  },
};
