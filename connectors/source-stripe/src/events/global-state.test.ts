import { describe, expect, it } from 'vitest';
import { readGlobalState, writeGlobalState } from './global-state.ts';
import { arrangePositions, noPositions } from './position.ts';

const written = {
  account: { id: 'acct_1', created: '2020-01-01T00:00:00Z' },
  events: {
    cursor: { created: '2026-01-02T03:04:05Z', id: 'evt_1', seen: ['evt_2', 'evt_3'] },
    streams: ['charges', 'customers'],
    behind: {
      invoices: { created: '2026-01-01T00:00:00Z', id: 'evt_0' },
      products: { created: '2025-12-01T00:00:00Z' },
    },
  },
};

describe('global state', () => {
  it('is the same after it was read and written, fields of others included', () => {
    const data = { ...written, webhook: { id: 'we_1' } };
    expect(writeGlobalState(readGlobalState(data))).toEqual(data);
    expect(writeGlobalState(readGlobalState({}))).toEqual({});
  });

  it('is read into seconds and positions', () => {
    const state = readGlobalState(written);
    expect(state.account).toEqual({ id: 'acct_1', created: 1_577_836_800 });
    expect(state.events.cursor).toEqual({ through: 1_767_323_045, anchor: 'evt_1', seen: ['evt_2', 'evt_3'] });
    expect([...state.events.streams]).toEqual(['charges', 'customers']);
    expect(state.events.behind.get('products')).toEqual({ through: 1_764_547_200, seen: [] });
    expect(readGlobalState({}).events).toBe(noPositions);
  });

  it('takes the earlier position of a stream that stands in two places', () => {
    const { events } = written;
    const state = readGlobalState({ events: { ...events, streams: [...events.streams, 'invoices'] } });
    expect(state.events.streams.has('invoices')).toBe(false);
    expect(state.events.behind.has('invoices')).toBe(true);
  });

  it('does not change with the positions that it was written from', () => {
    const seen = ['evt_2'];
    const events = arrangePositions(new Map([['charges', { through: 100, seen }]]), undefined);
    const data = writeGlobalState({ events, others: {} });
    seen.push('evt_3');
    expect(data).toMatchObject({ events: { cursor: { seen: ['evt_2'] } } });
  });

  it.each([
    ['no object', 'text', 'expected object'],
    ['a cursor without a time', { events: { cursor: { id: 'evt_1' } } }, 'events.cursor.created'],
    ['a time that is none', { events: { cursor: { created: 'yesterday' } } }, 'expected a time in UTC'],
    ['streams that are no list', { events: { ...written.events, streams: 'charges' } }, 'events.streams'],
    ['an account without an id', { account: {} }, 'account.id'],
  ])('is refused with the reason when it holds %s', (_, data, reason) => {
    expect(() => readGlobalState(data)).toThrow(reason);
    expect(() => readGlobalState(data)).toThrow(expect.objectContaining({ code: 'state_invalid' }));
  });
});
