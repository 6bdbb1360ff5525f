import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompletionLimits, completeLists } from './complete-lists.ts';
import { FakeLists, itemOf, type RawItem, refusal } from './testing/fake-lists.ts';
import { invoices, warningsLog } from './testing/streams.ts';

const never = new AbortController().signal;

const itemsOf = (count: number): RawItem[] => Array.from({ length: count }, (_, i) => itemOf(`il_${i}`));

/** An invoice that shows the first of these items. */
function invoiceOf(items: readonly RawItem[], shown: number, id = 'in_1'): Buffer {
  const data = items.slice(0, shown).map(({ text }) => text);
  const list = `{"object":"list","data":[${data}],"has_more":${shown < items.length},"url":"/v1/invoices/${id}/lines"}`;
  return Buffer.from(`{"id":${JSON.stringify(id)},"object":"invoice","lines":${list},"total":5}`);
}

function complete(
  bytes: Buffer,
  client: FakeLists,
  stream = invoices,
  limits?: CompletionLimits,
  log = warningsLog(),
): Promise<Buffer> {
  return completeLists(bytes, stream, { client, log, signal: never }, limits);
}

/** Ids in the list of a completed object. */
function idsIn(bytes: Buffer, property = 'lines'): string[] {
  return JSON.parse(bytes.toString())[property].data.map(({ id }: { id: string }) => id);
}

/** Values that must come through as they are, and texts and objects that look like what is searched for. */
const rawValue = fc.constantFrom(
  ...['12345678901234567890', '0.10000000000000000000000000000001', '-0', '1E+2', '"\\u00e9é\\/\\ud83d\\ude00😀"'],
  ...['"\\"has_more\\":true"', '"]}"', '"\\\\"', '[{"has_more":true,"data":[{"id":"il_0"}],"object":"list"}]', 'null'],
  ...['{"lines":{"object":"list","data":[],"has_more":true},"id":"in_2"}', '"\\"lines\\":{\\"has_more\\":true"', '[]'],
);
const member = fc
  .tuple(fc.constantFrom('a', 'Lines', 'line', 'has_more', 'data', 'object', 'l\\u0069nes2', 'é', ''), rawValue)
  .map(([key, value]) => `"${key}":${value}`);
const members = fc.array(member, { maxLength: 3 });

/** Text between the tokens of an object: the same gaps in turn. */
function spaced(tokens: readonly string[], gaps: readonly string[]): string {
  return tokens.map((token, i) => `${token}${gaps[i % gaps.length]}`).join('');
}

interface Draft {
  readonly count: number;
  readonly shown: number;
  readonly members: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly inList: readonly string[];
  readonly gaps: readonly string[];
  readonly key: string;
  readonly isDataLast: boolean;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  count: fc.nat(350),
  shown: fc.oneof(fc.nat(20), fc.nat(350)),
  members,
  before: members,
  after: members,
  inList: fc.array(rawValue, { maxLength: 2 }).map((values) => values.map((value, i) => `"x${i}":${value}`)),
  gaps: fc.array(fc.constantFrom('', ' ', '\t', '  '), { minLength: 1, maxLength: 7 }),
  key: fc.constantFrom('lines', 'l\\u0069nes'),
  isDataLast: fc.boolean(),
});

/** An object around the list, its items as they are given and `hasMore` as it is. */
function textOf(draft: Draft, data: string, hasMore: boolean): string {
  const own = ['"object":"list"', ...draft.inList];
  const hasMoreTokens = ['"has_more"', ':', `${hasMore}`];
  const dataTokens = ['"data"', ':', `[${draft.shown === 0 ? '' : draft.gaps[0]}${data}${draft.gaps.at(-1)}]`];
  const tail = draft.isDataLast ? [...hasMoreTokens, ',', ...dataTokens] : [...dataTokens, ',', ...hasMoreTokens];
  const list = ['{', ...own.flatMap((text) => [text, ',']), ...tail, '}'];
  const all = [
    ...draft.before.map((text) => [text]),
    ['"id"', ':', '"in_1"'],
    [`"${draft.key}"`, ':', ...list],
    ...draft.after.map((text) => [text]),
  ];
  return spaced(['{', ...all.flatMap((tokens, i) => (i === 0 ? tokens : [',', ...tokens])), '}'], draft.gaps);
}

