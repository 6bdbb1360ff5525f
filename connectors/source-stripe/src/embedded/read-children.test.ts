import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChildStream, childrenOfPage, isChildStream, readChildren } from './read-children.ts';
import { allPages } from './testing/all-pages.ts';
import { FakeLists, itemOf, type RawItem, refusal } from './testing/fake-lists.ts';
import { invoiceLines, invoices } from './testing/streams.ts';

const stamp = { accountId: 'acct_1', asOf: 1_700_000_000 };
const never = new AbortController().signal;
const hiddenLines: ChildStream = { ...invoiceLines, parent: { path: '/v1/invoices', embedded: null } };

const itemsOf = (count: number, prefix = 'il'): RawItem[] =>
  Array.from({ length: count }, (_, i) => itemOf(`${prefix}_${i}`));

/** A parent that shows the first of these items. */
function parentOf(items: readonly RawItem[], shown: number, id = 'in_1'): Buffer {
  const data = items.slice(0, shown).map(({ text }) => text);
  const list = `{"object":"list","data":[${data}],"has_more":${shown < items.length}}`;
  return Buffer.from(`{"id":"${id}","lines":${list},"_account_id":"acct_1","_as_of":1700000000}`);
}

async function recordsOf(pages: AsyncIterable<readonly Buffer[]>): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for await (const page of pages) {
    expect(page.length).toBeGreaterThan(0);
    records.push(...page.map((record) => JSON.parse(record.toString())));
  }
  return records;
}

function read(parent: Buffer, client: FakeLists, child = invoiceLines): Promise<Record<string, unknown>[]> {
  return recordsOf(readChildren(parent, { client, child, stamp, signal: never }));
}

const idsOf = (records: readonly Record<string, unknown>[]): unknown[] => records.map(({ id }) => id);

