import { describe, expect, it } from 'vitest';
import { readEvent, readEventListPage } from './event.ts';

const event = (more: Record<string, unknown> = {}) => ({
  id: 'evt_1',
  object: 'event',
  created: 100,
  type: 'widget.updated',
  api_version: '2020-08-27',
  data: { previous_attributes: { object: 'x' }, object: { id: 'w_1', object: 'widget', n: 1 } },
  ...more,
});
const list = (data: readonly unknown[]) => ({ object: 'list', data, has_more: false });
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value, null, 2));

describe('readEvent', () => {
  it('takes what is looked at, and leaves the object as it stands there', () => {
    expect(readEvent(bytes(event({ account: 'acct_2' })))).toEqual({
      id: 'evt_1',
      created: 100,
      type: 'widget.updated',
      apiVersion: '2020-08-27',
      account: 'acct_2',
      snapshot: {
        bytes: Buffer.from('{"id":"w_1","object":"widget","n":1}'),
        kind: 'widget',
        id: 'w_1',
        memberCount: 3,
      },
    });
  });

  it('takes an object without id or kind, and an event without version', () => {
    const read = readEvent(bytes(event({ api_version: null, data: { object: { id: null } } })));
    expect(read).toMatchObject({ apiVersion: undefined, snapshot: { kind: undefined, id: undefined, memberCount: 1 } });
  });

  it.each([
    ['another object', event({ object: 'v2.core.event' }), 'its `object` is not "event"'],
    ['no id', event({ id: '' }), 'has no id'],
    ['no type', event({ type: 5 }), 'has no type'],
    ['a time that is a text', event({ created: '100' }), 'does not say when'],
    ['no object', event({ data: {} }), 'has no object'],
    ['no data', event({ data: undefined }), 'has no object'],
    ['an object that is a text', event({ data: { object: 'w_1' } }), 'expected an object'],
    ['an array', [], 'expected an object'],
  ])('refuses %s', (_, value, reason) => {
    expect(() => readEvent(bytes(value))).toThrow(reason);
    expect(() => readEventListPage(bytes(list([value])))).toThrow(reason);
  });

  it('refuses every event that is cut short, and what follows one', () => {
    const whole = bytes(event());
    for (let length = 0; length < whole.length; length++) expect(() => readEvent(whole.subarray(0, length))).toThrow();
    expect(() => readEvent(Buffer.concat([whole, Buffer.from('{}')]))).toThrow('something follows');
  });
});

describe('readEventListPage', () => {
  it('takes the events in the order of the list', () => {
    const page = readEventListPage(bytes(list([event({ id: 'evt_2' }), event()])));
    expect(page.events.map(({ id }) => id)).toEqual(['evt_2', 'evt_1']);
    expect(page.hasMore).toBe(false);
  });

  it('refuses every page that is cut short', () => {
    const whole = bytes(list([event()]));
    for (let length = 0; length < whole.length; length++) {
      expect(() => readEventListPage(whole.subarray(0, length))).toThrow('not a list of events');
    }
  });
});
