import type { Stream } from '@penstock/protocol';
import type { Simulator } from './simulator.ts';

/** A list inside an object, as Stripe shows it. */
interface ShownList {
  readonly object: 'list';
  readonly url: string;
  data: unknown[];
  has_more: boolean;
}

/** Where a list of the catalog is in the simulator, which has another word for the id of a parent. */
export function listPathOf(stream: Stream): string {
  return String(stream.metadata?.path).replace('{id}', '{parent}').replace(/\?.*/, '');
}

/**
 * What a table is to hold of a list: its current objects as JSON texts. Where an object shows the first page only of a
 * list in it, all of that list.
 */
export async function expectedObjects(simulator: Simulator, stream: Stream): Promise<string[]> {
  const lines = (await simulator.truth(listPathOf(stream))).split('\n').filter((line) => line !== '');
  // An event is what Stripe wrote at the time, with the page that it showed then.
  if (stream.metadata?.object === 'event') return lines;
  return Promise.all(lines.map((line) => (line.includes('"has_more":true') ? withWholeLists(simulator, line) : line)));
}

async function withWholeLists(simulator: Simulator, text: string): Promise<string> {
  const object = JSON.parse(text) as Record<string, unknown>;
  for (const value of Object.values(object)) {
    if (!isCutOff(value)) continue;
    const whole = await readWholeList(simulator, value.url);
    value.data = whole;
    value.has_more = false;
  }
  return JSON.stringify(object);
}

function isCutOff(value: unknown): value is ShownList {
  const list = value as Partial<ShownList> | null;
  return typeof value === 'object' && list?.object === 'list' && list.has_more === true;
}

async function readWholeList(simulator: Simulator, listUrl: string): Promise<unknown[]> {
  const objects: { id: string }[] = [];
  for (let hasMore = true; hasMore; ) {
    const url = new URL(listUrl, simulator.url);
    url.searchParams.set('limit', '100');
    const last = objects.at(-1);
    if (last !== undefined) url.searchParams.set('starting_after', last.id);
    const response = await fetch(url, { headers: { authorization: 'Bearer sk_test_scenario' } });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    const page = (await response.json()) as { data: { id: string }[]; has_more: boolean };
    objects.push(...page.data);
    hasMore = page.has_more;
  }
  return objects;
}
