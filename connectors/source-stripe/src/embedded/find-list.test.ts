import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findList, findObject, mayBeCutOff } from './find-list.ts';

const find = (text: string) => findList(Buffer.from(text), 'lines');

describe('findList', () => {
  it('says where the list, its data and its items stand', () => {
    const text =
      '{ "id":"in_1", "lines" : {"has_more":true ,"data": [ {"id":"a"} , {"x":[],"id":"b"}] ,"object":"list"} }';
    const list = find(text)!;
    const cut = ({ start, end }: { start: number; end: number }): string => text.slice(start, end);
    expect(cut(list).startsWith('{"has_more"')).toBe(true);
    expect(cut(list).endsWith('"list"}')).toBe(true);
    expect(cut(list.data)).toBe('[ {"id":"a"} , {"x":[],"id":"b"}]');
    expect(list.items.map((item) => [item.id, cut(item)])).toEqual([
      ['a', '{"id":"a"}'],
      ['b', '{"x":[],"id":"b"}'],
    ]);
    expect(cut(list.hasMoreSpan!)).toBe('true');
    expect(list.hasMore).toBe(true);
  });

  it.each([
    ['no such property', '{"id":"a"}'],
    ['null', '{"lines":null}'],
    ['a text', '{"lines":"{}"}'],
    ['an array', '{"lines":[]}'],
    ['an object that is no list', '{"lines":{"object":"item","data":[],"has_more":true}}'],
    ['an object without `object`', '{"lines":{"data":[],"has_more":true}}'],
    ['a list without `data`', '{"lines":{"object":"list","has_more":true}}'],
    ['a list whose `data` is none', '{"lines":{"object":"list","data":{},"has_more":true}}'],
    ['a property of another object', '{"x":{"lines":{"object":"list","data":[],"has_more":true}}}'],
  ])('finds none in %s', (_, text) => {
    expect(find(text)).toBeUndefined();
  });

  it.each([
    ['{"object":"list","data":[]}', undefined],
    ['{"object":"list","data":[],"has_more":"true"}', undefined],
    ['{"object":"list","data":[],"has_more":null}', undefined],
    ['{"object":"list","data":[],"has_more":false}', false],
    ['{"object":"list","data":[],"has_more":false,"has_more":true}', true],
    ['{"object":"list","data":[],"x":{"has_more":true},"has_more":false}', false],
  ])('takes `has_more` of %s for %s', (text, hasMore) => {
    expect(find(`{"lines":${text}}`)).toMatchObject({ hasMore });
  });

  it('knows no id of an item that has none', () => {
    const items = find(
      '{"lines":{"object":"list","data":[{"x":{"id":"a"}},{"id":1},{"id":""},"a",[{"id":"b"}]]}}',
    )!.items;
    expect(items.map(({ id }) => id)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it('reads every list as JSON.parse does, the ids of its items and of the object too', () => {
    const item = fc.dictionary(fc.constantFrom('id', 'data', 'x'), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
    const list = fc.record({
      object: fc.constantFrom('list', 'list', 'item'),
      data: fc.oneof(fc.array(item, { maxLength: 4 }), fc.jsonValue({ maxDepth: 1 })),
      has_more: fc.oneof(fc.boolean(), fc.jsonValue({ maxDepth: 1 })),
    });
    const object = fc.record({ id: fc.oneof(fc.string(), fc.nat()), x: fc.jsonValue(), lines: list });
    const idOf = (value: unknown): string | undefined => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      const id = isObject ? (value as { id?: unknown }).id : undefined;
      return typeof id === 'string' && id !== '' ? id : undefined;
    };
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const { id, list } = findObject(Buffer.from(JSON.stringify(value, null, indent)), 'lines');
        expect(id).toBe(idOf(value));
        const { object, data, has_more } = value.lines;
        if (object !== 'list' || !Array.isArray(data)) expect(list).toBeUndefined();
        else {
          expect(list?.items.map((found) => found.id)).toEqual((data as unknown[]).map(idOf));
          expect(list?.hasMore).toBe(typeof has_more === 'boolean' ? has_more : undefined);
        }
      }),
    );
  });
});

describe('mayBeCutOff', () => {
  it.each([
    ['{"lines":{"has_more":true}}', true],
    ['{"lines":{"has_more" :\n true}}', true],
    ['{"a":{"has_more":false},"b":{"has_more": true}}', true],
    ['{"a":{"has_more":false},"b":{"has_more":null}}', false],
    ['{"has_more":"true"}', false],
    ['{"text":"\\"has_more\\":true"}', false],
    ['{"text":"has_more"}', false],
    ['{"id":"a"}', false],
    ['"has_more"', false],
  ])('says of %s that it %s be', (text, expected) => {
    expect(mayBeCutOff(Buffer.from(text))).toBe(expected);
  });
});
