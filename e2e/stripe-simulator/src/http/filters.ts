import { leftOut } from '../endpoint-rules.ts';
import { EventLog } from '../store/event-log.ts';
import type { Listing } from '../store/listing.ts';
import { readRange, type Value } from './query.ts';

/** Says of a rank whether a list shows it; `lowest` is a rank below which it shows none. */
export type Filter = ((rank: number) => boolean) & { readonly lowest?: number };

/** Subscriptions that are over; `status=ended` asks for these. */
const endedStatuses = ['canceled', 'incomplete_expired'];

/**
 * Turns the parameters of a list request into filters: those that name a top-level field compare with it (text, number,
 * boolean, a list of values, or a range); the others have no effect here.
 *
 * @param path the list's own path
 * @param skipped parameters that name the parent, and have been used already
 */
export function readFilters(
  path: string,
  listing: Listing,
  values: ReadonlyMap<string, Value>,
  skipped: readonly string[],
): Filter[] {
  const filters: Filter[] = [];
  const rule = leftOut[path];
  if (rule && !values.has(rule.parameter)) {
    const hidden = JSON.stringify(rule.value);
    filters.push((rank) => listing.field(rank, rule.field) !== hidden);
  }
  for (const [name, value] of values) {
    if (skipped.includes(name) || (name === 'status' && value.text === 'all')) continue;
    if (path === '/v1/subscriptions' && name === 'status' && value.text === 'ended') {
      filters.push((rank) => endedStatuses.includes(JSON.parse(listing.field(rank, 'status') ?? 'null')));
      continue;
    }
    if (listing instanceof EventLog) {
      const filter = eventFilter(listing, name, value);
      if (filter) filters.push(filter);
      continue;
    }
    const flatRange = /^created_(gte?|lte?|after|before)$/.exec(name)?.[1];
    if (flatRange) {
      const range = readRange('created', {
        parts: { [flatRange === 'after' ? 'gt' : flatRange === 'before' ? 'lt' : flatRange]: value.text ?? '' },
      });
      filters.push((rank) => listing.createdAt(rank) >= range.gte && listing.createdAt(rank) < range.lt);
      continue;
    }
    const field =
      ({ ids: 'id', lookup_keys: 'lookup_key', statuses: 'status' } as Record<string, string>)[name] ?? name;
    const filter = fieldFilter(listing, field, value);
    if (filter) filters.push(filter);
  }
  return filters;
}

function eventFilter(events: EventLog, name: string, value: Value): Filter | undefined {
  // Without the lowest rank, a list of what has no events from before would look at all of those, one by one.
  const ofTypes = (holds: (type: string) => boolean): Filter =>
    Object.assign((rank: number) => holds(events.typeAt(rank)), { lowest: events.lowestOf(holds) });
  const { items } = value;
  if (name === 'types' && items) return ofTypes((type) => items.includes(type));
  if (name === 'type' && value.text !== undefined) {
    const pattern = new RegExp(
      `^${value.text
        .split('*')
        .map((part) => part.replace(/[^\w]/g, '\\$&'))
        .join('.*')}$`,
    );
    return ofTypes((type) => pattern.test(type));
  }
  return undefined;
}

function fieldFilter(listing: Listing, field: string, value: Value): Filter | undefined {
  const sample = listing.size() > 0 ? listing.field(0, field) : undefined;
  if (sample === undefined || sample.startsWith('{') || sample.startsWith('[')) return undefined;
  const wanted = value.items ?? (value.text === undefined ? undefined : [value.text]);
  if (wanted) {
    // As JSON text: a string is quoted, a number and a boolean stand bare.
    const texts = new Set(wanted.flatMap((text) => [text, JSON.stringify(text)]));
    return (rank) => texts.has(listing.field(rank, field) ?? '');
  }
  if (!value.parts || !Object.keys(value.parts).every((part) => /^[gl]te?$/.test(part))) return undefined;
  const range = readRange(field, value);
  return (rank) => {
    const at = Number(listing.field(rank, field));
    return at >= range.gte && at < range.lt;
  };
}
