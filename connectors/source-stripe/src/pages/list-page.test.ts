import { BufferPool } from '@penstock/connector-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streams } from '../streams/stream-table.ts';
import { readListPage } from './list-page.ts';

const charges = streams.get('charges')!;
const persons = streams.get('v2_core_accounts')!;
const reportTypes = streams.get('reporting_report_types')!;
const stamp = { accountId: 'acct_1', asOf: 1_700_000_000 };

/** Without escapes: where two objects of a shape differ in nothing but an escaped key, V8's JSON.parse mixes them up. */
const key = fc.string().filter((text) => JSON.stringify(text) === `"${text}"`);

/** Objects of any content, with an id and a time, and now and then with a field that is named like one of ours. */
const object = fc
  .tuple(
    fc.dictionary(key, fc.jsonValue(), { maxKeys: 6 }),
    fc.string({ minLength: 1 }),
    fc.nat(),
    fc.dictionary(fc.constantFrom('_account_id', '_as_of', '_other'), fc.jsonValue(), { maxKeys: 2 }),
    fc.dictionary(key, fc.jsonValue(), { maxKeys: 3 }),
  )
  // Spread, so that the fields that matter stand at any place; a key named __proto__ would not survive it.
  .map(([before, id, created, clash, after]) =>
    Object.assign({ ...before, id, ...clash }, { created }, after, { id, created }),
  )
  .filter((value) => !Object.hasOwn(value, '__proto__'));

function page(data: readonly unknown[], indent: number | string, hasMore = false): Buffer {
  return Buffer.from(JSON.stringify({ object: 'list', url: '/v1/charges', data, has_more: hasMore }, null, indent));
}

/** Whether JSON.parse finds a list of objects with ids in the text. */
function isList(text: string): boolean {
  try {
    const list = JSON.parse(text);
    return (
      Object.hasOwn(list, 'object') &&
      list.has_more === false &&
      Array.isArray(list.data) &&
      list.data.every((item: unknown) => typeof item === 'object' && item !== null && 'id' in item && item.id === 'a')
    );
  } catch {
    return false;
  }
}