describe('readChildren', () => {
  it('gives every child once, in order, of any list, with a request only for what the parent does not show', async () => {
    const property = fc.asyncProperty(fc.nat(350), fc.nat(120), fc.constantFrom('', '\n'), async (count, most, gap) => {
      const shown = Math.min(count, most);
      const items = itemsOf(count);
      const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
      client.gap = gap;
      const records = await read(parentOf(items, shown), client);
      expect(idsOf(records)).toEqual(items.map(({ id }) => id));
      expect(records.every((record) => record._parent_id === 'in_1' && record._account_id === 'acct_1')).toBe(true);
      expect(client.requests).toHaveLength(Math.ceil((count - shown) / 100));
    });
    await fc.assert(property);
  });

  it('takes a child that is shown for as true as its parent, and one that is requested for as true as the answer', async () => {
    const client = new FakeLists({ '/v1/invoices/in_1/lines': itemsOf(2) });
    const records = await read(parentOf(itemsOf(2), 1), client);
    expect(records.map(({ _as_of }) => _as_of)).toEqual([1_700_000_000, 1_700_000_090]);
    client.date = undefined;
    const later = await read(parentOf(itemsOf(2), 0), client);
    expect(later.map(({ _as_of }) => _as_of)).toEqual([1_700_000_490, 1_700_000_490]);
  });

  it('leaves the values of a child as they are written', async () => {
    const text =
      '{"id":"il_1","n":12345678901234567890, "d":0.10000000000000000000000001,"s":"\\u00e9\\/é","_parent":1}';
    const item = { id: 'il_1', text };
    const expected = `${text.slice(0, -1)},"_parent_id":"in_1","_account_id":"acct_1","_as_of":`;
    for (const shown of [1, 0]) {
      const client = new FakeLists({ '/v1/invoices/in_1/lines': [item] });
      const context = { client, child: invoiceLines, stamp, signal: never };
      const [page] = await allPages(readChildren(parentOf([item], shown), context));
      expect(page?.[0]?.toString().startsWith(expected)).toBe(true);
    }
  });

  it.each([
    ['shows no such property', '{"id":"in_1"}'],
    ['shows null', '{"id":"in_1","lines":null}'],
    ['shows something that is no list', '{"id":"in_1","lines":{"object":"item","data":[],"has_more":false}}'],
    ['does not say whether there is more', '{"id":"in_1","lines":{"object":"list","data":[{"id":"il_0"}]}}'],
  ])('reads the whole list where the parent %s', async (_, parent) => {
    const client = new FakeLists({ '/v1/invoices/in_1/lines': itemsOf(120) });
    expect(idsOf(await read(Buffer.from(parent), client))).toEqual(itemsOf(120).map(({ id }) => id));
    expect(client.requests[0]).toBe('/v1/invoices/in_1/lines?limit=100');
  });

  it('reads the whole list of a stream that no parent shows, whatever else the parent holds', async () => {
    const client = new FakeLists({ '/v1/invoices/in_1/lines': itemsOf(2) });
    expect(await read(parentOf(itemsOf(1), 1), client, hiddenLines)).toHaveLength(2);
  });

  it('reads a list with several queries with each of them, and not from the parent', async () => {
    const client = new FakeLists({ '/v1/items': itemsOf(2) });
    const child = { ...invoiceLines, path: '/v1/items?invoice={id}', queries: ['active=true', 'active=false'] };
    expect(await read(parentOf(itemsOf(2), 2), client, child)).toHaveLength(4);
    expect(client.requests).toEqual([
      '/v1/items?invoice=in_1&active=true&limit=100',
      '/v1/items?invoice=in_1&active=false&limit=100',
    ]);
  });

  it('asks a list that has no pages for no limit, and only once', async () => {
    const client = new FakeLists({});
    client.onRequest = () => '{"object":"list","data":[{"id":"a"}],"has_more":true}';
    const child: ChildStream = {
      ...hiddenLines,
      path: '/v1/accounts/{id}/capabilities',
      limit: null,
      paging: 'none',
    };
    expect(idsOf(await read(parentOf([], 0), client, child))).toEqual(['a']);
    expect(client.requests).toEqual(['/v1/accounts/in_1/capabilities']);
  });

  it('follows the page tokens of a list of the second version', async () => {
    const path = '/v2/core/accounts/in_1/persons';
    const client = new FakeLists({});
    client.onRequest = (request) =>
      JSON.stringify({
        data: [{ id: request.includes('page=') ? 'b' : 'a' }],
        next_page_url: request.includes('page=') ? null : `${path}?limit=20&page=p1`,
      });
    const child: ChildStream = {
      ...hiddenLines,
      path: '/v2/core/accounts/{id}/persons',
      version: 2,
      limit: 20,
      paging: 'page',
    };
    expect(idsOf(await read(parentOf([], 0), client, child))).toEqual(['a', 'b']);
    expect(client.requests).toEqual([`${path}?limit=20`, `${path}?limit=20&page=p1`]);
  });

  it('has every child that is left where the object under the cursor was deleted', async () => {
    const left = itemsOf(150).slice(1);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': left });
    const records = await read(parentOf(itemsOf(150), 1), client);
    expect(idsOf(records)).toEqual(['il_0', ...left.map(({ id }) => id)]);
  });

  it.each([404, 400])('finds no more children of a parent that is gone (%i)', async (status) => {
    const client = new FakeLists({});
    client.onRequest = () => {
      throw refusal(status, { code: 'resource_missing', param: 'invoice' });
    };
    expect(await read(parentOf(itemsOf(1), 1), client, hiddenLines)).toEqual([]);
    expect(idsOf(await read(parentOf(itemsOf(20), 2), client))).toEqual(['il_0', 'il_1']);
  });

  it.each([
    [403, { type: 'invalid_request_error', message: 'The key may not' }],
    [400, { type: 'invalid_request_error', message: 'Not enabled' }],
    [404, { type: 'invalid_request_error', message: 'Unrecognized request URL' }],
  ])('passes on a %i that says something else', async (status, error) => {
    const client = new FakeLists({});
    client.onRequest = () => {
      throw refusal(status, error);
    };
    await expect(read(parentOf([], 0), client, hiddenLines)).rejects.toMatchObject({
      status,
      name: 'StripeResponseError',
    });
  });

  it.each([
    ['a parent without an id', '{"lines":{"object":"list","data":[],"has_more":false}}'],
    ['a child without an id', '{"id":"in_1","lines":{"object":"list","data":[{"x":1}],"has_more":false}}'],
    ['a child that is a text', '{"id":"in_1","lines":{"object":"list","data":["il_1"],"has_more":false}}'],
    ['a parent that is no JSON', '{"id":"in_1","lines":{"object":"list","data":[}'],
  ])('refuses %s', async (_, parent) => {
    const records = read(Buffer.from(parent), new FakeLists({}));
    await expect(records).rejects.toMatchObject({ code: 'response_invalid' });
    await expect(records).rejects.toThrow('An object of /v1/invoices');
  });

  it('refuses a requested child without an id', async () => {
    const client = new FakeLists({});
    client.onRequest = () => '{"object":"list","data":[{"x":1}],"has_more":false}';
    const records = read(parentOf([], 0), client, hiddenLines);
    await expect(records).rejects.toMatchObject({ code: 'response_invalid' });
    await expect(records).rejects.toThrow('GET /v1/invoices/in_1/lines answered');
  });
});

