import { beforeEach, describe, expect, it } from 'vitest';
import type { MadeRecords } from '../backfill/read-lists.ts';
import type { ChildStream } from '../embedded/read-children.ts';
import { FakeLists, itemOf, type RawItem, refusal } from '../embedded/testing/fake-lists.ts';
import { invoiceLines, invoices } from '../embedded/testing/streams.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import { quietLog } from '../testing/read-source.ts';
import { recordMaker } from './make-records.ts';

const AS_OF_S = 1_700_000_000;
/** A second list under each invoice, of which it shows nothing. */
const payments: ChildStream = {
  ...invoiceLines,
  name: 'invoices_payments',
  path: '/v1/invoices/{id}/payments',
  parent: { path: '/v1/invoices', embedded: null },
};

const itemsOf = (prefix: string, count: number): RawItem[] =>
  Array.from({ length: count }, (_, i) => itemOf(`${prefix}_${i}`));
const idsIn = (prefix: string, count: number): string[] => itemsOf(prefix, count).map(({ id }) => id);

/** An invoice that shows the first ten of its lines. */
function invoiceOf(id: string, lineCount: number): Buffer {
  const lines = itemsOf(`il_${id}`, lineCount);
  const data = lines.slice(0, 10).map(({ text }) => text);
  const list = `{"object":"list","data":[${data}],"has_more":${lineCount > 10}}`;
  return Buffer.from(`{"id":"${id}","lines":${list},"_account_id":"acct_1","_as_of":${AS_OF_S}}`);
}

let client: FakeLists;
let abort: AbortController;
const counts = { in_0: 25, in_1: 3, in_2: 130, in_3: 10 };
const objects = Object.entries(counts).map(([id, count]) => invoiceOf(id, count));
beforeEach(() => {
  abort = new AbortController();
  const ids = Object.entries(counts);
  client = new FakeLists(
    Object.fromEntries([
      ...ids.map(([id, count]) => [`/v1/invoices/${id}/lines`, itemsOf(`il_${id}`, count)]),
      ...ids.map(([id]) => [`/v1/invoices/${id}/payments`, itemsOf(`inpay_${id}`, 2)]),
    ]),
  );
});

async function make(...streams: StripeStream[]): Promise<MadeRecords[]> {
  const toRecords = recordMaker({ client, accountId: 'acct_1', log: quietLog, signal: abort.signal });
  const made: MadeRecords[] = [];
  for await (const some of toRecords({ list: invoices, objects, asOf: AS_OF_S }, streams)) made.push(some);
  return made;
}

function recordsOf(made: readonly MadeRecords[], stream: StripeStream): Record<string, unknown>[] {
  return made.flatMap((some) =>
    some.stream === stream && 'records' in some ? some.records.map((record) => JSON.parse(record.toString())) : [],
  );
}

const errorsOf = (made: readonly MadeRecords[], stream: StripeStream): unknown[] =>
  made.flatMap((some) => (some.stream === stream && 'error' in some ? [some.error] : []));
const idsOf = (records: readonly Record<string, unknown>[]): unknown[] => records.map(({ id }) => id);
const allLines = Object.entries(counts).flatMap(([id, count]) => idsIn(`il_${id}`, count));

/** Answers every request of the path with this status. */
function refuse(path: string, status: number): void {
  client.onRequest = (asked) => {
    if (asked.startsWith(path)) throw refusal(status, { message: 'No' });
    return undefined;
  };
}