describe('completeLists', () => {
  it('puts the rest into the list and leaves every other byte, for any length, any cut and any way of writing', async () => {
    const property = fc.asyncProperty(draft, fc.constantFrom('', '\n  ', ' '), async (free, gap) => {
      const shown = Math.min(free.shown, free.count);
      const drawn = { ...free, shown };
      const items = Array.from({ length: drawn.count }, (_, i) => {
        const text = [`"id":"il_${i}"`, ...drawn.members, `"n":${i}`].join(',');
        return { id: `il_${i}`, text: `{${text}}` };
      });
      const texts = items.map(({ text }) => text);
      const glue = `${drawn.gaps[0]},`;
      const shownText = texts.slice(0, shown).join(glue);
      const fullText = [...(shown > 0 ? [shownText] : []), ...texts.slice(shown)].join(',');
      const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
      client.gap = gap;
      const bytes = Buffer.from(textOf(drawn, shownText, shown < drawn.count));
      const completed = await complete(bytes, client);
      expect(completed.toString()).toBe(textOf(drawn, fullText, false));
      const whole = JSON.parse(bytes.toString());
      whole.lines = { ...whole.lines, data: texts.map((text) => JSON.parse(text)), has_more: false };
      expect(JSON.parse(completed.toString())).toEqual(whole);
      expect(client.requests).toHaveLength(Math.ceil((drawn.count - shown) / 100));
      if (shown === drawn.count) expect(completed).toBe(bytes);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it('asks for the rest a hundred at a time, after what is shown', async () => {
    const items = itemsOf(150);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
    await complete(invoiceOf(items, 10), client);
    expect(client.requests).toEqual([
      '/v1/invoices/in_1/lines?limit=100&starting_after=il_9',
      '/v1/invoices/in_1/lines?limit=100&starting_after=il_109',
    ]);
  });

  it('encodes the id, and adds to the query of a path that has one', async () => {
    const items = itemsOf(3);
    const client = new FakeLists({ '/v1/subscription_items': items });
    const lists = [{ property: 'lines', path: '/v1/subscription_items?subscription={id}' }];
    const completed = await complete(invoiceOf(items, 1, 'a/b &$&'), client, { ...invoices, embeddedLists: lists });
    expect(client.requests).toEqual([
      '/v1/subscription_items?subscription=a%2Fb%20%26%24%26&limit=100&starting_after=il_0',
    ]);
    expect(idsIn(completed)).toEqual(['il_0', 'il_1', 'il_2']);
  });

  it('completes each list of an object that is cut off, and no other', async () => {
    const list = (hasMore: boolean): string => `{"object":"list","data":[{"id":"a"}],"has_more":${hasMore}}`;
    const text = `{"x":${list(true)},"id":"t_1","y":${list(true)},"z":${list(false)},"other":${list(true)},"w":null}`;
    const rest = [itemOf('a'), itemOf('b')];
    const client = new FakeLists({ '/x/t_1': rest, '/y/t_1': rest });
    const embeddedLists = ['w', 'x', 'y', 'z', 'none'].map((property) => ({ property, path: `/${property}/{id}` }));
    const completed = await complete(Buffer.from(text), client, { ...invoices, embeddedLists });
    const full = '{"object":"list","data":[{"id":"a"},{"id":"b","object":"item"}],"has_more":false}';
    expect(completed.toString()).toBe(
      `{"x":${full},"id":"t_1","y":${full},"z":${list(false)},"other":${list(true)},"w":null}`,
    );
  });

  it('reads the list from its beginning where the object under the cursor was deleted', async () => {
    const items = itemsOf(230);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': items.filter(({ id }) => id !== 'il_9') });
    const completed = await complete(invoiceOf(items, 10), client);
    expect(idsIn(completed)).toEqual(items.map(({ id }) => id).filter((id) => id !== 'il_9'));
    expect(client.requests).toHaveLength(1 + 3);
  });

  it('begins again where a cursor is lost in the middle, and holds no item twice', async () => {
    const items = itemsOf(300);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
    const left = items.filter(({ id }) => id !== 'il_109');
    client.onRequest = () => {
      if (client.requests.length === 2) client.lists.set('/v1/invoices/in_1/lines', left);
      return undefined;
    };
    const completed = await complete(invoiceOf(items, 10), client);
    expect(idsIn(completed)).toEqual(left.map(({ id }) => id));
  });

  it('leaves an empty list where all was deleted meanwhile', async () => {
    const items = itemsOf(20);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': [] });
    const completed = await complete(invoiceOf(items, 10), client);
    expect(JSON.parse(completed.toString()).lines).toMatchObject({ data: [], has_more: false });
  });

  it('gives up on a list that never knows its cursors', async () => {
    const client = new FakeLists({ '/v1/invoices/in_1/lines': itemsOf(300) });
    client.onRequest = (path) => {
      if (path.includes('starting_after')) throw refusal(400, { code: 'resource_missing', param: 'starting_after' });
      return undefined;
    };
    await expect(complete(invoiceOf(itemsOf(300), 10), client)).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(client.requests.length).toBeLessThan(15);
  });

  it('keeps the object as it is where it is gone meanwhile', async () => {
    const bytes = invoiceOf(itemsOf(20), 10);
    expect(await complete(bytes, new FakeLists({}))).toBe(bytes);
  });

  it.each([
    ['a 404 that is not about the object', 404, { message: 'Unrecognized request URL' }],
    ['a missing permission', 403, { type: 'invalid_request_error' }],
    ['a refusal', 400, { code: 'parameter_unknown', param: 'limit' }],
  ])('passes on %s', async (_, status, error) => {
    const client = new FakeLists({});
    client.onRequest = () => {
      throw refusal(status, error as Record<string, string>);
    };
    await expect(complete(invoiceOf(itemsOf(20), 10), client)).rejects.toMatchObject({ status });
  });

  it.each([
    ['a page of HTML', '<!DOCTYPE html>'],
    ['another object', '{"id":"in_1","object":"invoice"}'],
    ['no `has_more`', '{"object":"list","data":[]}'],
    ['an item without an id', '{"object":"list","data":[{"x":1}],"has_more":false}'],
    ['an item that is a text', '{"object":"list","data":["il_1"],"has_more":false}'],
    ['more to come of nothing', '{"object":"list","data":[],"has_more":true}'],
    ['the same page again', '{"object":"list","data":[{"id":"il_9"}],"has_more":true}'],
    ['a list that is cut short', '{"object":"list","data":[{"id":"il_10"}'],
    ['something after the list', '{"object":"list","data":[],"has_more":false}{}'],
    ['a line break in a text', '{"object":"list","data":[{"id":"il_10","x":"a\nb"}],"has_more":false}'],
  ])('refuses %s as the rest', async (_, text) => {
    const client = new FakeLists({});
    client.onRequest = () => text;
    const completed = complete(invoiceOf(itemsOf(20), 10), client);
    await expect(completed).rejects.toMatchObject({ code: 'response_invalid' });
    await expect(completed).rejects.toThrow('GET /v1/invoices/in_1/lines answered');
  });

  it.each([
    ['a list within both limits', 250, { itemsMax: 250, objectBytesMax: 100_000 }, undefined],
    ['one item too many', 251, { itemsMax: 250, objectBytesMax: 100_000 }, 'more than 250 items'],
    ['far too many items', 2000, { itemsMax: 250, objectBytesMax: 100_000 }, 'more than 250 items'],
    ['too many bytes', 250, { itemsMax: 250, objectBytesMax: 5000 }, 'more than 5000 bytes'],
  ])('keeps within its limits: %s', async (_, count, limits, tooMuch) => {
    const log = warningsLog();
    const items = itemsOf(count);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
    const bytes = invoiceOf(items, 10);
    const completed = await complete(bytes, client, invoices, limits, log);
    expect(client.requests.length).toBeLessThanOrEqual(3);
    if (tooMuch === undefined) {
      expect(idsIn(completed)).toHaveLength(count);
      expect(log.warnings).toEqual([]);
    } else {
      expect(completed).toBe(bytes);
      const detail = { stream: 'invoices', data: { id: 'in_1', property: 'lines' } };
      expect(log.warnings).toEqual([[expect.stringContaining(tooMuch), detail]]);
    }
  });

  it('stops at once when it is aborted', async () => {
    const abort = new AbortController();
    const items = itemsOf(300);
    const client = new FakeLists({ '/v1/invoices/in_1/lines': items });
    client.onRequest = () => {
      abort.abort(new Error('stopped'));
      return undefined;
    };
    const context = { client, log: warningsLog(), signal: abort.signal };
    await expect(completeLists(invoiceOf(items, 10), invoices, context)).rejects.toThrow('stopped');
    expect(client.requests).toHaveLength(1);
  });

  it('refuses an object that is no JSON where it would have to be completed', async () => {
    const bytes = Buffer.from('{"id":"in_1","lines":{"object":"list","data":[{}}],"has_more":true}}');
    await expect(complete(bytes, new FakeLists({}))).rejects.toMatchObject({ code: 'response_invalid' });
  });
});
