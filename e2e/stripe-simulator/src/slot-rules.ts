import { resources } from './endpoint-table.ts';
import type { ShapeSurroundings, Slot, Subject } from './object-shape.ts';
import { fieldHash, mix } from './random.ts';
import * as sample from './sample-values.ts';
import { textOf, utf8 } from './text-writer.ts';

/** References that are mostly set in real data though the example has null. */
const usuallySet = new Set([
  'balance_transaction',
  'charge',
  'customer',
  'default_payment_method',
  'invoice',
  'latest_charge',
  'latest_invoice',
  'payment_intent',
  'payment_method',
  'product',
  'subscription',
]);
/** Fields that the API leaves out unless the request expands them; the example has them in full. */
const onlyExpanded = new Set(['charge:refunds', 'file:links', 'charge:source']);
/** Fields whose example shows what hardly any object has. */
const usuallyNull = new Set([
  'customer:discount',
  'subscription:pause_collection',
  'subscription:cancel_at',
  'invoice:from_invoice',
  'invoice:last_finalization_error',
]);
const addressFields = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'];

/**
 * How the value at a path of an example differs from object to object: a slot, `omit` where the field isn't served, or
 * undefined where the example's own value stands.
 */
export function slotFor(value: unknown, path: string, around: ShapeSurroundings): Slot | 'omit' | undefined {
  const { resource } = around;
  const object = String(resource.example.object);
  const key = path.slice(path.lastIndexOf('.') + 1);
  const top = !path.includes('.');
  const hash = fieldHash(around, path);
  if (onlyExpanded.has(`${object}:${path}`)) return 'omit';
  if (top) {
    const special = topLevelSlot(object, path, value, around);
    if (special) return special;
  }
  if (usuallyNull.has(`${object}:${path}`)) return always('null');
  const reference = resource.references[path] ?? (top ? plainReference(path, value) : undefined);
  if (reference !== undefined) return referenceSlot(reference, value, path, around);
  if (resource.timestamps.includes(path) && value !== null) return timeSlot(typeof value === 'string', key, hash);
  if (isObject(value)) {
    if (value.object === 'list' && Array.isArray(value.data))
      return around.embeddedList(String(value.url)) ?? always('{"object":"list","data":[],"has_more":false,"url":"/"}');
    if (key === 'metadata') return metadataSlot(hash);
    if (addressFields.every((f) => f in value) && Object.keys(value).length === addressFields.length)
      return sampled(sample.writeAddress, hash);
    if (key === 'shipping' && Object.keys(value).length === 0) return shippingSlot(hash);
    return undefined;
  }
  if (key === 'id' && typeof value === 'string' && value.includes('_')) {
    const prefix = /^(?:[a-z]+_)+/.exec(value)?.[0] ?? '';
    return (s, out) => out.quoted(`${prefix}${hash(s)}${mix(hash(s), 1)}`);
  }
  return scalarSlot(key, value, top, hash, around);
}

/** The same for every object. */
function always(text: string): Slot {
  const bytes = utf8(text);
  return (_, out) => out.bytes(bytes);
}

function sampled(write: sample.Sample, hash: (s: Subject) => number): Slot {
  return (s, out) => write(hash(s), out);
}

const parentIdSlot: Slot = (s, out) => out.text(JSON.stringify(s.parentId ?? null));

function topLevelSlot(object: string, name: string, value: unknown, around: ShapeSurroundings): Slot | undefined {
  const hash = fieldHash(around, name);
  // Ids have only characters that JSON writes as they are.
  if (name === 'id') return (s, out) => out.quoted(s.id);
  if (name === around.parentField && typeof value !== 'object') return parentIdSlot;
  if (name === 'created') return secondSlot(typeof value === 'string', (s) => s.created);
  if (name === 'livemode') return always('false');
  if (name === 'account' && typeof value === 'string' && !around.parentObject)
    return always(JSON.stringify(around.accountId));
  if (object === 'subscription') {
    if (name === 'status') {
      const statusOf = subscriptionStatus(around);
      return (s, out) => out.quoted(statusOf(s));
    }
    // The time of the cancellation must go with the status, or a table would contradict itself.
    if (name === 'canceled_at' || name === 'ended_at') {
      const statusOf = subscriptionStatus(around);
      return (s, out) => {
        if (s.change?.canceledAt !== undefined) out.number(s.change.canceledAt);
        else if (statusOf(s) === 'canceled') out.number(s.created + 60);
        else out.text('null');
      };
    }
  }
  if (object === 'tax_id' && name === 'verification') {
    return (s, out) => {
      const version = s.change?.version ?? 0;
      const status = version === 0 ? 'pending' : version % 2 === 1 ? 'verified' : 'unverified';
      out.text(JSON.stringify({ ...(value as object), status }));
    };
  }
  if (name === turningField(around.resource.example)) {
    return (s, out) => out.text(String((s.change?.version ?? 0) % 2 === 0 ? value : !value));
  }
  if (name === 'active') return (s, out) => out.text(hash(s) % 10 === 0 ? 'false' : 'true');
  const statuses = around.resource.enums.status;
  if (name === 'status' && statuses && typeof value === 'string')
    return (s, out) => out.quoted(hash(s) % 10 < 7 ? value : sample.pick(statuses, hash(s) >>> 5));
  if (object === 'exchange_rate' && name === 'rates') {
    return (s, out) =>
      out.text(
        `{"eur":${(0.5 + hash(s) / 2 ** 33).toPrecision(17)},"gbp":${(0.4 + hash(s) / 2 ** 34).toPrecision(15)},"jpy":${100 + (hash(s) % 100)}.0,"usd":1.0}`,
      );
  }
  // Ruby, which Stripe's API is written in, writes whole floats with `.0`; keeping that is a test of whoever stores it.
  if (object === 'tax_rate' && name === 'percentage')
    return (s, out) => out.text(sample.pick(['19.0', '7.25', '8.875', '21.0', '0.0'], hash(s)));
  return undefined;
}

