import type { Change, FieldNaming, Shape, Subject } from '../object-shape.ts';
import { olderApiVersion, olderNaming } from '../older-shape.ts';
import { hashIndex, mix } from '../random.ts';
import type { TextWriter } from '../text-writer.ts';
import type { Stream } from './stream.ts';

/** What happened to an object. */
export type Happening = 'created' | 'updated' | 'deleted';

/** All that an event tells. */
export type Told = {
  /** Number of the event; a second event about the same has the number of the first. */
  number: number;
  created: number;
  type: string;
  stream: Stream;
  rank: number;
  before: Change | undefined;
  after: Change | undefined;
  what: Happening;
  /** Holds hardly more of the object than which one it is. */
  isPartial: boolean;
  /** Was made under the older API version. */
  isOlder: boolean;
};

/** Says "as at first", where undefined would say "as it is now". */
const noChange: Change = { version: 0, at: 0 };
const partialFields: ReadonlySet<string> = new Set(['id', 'object', 'metadata']);

/**
 * Writes an event as JSON text.
 *
 * @param seed of the list of events
 * @param apiVersion what the event is written as; any but the current one gives the object as it looked before
 */
export function writeEvent(
  id: string,
  told: Told,
  of: { seed: number; apiVersion: string; current: string },
  out: TextWriter,
): void {
  const { number, created, type, stream, rank, before, after, what } = told;
  const apiVersion = told.isOlder ? olderApiVersion : of.apiVersion;
  const naming = apiVersion === of.current ? undefined : olderNaming(stream.object, stream.shape.fieldNames);
  const partial: FieldNaming = (field) => (partialFields.has(field) ? field : undefined);
  const subject = (change: Change | undefined) => stream.subject(rank, change ?? noChange);
  const hash = hashIndex(mix(of.seed, 3), number);
  const request =
    hash % 3 === 0
      ? '{"id":null,"idempotency_key":null}'
      : `{"id":"req_${hash.toString(36)}${number.toString(36)}","idempotency_key":null}`;
  const changed =
    what === 'updated' && before !== after
      ? previousAttributes(stream.shape, subject(before), subject(after), naming)
      : '{}';
  const previous = what === 'updated' ? `,"previous_attributes":${changed}` : '';
  out.text(`{"id":"${id}","object":"event","api_version":"${apiVersion}","created":${created},"data":{"object":`);
  stream.shape.write(subject(after), out, told.isPartial ? partial : naming);
  out.text(`${previous}},"livemode":false,"pending_webhooks":0,"request":${request},"type":"${type}"}`);
}

/** The former values of the top-level fields that differ; of `metadata` only the pairs that do, as Stripe does. */
function previousAttributes(shape: Shape, before: Subject, after: Subject, naming: FieldNaming | undefined): string {
  const previous: string[] = [];
  for (const field of shape.fieldNames) {
    const name = naming ? naming(field) : field;
    const [old = 'null', now = 'null'] = [shape.field(field, before), shape.field(field, after)];
    if (name === undefined || old === now) continue;
    previous.push(`${JSON.stringify(name)}:${field === 'metadata' ? formerPairs(old, now) : old}`);
  }
  return `{${previous.join(',')}}`;
}

function formerPairs(oldMetadata: string, nowMetadata: string): string {
  const [old, now] = [JSON.parse(oldMetadata), JSON.parse(nowMetadata)];
  const differing = Object.keys(now).filter((key) => old[key] !== now[key]);
  return JSON.stringify(Object.fromEntries(differing.map((key) => [key, old[key] ?? null])));
}
