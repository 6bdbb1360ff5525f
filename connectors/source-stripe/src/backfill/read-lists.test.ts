import { setImmediate as nextTurn } from 'node:timers/promises';
import { type SourceOutput, systemClock } from '@penstock/connector-sdk';
import { beforeEach, describe, expect, it } from 'vitest';
import { invoiceLines, invoices } from '../embedded/testing/streams.ts';
import { unreadState } from '../ranges/range.ts';
import { writeStreamState } from '../ranges/stream-state.ts';
import { recordMaker } from '../read/make-records.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { Permit, StripeReader, StripeResponse } from '../stripe-client.ts';
import { type FakeObject, FakeStripe } from '../testing/fake-stripe.ts';
import { Emitted, quietLog } from '../testing/read-source.ts';
import { refusalOf, streamsNamed } from '../testing/read-world.ts';
import { Handover } from './handover.ts';
import type { ListTask } from './list-pass.ts';
import { type ListEnd, type ListsContext, ListsReader } from './read-lists.ts';
import { slotsFor } from './slots.ts';

const NOW_S = 1_000_000;
const WINDOW = { gte: 0, lt: NOW_S - 10 };
const [charges, customers, refunds] = streamsNamed('charges', 'customers', 'refunds') as [
  StripeStream,
  StripeStream,
  StripeStream,
];

/** Lists in memory whose answers a test may change. */
class HookedStripe implements StripeReader {
  readonly lists: FakeStripe;
  /** Called with each request, before it is answered; what it throws is the answer. */
  onRequest: (path: string) => Promise<void> | void = () => undefined;
  /** Called with the body of each answer. */
  onAnswer: (body: Buffer) => void = () => undefined;
  /** With 0 there is one slot. */
  latencyMs = 0;
  answeredBytes = 0;

  constructor(lists: Record<string, readonly FakeObject[]>) {
    this.lists = new FakeStripe(lists, NOW_S);
  }

  get requests(): readonly string[] {
    return this.lists.requests;
  }

  now(): number {
    return this.lists.now();
  }

  whenAllowed(signal: AbortSignal): Promise<Permit> {
    return this.lists.whenAllowed(signal);
  }

  async get(path: string, signal: AbortSignal): Promise<StripeResponse> {
    await this.onRequest(path);
    const answer = await this.lists.get(path, signal);
    this.answeredBytes += answer.body.length;
    this.onAnswer(answer.body);
    return answer;
  }
}

function objectsOf(count: number, more: object = {}): FakeObject[] {
  return Array.from({ length: count }, (_, i) => ({ id: `obj_${i}`, created: 900_000 + i, ...more }));
}

function taskOf(list: StripeStream, streams: readonly StripeStream[] = [list]): ListTask {
  return { list, streams, state: unreadState(WINDOW, list.queries, NOW_S), backfillLimit: undefined };
}

/** A reading of lists that nobody takes anything of yet. */
function begin(client: StripeReader, tasks: readonly ListTask[], more: Partial<ListsContext> = {}) {
  const output = new Handover<readonly SourceOutput[]>();
  const ends = new Map<string, ListEnd>();
  const abort = new AbortController();
  const { signal } = abort;
  const reader = new ListsReader(
    {
      ...{ client, accountId: 'acct_1', rate: 100, listsMax: Number.POSITIVE_INFINITY, output, signal },
      clock: systemClock,
      toRecords: recordMaker({ client, accountId: 'acct_1', log: quietLog, signal }),
      onEnd: async (end) => void ends.set(end.stream.name, end),
      ...more,
    },
    tasks,
  );
  reader.run().then(
    () => output.close(),
    (error: unknown) => output.fail(error),
  );
  return { output, ends, abort };
}

async function takeAll(output: Handover<readonly SourceOutput[]>): Promise<Emitted> {
  const emitted = new Emitted({ streams: {}, global: {} });
  for await (const items of output) for (const item of items) emitted.add(item);
  return emitted;
}

async function read(client: StripeReader, tasks: readonly ListTask[], more: Partial<ListsContext> = {}) {
  const { output, ends } = begin(client, tasks, more);
  return { emitted: await takeAll(output), ends };
}

/** Resolves when nothing more is asked for, though nobody takes anything. */
async function whenQuiet(client: HookedStripe): Promise<number> {
  for (let quietTurns = 0, count = -1; quietTurns < 50; quietTurns++) {
    await nextTurn();
    if (client.requests.length !== count) quietTurns = 0;
    count = client.requests.length;
  }
  return client.requests.length;
}

const idsOf = (objects: readonly FakeObject[]): string[] => objects.map(({ id }) => id).sort();