describe('a page of parents', () => {
  it('gives them whole, and their children in order, with one request for each page that is not shown', async () => {
    const made = await make(invoices, invoiceLines);
    const parents = recordsOf(made, invoices) as { id: string; lines: { data: unknown[]; has_more: boolean } }[];
    expect(idsOf(parents)).toEqual(Object.keys(counts));
    expect(parents.map(({ lines }) => lines.data.length)).toEqual(Object.values(counts));
    expect(parents.every(({ lines }) => !lines.has_more)).toBe(true);
    const children = recordsOf(made, invoiceLines);
    expect(idsOf(children)).toEqual(allLines);
    expect(children.every(({ id, _parent_id }) => (id as string).startsWith(`il_${_parent_id}`))).toBe(true);
    // Fifteen and a hundred and twenty are not shown: what was completed for a parent is not asked for again.
    expect(client.requests.map((path) => path.replace(/\?.*/, ''))).toEqual([
      '/v1/invoices/in_0/lines',
      '/v1/invoices/in_2/lines',
      '/v1/invoices/in_2/lines',
    ]);
  });

  it('gives no child before its parent', async () => {
    const parents = new Set<unknown>();
    for (const some of await make(invoices, invoiceLines, payments)) {
      if (!('records' in some)) expect.fail(String(some.error));
      for (const record of some.records.map((one) => JSON.parse(one.toString()))) {
        if (some.stream === invoices) parents.add(record.id);
        else expect(parents, record.id).toContain(record._parent_id);
      }
    }
  });

  it('gives the children alone where nothing else is wanted, with as many requests', async () => {
    const made = await make(invoiceLines);
    expect(new Set(made.map(({ stream }) => stream))).toEqual(new Set([invoiceLines]));
    expect(idsOf(recordsOf(made, invoiceLines))).toEqual(allLines);
    expect(client.requests).toHaveLength(3);
  });

  it('gives the parents alone, whole, where no child is wanted', async () => {
    const made = await make(invoices);
    expect(idsOf(recordsOf(made, invoices))).toEqual(Object.keys(counts));
    expect(client.requests).toHaveLength(3);
  });

  it('reads a list that its parents do not show from the beginning', async () => {
    const made = await make(invoices, payments);
    expect(idsOf(recordsOf(made, payments))).toEqual(Object.keys(counts).flatMap((id) => idsIn(`inpay_${id}`, 2)));
    expect(client.requests.filter((path) => path.includes('/payments'))).toHaveLength(4);
  });

  it('gives the very same buffers where nothing is cut off', async () => {
    const whole = [invoiceOf('in_1', 3), invoiceOf('in_3', 10)];
    const toRecords = recordMaker({ client, accountId: 'acct_1', log: quietLog, signal: abort.signal });
    const records: Buffer[] = [];
    for await (const some of toRecords({ list: invoices, objects: whole, asOf: AS_OF_S }, [invoices])) {
      if ('records' in some) records.push(...some.records);
    }
    expect(records).toHaveLength(2);
    for (const [i, record] of records.entries()) expect(record).toBe(whole[i]);
    expect(client.requests).toEqual([]);
  });
});

describe('an error', () => {
  it('of one list under the parents ends that one: parents and other children are complete', async () => {
    refuse('/v1/invoices/in_1/payments', 403);
    const made = await make(invoices, payments, invoiceLines);
    expect(errorsOf(made, payments)).toMatchObject([{ status: 403 }]);
    expect(errorsOf(made, invoices)).toEqual([]);
    expect(idsOf(recordsOf(made, invoices))).toEqual(Object.keys(counts));
    expect(idsOf(recordsOf(made, invoiceLines))).toEqual(allLines);
  });

  it('of completing a parent ends the parents, with those before it given; children of all of them are still tried', async () => {
    refuse('/v1/invoices/in_2/lines', 500);
    const made = await make(invoices, payments);
    expect(errorsOf(made, invoices)).toMatchObject([{ status: 500 }]);
    expect(idsOf(recordsOf(made, invoices))).toEqual(['in_0', 'in_1']);
    expect(idsOf(recordsOf(made, payments))).toEqual(Object.keys(counts).flatMap((id) => idsIn(`inpay_${id}`, 2)));
  });

  it('of a list that both need ends both, each once', async () => {
    refuse('/v1/invoices/in_2/lines', 500);
    const made = await make(invoices, invoiceLines);
    expect(errorsOf(made, invoices)).toHaveLength(1);
    expect(errorsOf(made, invoiceLines)).toHaveLength(1);
    const whole = [...idsIn('il_in_0', 25), ...idsIn('il_in_1', 3)];
    expect(idsOf(recordsOf(made, invoiceLines)).slice(0, whole.length)).toEqual(whole);
  });

  it('that is the end of the run is thrown, and is none of a stream', async () => {
    client.onRequest = () => {
      abort.abort(new Error('stop'));
      return undefined;
    };
    await expect(make(invoices, invoiceLines)).rejects.toThrow('stop');
  });
});