/** One in ten subscriptions is canceled, and lists leave those out by default. */
function subscriptionStatus(around: ShapeSurroundings): (subject: Subject) => string {
  const hash = fieldHash(around, 'status');
  const others = ['active', 'active', 'active', 'active', 'active', 'trialing', 'past_due', 'unpaid'];
  return (s) => {
    if (s.change?.canceledAt !== undefined || hash(s) % 10 === 0) return 'canceled';
    return sample.pick(others, hash(s) >>> 5);
  };
}

function referenceSlot(object: string, value: unknown, path: string, around: ShapeSurroundings): Slot {
  const hash = fieldHash(around, path);
  const key = path.slice(path.lastIndexOf('.') + 1);
  const isParent = around.parentObject === object && !path.includes('.');
  if (isParent) return parentIdSlot;
  const nullable = around.resource.nullable.includes(path) || value === null;
  if (value === null && !(usuallySet.has(key) && !path.includes('.'))) return always('null');
  const optional = value === null;
  const unknown = nullable ? 'null' : JSON.stringify(typeof value === 'string' ? value : 'obj_123');
  return (s, out) => {
    const h = hash(s);
    if (optional && h % 5 === 0) return out.text('null');
    const id = around.idOf(object, h >>> 3);
    if (id === undefined) out.text(unknown);
    else out.quoted(id);
  };
}

/** Some fields hold an id though their type says no more than "string": those named like the kind of object. */
function plainReference(name: string, value: unknown): string | undefined {
  return typeof value === 'string' && value.includes('_') && name in resources ? name : undefined;
}

function timeSlot(asText: boolean, key: string, hash: (s: Subject) => number): Slot {
  const second = (s: Subject) =>
    key === 'updated'
      ? s.change?.at || s.created
      : key === 'created'
        ? s.created
        : s.created + (hash(s) % (30 * 86_400));
  return secondSlot(asText, second);
}

function secondSlot(asText: boolean, second: (s: Subject) => number): Slot {
  return asText ? (s, out) => out.quoted(new Date(second(s) * 1000).toISOString()) : (s, out) => out.number(second(s));
}

/** `revision` tells how often an object has been updated; an update changes nothing else but `updated`. */
function metadataSlot(hash: (s: Subject) => number): Slot {
  return (s, out) => sample.writeMetadata(hash(s), s.change?.version ?? 0, out);
}

function shippingSlot(hash: (s: Subject) => number): Slot {
  return (s, out) => {
    const h = hash(s);
    if (h % 2 === 0) return out.text('null');
    out.text('{"address":');
    sample.writeAddress(h >>> 2, out);
    out.text(',"name":');
    sample.writeName(h >>> 4, out);
    out.text(',"phone":');
    sample.writePhone(h >>> 3, out);
    out.text('}');
  };
}

function scalarSlot(
  key: string,
  value: unknown,
  top: boolean,
  hash: (s: Subject) => number,
  around: ShapeSurroundings,
): Slot | undefined {
  const perObject = fieldHash(around, 'amount');
  if (key === 'currency' && (typeof value === 'string' || value === null)) {
    return sampled(sample.writeCurrency, fieldHash(around, 'currency'));
  }
  if (typeof value === 'string' && /_decimal$/.test(key) && /^[\d.]+$/.test(value))
    return sampled(sample.writeDecimal, perObject);
  if (
    typeof value === 'number' &&
    /^(amount|unit_amount|subtotal|total|net)(_|$)/.test(key) &&
    !around.resource.timestamps.includes(key)
  ) {
    return value === 0 ? undefined : sampled(sample.writeAmount, perObject);
  }
  const textual = typeof value === 'string' || (value === null && top);
  if (!textual) return undefined;
  if (key === 'email' || key === 'customer_email' || key === 'receipt_email') return sampled(sample.writeEmail, hash);
  if (key === 'phone' || key === 'customer_phone') return sampled(sample.writePhone, hash);
  if (revisedFields.includes(key) && key !== 'description' && !around.resource.enums[key])
    return revised(sampled(sample.writeName, hash), top, around);
  if (key === 'description')
    return revised(
      (s, out) => (hash(s) % 4 === 0 && value === null ? out.text('null') : sample.writeText(hash(s) >>> 3, out)),
      top,
      around,
    );
  return undefined;
}

/** Objects without metadata show their updates in their name or description. */
function revised(text: Slot, top: boolean, around: ShapeSurroundings): Slot {
  if (!top || isObject(around.resource.example.metadata)) return text;
  return (s, out) => {
    const version = s.change?.version ?? 0;
    if (version === 0) return text(s, out);
    const first: unknown = JSON.parse(textOf((own) => text(s, own)));
    out.text(JSON.stringify(`${first ?? ''} (revision ${version})`));
  };
}

const revisedFields = ['name', 'customer_name', 'display_name', 'nickname', 'title', 'description'];

/** The field that turns with each update, for kinds that have neither metadata nor a text that could change. */
function turningField(example: { [field: string]: unknown }): string | undefined {
  if (isObject(example.metadata) || revisedFields.some((field) => field in example)) return undefined;
  return Object.keys(example).find((field) => typeof example[field] === 'boolean' && field !== 'livemode');
}

/** Whether an update of this kind of object shows: it has metadata, a text that may change, a switch, or a state. */
export function isUpdatable(example: { [field: string]: unknown }): boolean {
  return (
    isObject(example.metadata) ||
    revisedFields.some((field) => field in example) ||
    'updated' in example ||
    example.object === 'tax_id' ||
    turningField(example) !== undefined
  );
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