describe('a page that fails', () => {
  let client: HookedStripe;
  beforeEach(() => {
    client = new HookedStripe({ [charges.path]: objectsOf(350), [customers.path]: objectsOf(350) });
    client.onRequest = (path) => {
      // The third page.
      if (path.startsWith(charges.path) && path.includes('starting_after=obj_150')) throw refusalOf(charges.path, 500);
    };
  });

  it('leaves its range in the state with its cursor, behind the records of the pages before it, and other lists go on', async () => {
    const { emitted, ends } = await read(client, [taskOf(charges), taskOf(customers)]);
    expect(emitted.ids('charges')).toEqual(idsOf(objectsOf(350).slice(150)));
    const failed = ends.get('charges')!;
    expect(failed.failure).toMatchObject({ error: { status: 500 }, hasBegun: true });
    expect(failed.state.remaining).toMatchObject([{ gte: 0, cursor: { after: 'obj_150', seen: 900_150 } }]);
    expect(emitted.state.streams.charges).toEqual(writeStreamState(failed.state));
    expect(emitted.ids('customers')).toEqual(idsOf(objectsOf(350)));
    expect(ends.get('customers')).not.toHaveProperty('failure');
    expect(ends.get('customers')?.state.remaining).toEqual([]);
  });

  it('is where a later reading goes on', async () => {
    const { ends } = await read(client, [taskOf(charges)]);
    client.onRequest = () => undefined;
    const count = client.requests.length;
    const rest = await read(client, [{ ...taskOf(charges), state: ends.get('charges')!.state }]);
    expect(rest.emitted.ids('charges')).toEqual(idsOf(objectsOf(150)));
    expect(client.requests.length - count).toBe(2);
  });

  it('says that nothing of the list was read when it was the first one', async () => {
    client.onRequest = () => {
      throw refusalOf(charges.path, 403);
    };
    const { emitted, ends } = await read(client, [taskOf(charges)]);
    expect(emitted.outputs).toEqual([]);
    expect(ends.get('charges')?.failure).toMatchObject({ error: { status: 403 }, hasBegun: false });
  });
});

describe('a stream under a parent that is read along with it', () => {
  const { embeddedLists: _, ...parents } = invoices;
  const shown = { object: 'list', data: [{ id: 'il_shown', object: 'line_item' }], has_more: true };
  const linesOf = (path: string): boolean => path.includes('/lines');

  it('ends alone when its list is refused, with no checkpoint from then on, while the parent is completed', async () => {
    const client = new HookedStripe({ [invoices.path]: objectsOf(250, { lines: shown }) });
    client.onRequest = (path) => {
      if (linesOf(path)) throw refusalOf('/v1/invoices/obj/lines', 403);
    };
    const { emitted, ends } = await read(client, [taskOf(parents, [parents, invoiceLines])]);
    expect(emitted.ids('invoices')).toEqual(idsOf(objectsOf(250)));
    expect(ends.get('invoices')).not.toHaveProperty('failure');
    expect(ends.get('invoices')?.state.remaining).toEqual([]);
    expect(ends.get('invoices_lines')?.failure).toMatchObject({ error: { status: 403 } });
    expect(emitted.state.streams).not.toHaveProperty('invoices_lines');
  });

  it('keeps the checkpoint of the last page that it had whole', async () => {
    const client = new HookedStripe({ [invoices.path]: objectsOf(250, { lines: shown }) });
    client.onRequest = (path) => {
      // Of an object in the second page.
      if (path.includes('/obj_120/lines')) throw refusalOf('/v1/invoices/obj_120/lines', 500);
    };
    for (const { id } of objectsOf(250)) client.lists.lists.set(`${invoices.path}/${id}/lines`, [lineOf(id)]);
    // What is shown is no cursor there: the list is read from its beginning.
    const { emitted, ends } = await read(client, [taskOf(parents, [parents, invoiceLines])]);
    expect(ends.get('invoices_lines')?.failure).toMatchObject({ error: { status: 500 } });
    const state = emitted.state.streams.invoices_lines as { remaining: { cursor: string }[] };
    expect(state.remaining).toMatchObject([{ cursor: 'obj_150' }]);
    const lines = new Set(emitted.ids('invoices_lines'));
    for (let i = 150; i < 250; i++) expect(lines, `the line of obj_${i}`).toContain(`il_obj_${i}`);
    expect(emitted.ids('invoices')).toHaveLength(250);
  });
});

function lineOf(parentId: string): FakeObject {
  return { id: `il_${parentId}`, created: 900_000 };
}

describe('a reader that is slow', () => {
  const MANY = 4000;
  const heavy = { description: 'x'.repeat(10_000) };
  const PAGE_BYTES_MAX = 1_100_000;
  const WAITING_BYTES_MAX = 4 * 1024 * 1024;

  it('has some megabytes ready for it, and no more than what was under way beyond; then gets everything once', async () => {
    const client = new HookedStripe({ [charges.path]: objectsOf(MANY, heavy) });
    client.latencyMs = 40;
    const slots = slotsFor(100, client.latencyMs);
    const { output } = begin(client, [taskOf(charges)]);
    await whenQuiet(client);
    expect(client.answeredBytes).toBeGreaterThan(WAITING_BYTES_MAX);
    expect(client.answeredBytes).toBeLessThanOrEqual(WAITING_BYTES_MAX + slots * PAGE_BYTES_MAX);
    const emitted = await takeAll(output);
    expect(emitted.ids('charges')).toEqual(idsOf(objectsOf(MANY)));
  });

  it('is not waited for with pages that are small', async () => {
    const client = new HookedStripe({ [charges.path]: objectsOf(2000) });
    const { output } = begin(client, [taskOf(charges)]);
    expect(await whenQuiet(client)).toBe(20);
    expect((await takeAll(output)).ids('charges')).toHaveLength(2000);
  });

  it('is told at once when reading is aborted, and nothing more is asked for', async () => {
    const client = new HookedStripe({ [charges.path]: objectsOf(MANY, heavy) });
    const { output, abort } = begin(client, [taskOf(charges)]);
    const asked = await whenQuiet(client);
    abort.abort(new Error('stop'));
    await expect(takeAll(output)).rejects.toThrow('stop');
    expect(await whenQuiet(client)).toBe(asked);
  });
});