describe('childrenOfPage', () => {
  const parents = Array.from({ length: 40 }, (_, i) => {
    // Every fourth shows only a part.
    const items = itemsOf(i % 4 === 0 ? 130 : i % 3, `il_${i}`);
    return { id: `in_${i}`, items, bytes: parentOf(items, Math.min(items.length, 3), `in_${i}`) };
  });
  const pages = parents.map(({ bytes }) => bytes);
  const lists = Object.fromEntries(parents.map(({ id, items }) => [`/v1/invoices/${id}/lines`, items]));

  it('keeps the order of parents and children, however long each answer takes, within its concurrency', async () => {
    const expected = parents.flatMap(({ items }) => items.map(({ id }) => id));
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.scheduler(),
      async (concurrency, scheduler) => {
        const client = new FakeLists(lists);
        client.onRequest = () => scheduler.schedule(Promise.resolve(undefined));
        const context = { client, child: invoiceLines, stamp, signal: never };
        const records = await scheduler.waitFor(recordsOf(childrenOfPage(pages, context, concurrency)));
        expect(idsOf(records)).toEqual(expected);
        expect(records.every(({ id, _parent_id }) => `${id}`.startsWith(`${_parent_id}`.replace('in', 'il')))).toBe(
          true,
        );
        expect(client.requests).toHaveLength(20);
        expect(client.underWayMax).toBe(Math.min(10, concurrency));
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it('makes no more requests once its reader has left', async () => {
    const client = new FakeLists(lists);
    let answer = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      answer = () => resolve(undefined);
    });
    client.onRequest = (path) => (path.includes('/in_0/') ? undefined : late);
    const context = { client, child: invoiceLines, stamp, signal: never };
    for await (const page of childrenOfPage(pages, context, 3)) {
      expect(page.length).toBeGreaterThan(0);
      if (page.length > 50) break;
    }
    const count = client.requests.length;
    answer();
    await new Promise(setImmediate);
    expect(client.requests).toHaveLength(count);
    expect(client.underWay).toBe(0);
  });

  it('ends with the reason when it is aborted', async () => {
    const abort = new AbortController();
    const client = new FakeLists(lists);
    client.onRequest = () => {
      abort.abort(new Error('stopped'));
      return undefined;
    };
    const context = { client, child: invoiceLines, stamp, signal: abort.signal };
    await expect(recordsOf(childrenOfPage(pages, context, 3))).rejects.toThrow('stopped');
  });

  it('fails where one parent is refused, after all that comes before it', async () => {
    const client = new FakeLists(lists);
    client.onRequest = (path) => {
      if (path.includes('/in_8/')) throw refusal(403, { message: 'no' });
      return undefined;
    };
    const context = { client, child: invoiceLines, stamp, signal: never };
    const seen = new Set<unknown>();
    const reading = (async () => {
      for await (const page of childrenOfPage(pages, context, 10)) {
        for (const record of page) seen.add(JSON.parse(record.toString())._parent_id);
      }
    })();
    await expect(reading).rejects.toMatchObject({ status: 403 });
    expect(seen.has('in_7')).toBe(true);
    expect(seen.has('in_9')).toBe(false);
  });
});

describe('isChildStream', () => {
  it('tells lists under a parent from those on their own', () => {
    expect([invoiceLines, invoices].map(isChildStream)).toEqual([true, false]);
  });
});
