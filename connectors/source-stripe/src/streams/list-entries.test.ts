import { describe, expect, it } from 'vitest';
import { listTable, streamName } from './list-entries.ts';
import type { ListFacts } from './list-facts.ts';

function list(path: string, kind: string, ...lists: [property: string, kind: string][]): ListFacts {
  return {
    path,
    kind: 'list',
    parameters: ['created', 'limit', 'starting_after'].map((name) => ({ name, required: false, maximum: null })),
    element: () => ({
      kinds: [kind],
      properties: { id: { type: 'string' }, created: { type: 'integer' } },
      lists: lists.map(([property, of]) => ({ property, kinds: [of] })),
    }),
  };
}

describe('the entries of lists', () => {
  it('name a list by its path, without the version of v1 and without ids', () => {
    expect(streamName('/v1/checkout/sessions/{id}/line_items')).toBe('checkout_sessions_line_items');
    expect(streamName('/v2/core/accounts')).toBe('v2_core_accounts');
  });

  it('are in the order of their paths, whatever order they are described in', () => {
    const { lists } = listTable([list('/v1/b', 'b'), list('/v1/a/{id}/c', 'c'), list('/v1/a', 'a')]);
    expect(lists.map(({ path }) => path)).toEqual(['/v1/a', '/v1/a/{id}/c', '/v1/b']);
  });

  it('exclude the second of two lists that would have the same name', () => {
    const { lists, schemas } = listTable([list('/v1/a/b', 'one'), list('/v1/a_b', 'two')]);
    expect(lists.map(({ excluded }) => excluded)).toEqual([null, 'Would be named like `/v1/a/b`.']);
    expect(Object.keys(schemas)).toEqual(['a_b']);
  });

  it('take no property for the beginning of a list of the same kind that has another name', () => {
    const { lists } = listTable([
      list('/v1/a', 'a', ['items', 'item'], ['others', 'other']),
      list('/v1/a/{id}/items', 'item'),
      list('/v1/a/{id}/late_items', 'item'),
    ]);
    expect(lists.map(({ parent }) => parent?.embedded)).toEqual([undefined, 'items', null]);
    expect(lists[0]?.embeddedLists).toEqual([{ property: 'items', path: '/v1/a/{id}/items' }]);
  });

  it('find the rest of an embedded list in a list that can be asked for those of the object only', () => {
    const filtered = (parameter: string): ListFacts => ({
      ...list('/v1/items', 'item'),
      parameters: [{ name: parameter, required: false, maximum: null }],
    });
    const parent = list('/v1/group/a', 'group.a', ['items', 'item']);
    expect(listTable([parent, filtered('a')]).lists[0]?.embeddedLists).toEqual([
      { property: 'items', path: '/v1/items?a={id}' },
    ]);
    expect(listTable([parent, filtered('b')]).lists[0]?.embeddedLists).toBeUndefined();
  });

  it('leave out a list whose parents are under a parent themselves', () => {
    const { lists } = listTable([
      list('/v1/subscriptions', 'subscription'),
      list('/v1/subscription_items', 'subscription_item'),
      list('/v1/subscription_items/{id}/usage', 'usage'),
    ]);
    expect(lists.find(({ path }) => path.endsWith('usage'))?.excluded).toMatch(/under a parent themselves/);
  });
});