describe('readListPage', () => {
  it('gives each object as JSON.parse reads it, with the stamp, on one line, however the page is laid out', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 8 }), fc.constantFrom(0, 2, '\t', '\r\n '), (data, indent) => {
        const { records, count } = readListPage(page(data, indent as number), charges, stamp);
        expect(count).toBe(data.length);
        for (const [i, record] of records.entries()) {
          expect(record.includes('\n')).toBe(false);
          expect(record.includes('\r')).toBe(false);
          const expected = { ...JSON.parse(JSON.stringify(data[i])), _account_id: 'acct_1', _as_of: stamp.asOf };
          expect(JSON.parse(record.toString())).toEqual(expected);
          expect(record.toString().split('"_as_of":').length - 1).toBe(
            JSON.stringify(expected).split('"_as_of":').length - 1,
          );
        }
      }),
    );
  });

  it('gives the same bytes in memory that was used before', () => {
    const pool = new BufferPool();
    const pages = fc.tuple(fc.array(object, { maxLength: 8 }), fc.constantFrom(0, 2));
    fc.assert(
      fc.property(pages, ([data, indent]) => {
        const body = page(data, indent);
        const { memory, ...read } = readListPage(body, charges, stamp, pool);
        expect(read).toEqual({ ...readListPage(body, charges, stamp), memory: undefined });
        pool.giveBack(memory.fill('"'));
      }),
    );
  });

  it('leaves values as they are written: digits that no double holds, escapes, order and repeated keys', () => {
    const raw =
      '{"id":"ch_1","n":12345678901234567890.10,"e":1E+2,"s":"\\u00e9\\/é","created":5,"x":{"b":1,"a":[ 2 ]},"n":-0}';
    const body = Buffer.from(`{"object":"list","data":[${raw}],"has_more":false}`);
    const { records } = readListPage(body, charges, stamp);
    expect(records[0]?.toString()).toBe(`${raw.slice(0, -1)},"_account_id":"acct_1","_as_of":1700000000}`);
  });

  it('refuses every page that is cut short, wherever', () => {
    const body = page(
      [
        { id: 'ch_1', created: 5, s: 'a"]}\\' },
        { id: 'ch_2', created: 4, list: [{}, []] },
      ],
      0,
    );
    for (let length = 0; length < body.length; length++) {
      expect(() => readListPage(body.subarray(0, length), charges, stamp), `${length}`).toThrow('is not a list');
    }
  });

  it.each([
    ['nothing', ''],
    ['a page of HTML', '<!DOCTYPE html><html></html>'],
    ['another object', '{"id":"ch_1","object":"charge"}'],
    ['no `object`', '{"data":[],"has_more":false}'],
    ['no `has_more`', '{"object":"list","data":[]}'],
    ['a `has_more` that is a text', '{"object":"list","data":[],"has_more":"false"}'],
    ['no `data`', '{"object":"list","has_more":false}'],
    ['`data` that is an object', '{"object":"list","data":{},"has_more":false}'],
    ['`data` that is null', '{"object":"list","data":null,"has_more":false}'],
    ['an object without an id', '{"object":"list","data":[{"created":1}],"has_more":false}'],
    ['an empty object', '{"object":"list","data":[{}],"has_more":false}'],
    ['an id that is a number', '{"object":"list","data":[{"id":1}],"has_more":false}'],
    ['a number in `data`', '{"object":"list","data":[1],"has_more":false}'],
    ['more to come of nothing', '{"object":"list","data":[],"has_more":true}'],
    ['a comma too many', '{"object":"list","data":[{"id":"a"},],"has_more":false}'],
    ['no comma', '{"object":"list","data":[{"id":"a"}{"id":"b"}],"has_more":false}'],
    ['something after the list', '{"object":"list","data":[],"has_more":false}{}'],
    ['a line break in a text', '{"object":"list","data":[{"id":"a","t":"x\ny"}],"has_more":false}'],
    ['an array', '[]'],
    ['a list by way of its prototype', '{"__proto__":{"object":"list","has_more":false},"data":[]}'],
  ])('refuses %s, and never takes it for an empty list', (_, text) => {
    expect(() => readListPage(Buffer.from(text), charges, stamp)).toThrow(
      'GET /v1/charges answered something that is not',
    );
  });

  it('takes every list that JSON.parse takes, refuses most other text, and fails in no other way', () => {
    const token = fc.constantFrom(
      ...['{', '}', '[', ']', '"', '\\', ',', ':', '1', '"id":"a"', '"data"', '"__proto__":', '[]', ' ', '\n', 'true'],
    );
    const before = fc.constantFrom(
      '',
      '{"object":"list","has_more":false,"data":[',
      '{"object":"list","has_more":false,',
    );
    const after = fc.constantFrom('', ']}', '}', '"data":[]}');
    const text = fc.tuple(before, fc.array(token, { maxLength: 12 }), after);
    fc.assert(
      fc.property(text, ([start, tokens, end]) => {
        const body = [start, ...tokens, end].join('');
        // Of a key that is there twice, JSON.parse doesn't say what its first value was.
        if (isList(body) && body.split('"data"').length === 2)
          expect(readListPage(Buffer.from(body), charges, stamp).hasMore).toBe(false);
        else {
          try {
            readListPage(Buffer.from(body), charges, stamp);
          } catch (error) {
            expect(error).toMatchObject({ code: 'response_invalid' });
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('takes objects that are nested a million deep', () => {
    const deep = '['.repeat(1e6) + ']'.repeat(1e6);
    const body = Buffer.from(`{"object":"list","has_more":false,"data":[{"id":"ch_1","x":${deep}}]}`);
    expect(readListPage(body, charges, stamp).count).toBe(1);
  });

  it('refuses what is not UTF-8', () => {
    const body = Buffer.concat([
      Buffer.from('{"object":"list","data":[{"id":"a'),
      Buffer.from([0xff]),
      Buffer.from('"}],"has_more":false}'),
    ]);
    expect(() => readListPage(body, charges, stamp)).toThrow('not UTF-8');
  });

  it('goes on after the last object, and knows its time only where the page is newest first', () => {
    const inOrder = [
      { id: 'ch_1', created: 9 },
      { id: 'ch_2', created: 7 },
      { id: 'ch_3', created: 7 },
    ];
    expect(readListPage(page(inOrder, 0, true), charges, stamp)).toMatchObject({
      hasMore: true,
      next: 'ch_3',
      newest: 9,
      oldest: 7,
    });
    const mixed = readListPage(page([...inOrder, { id: 'ch_4', created: 8 }], 0, true), charges, stamp);
    expect(mixed).toMatchObject({ next: 'ch_4' });
    expect(mixed.oldest).toBeUndefined();
    expect(readListPage(page(inOrder, 0), charges, stamp)).toMatchObject({ hasMore: false });
  });

  it('does not follow a list that can not be paged', () => {
    expect(readListPage(page([{ id: 'a' }], 0, true), reportTypes, stamp).hasMore).toBe(false);
  });

  it('takes the query of a v2 list from its next page, never its host', () => {
    const v2 = (next: unknown): Buffer =>
      Buffer.from(JSON.stringify({ data: [{ id: 'acct_2' }], next_page_url: next }));
    expect(readListPage(v2(null), persons, stamp).hasMore).toBe(false);
    expect(readListPage(v2('/v2/core/accounts?limit=20&page=abc'), persons, stamp).next).toBe('limit=20&page=abc');
    expect(readListPage(v2('https://evil.example/v2/core/accounts?page=abc'), persons, stamp).next).toBe('page=abc');
    expect(() => readListPage(v2('/v1/account?page=abc'), persons, stamp)).toThrow('of another list');
    expect(() => readListPage(v2(undefined), persons, stamp)).toThrow('neither a text nor null');
  });
});