it('reads no more lists at once beyond their first page than it may', async () => {
  const lists = [charges, customers, refunds];
  const client = new HookedStripe(Object.fromEntries(lists.map(({ path }) => [path, objectsOf(450)])));
  client.latencyMs = 100;
  await read(
    client,
    lists.map((list) => taskOf(list)),
    { listsMax: 1 },
  );
  const paths = client.requests.map((path) => path.replace(/\?.*/, ''));
  expect(new Set(paths.slice(0, 3)).size).toBe(3);
  // Each time another list than before is asked: as often as there are others.
  const changes = paths.slice(3).filter((path, i, all) => i > 0 && path !== all[i - 1]);
  expect(changes).toHaveLength(2);
});

describe('the order of a list', () => {
  /** Windows that a list was asked for with. */
  const windows = ({ requests }: HookedStripe): Set<string> =>
    new Set(requests.map((path) => new URL(path, 'http://stripe').searchParams.get('created[lt]') as string));

  it('lets it be read in parts where it is newest first', async () => {
    const client = new HookedStripe({ [charges.path]: objectsOf(3000) });
    client.latencyMs = 100;
    const { emitted } = await read(client, [taskOf(charges)]);
    expect(windows(client).size).toBeGreaterThan(2);
    expect(emitted.ids('charges')).toEqual(idsOf(objectsOf(3000)));
  });

  it('is complete where it is not newest first, and is then not read in parts', async () => {
    const client = new HookedStripe({ [charges.path]: objectsOf(3000) });
    client.latencyMs = 100;
    client.lists.lists.get(charges.path)?.reverse();
    const { emitted, ends } = await read(client, [taskOf(charges)]);
    expect(windows(client).size).toBe(1);
    expect(emitted.ids('charges')).toEqual(idsOf(objectsOf(3000)));
    expect(ends.get('charges')?.state.remaining).toEqual([]);
  });

  it('lets it be split no more once a page of it was out of order, whatever other pages are like', async () => {
    /** How often it was split from the page on that holds two objects, which may be swapped. */
    const splitsAfter = async (isSwapped: boolean): Promise<number> => {
      const client = new HookedStripe({ [charges.path]: objectsOf(8000) });
      client.latencyMs = 20;
      const list = client.lists.lists.get(charges.path)!;
      const [at, next] = [2050, 2051].map((index) => list[index]) as [FakeObject, FakeObject];
      if (isSwapped) list.splice(2050, 2, next, at);
      let before: number | undefined;
      client.onAnswer = (body) => {
        if (before === undefined && body.includes(`"${at.id}"`)) before = windows(client).size;
      };
      const { emitted } = await read(client, [taskOf(charges)]);
      expect(new Set(emitted.ids('charges'))).toEqual(new Set(idsOf(objectsOf(8000))));
      return windows(client).size - before!;
    };
    expect(await splitsAfter(false)).toBeGreaterThan(1);
    expect(await splitsAfter(true)).toBe(0);
  });
});

it('goes on from the second of the last object when that is deleted between two pages', async () => {
  // Three objects in each second, so that some of that second were not read.
  const all = objectsOf(350).map((object, i) => ({ ...object, created: 900_000 + Math.floor(i / 3) }));
  const client = new HookedStripe({ [charges.path]: all });
  const deleted: string[] = [];
  client.onRequest = (path) => {
    const cursor = new URL(path, 'http://stripe').searchParams.get('starting_after');
    if (cursor === null || deleted.length === 2) return;
    const list = client.lists.lists.get(charges.path)!;
    list.splice(
      list.findIndex(({ id }) => id === cursor),
      1,
    );
    deleted.push(cursor);
  };
  const { emitted, ends } = await read(client, [taskOf(charges)]);
  expect(deleted).toHaveLength(2);
  expect(new Set(emitted.ids('charges'))).toEqual(new Set(idsOf(all)));
  // No more than the rest of two seconds came twice.
  expect(emitted.ids('charges').length).toBeLessThanOrEqual(350 + 2 * 2);
  expect(ends.get('charges')?.state.remaining).toEqual([]);
  expect(ends.get('charges')).not.toHaveProperty('failure');
});
