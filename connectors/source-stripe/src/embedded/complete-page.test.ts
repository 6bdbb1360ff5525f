import { describe, expect, it } from 'vitest';
import { completePage } from './complete-page.ts';
import { allPages } from './testing/all-pages.ts';
import { FakeLists, itemOf } from './testing/fake-lists.ts';
import { invoiceLines, invoices, warningsLog } from './testing/streams.ts';

const items = Array.from({ length: 30 }, (_, i) => itemOf(`il_${i}`));

function invoiceOf(id: string, shown: number): Buffer {
  const data = items.slice(0, shown).map(({ text }) => text);
  return Buffer.from(`{"id":"${id}","lines":{"object":"list","data":[${data}],"has_more":${shown < items.length}}}`);
}

function contextOf(client: FakeLists) {
  return { client, log: warningsLog(), signal: new AbortController().signal };
}

describe('completePage', () => {
  it('keeps the order of the objects, within its concurrency, and the buffers of those that are whole', async () => {
    const page = Array.from({ length: 50 }, (_, i) => invoiceOf(`in_${i}`, i % 5 === 2 ? 3 : 30));
    const client = new FakeLists(Object.fromEntries(page.map((_, i) => [`/v1/invoices/in_${i}/lines`, items])));
    client.onRequest = () => new Promise((resolve) => setImmediate(() => resolve(undefined)));
    const completed = (await allPages(completePage(page, invoices, contextOf(client), 4))).flat();
    expect(completed).toHaveLength(50);
    for (const [i, bytes] of completed.entries()) {
      expect(bytes.toString()).toBe(invoiceOf(`in_${i}`, 30).toString());
      if (i % 5 !== 2) expect(bytes).toBe(page[i]);
    }
    expect(client.underWayMax).toBe(4);
  });

  it('gives a page of which nothing is cut off back at once', async () => {
    const page = [invoiceOf('in_1', 30), invoiceOf('in_2', 30)];
    expect(await allPages(completePage(page, invoices, contextOf(new FakeLists({})), 4))).toEqual([page]);
    const cut = [invoiceOf('in_1', 3)];
    expect(await allPages(completePage(cut, invoiceLines, contextOf(new FakeLists({})), 4))).toEqual([cut]);
  });

  it('yields nothing for a page of nothing', async () => {
    expect(await allPages(completePage([], invoices, contextOf(new FakeLists({})), 4))).toEqual([]);
  });
});
