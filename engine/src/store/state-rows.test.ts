import type { SyncState } from '@penstock/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type StateRow, stateChanges, stateOfRows } from './state-rows.ts';
import { exampleState } from './testing.ts';

const keyOf = ({ section, stream }: Pick<StateRow, 'section' | 'stream'>) => `${section}/${stream}`;

const anyPart = fc.constantFrom('f', 'g').map((given) => ({ given, config: { account: given } }));
const anyState = fc
  .tuple(
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'toString'), fc.jsonValue()),
    fc.constantFrom('r1', 'r2'),
    fc.dictionary(fc.constantFrom('source', 'destination'), anyPart),
  )
  .map(([streams, runId, resolved]) => ({
    ...exampleState(streams, runId),
    ...(Object.keys(resolved).length === 0 ? {} : { resolved_config: resolved }),
  }));

it('writing only what changed, state after state, leaves exactly the last state in the table', () => {
  fc.assert(
    fc.property(fc.array(anyState, { minLength: 1, maxLength: 6 }), (states) => {
      const table = new Map<string, StateRow>();
      let before: SyncState | undefined;
      for (const state of states) {
        const { written, removed } = stateChanges(before, state);
        for (const row of removed) expect(table.delete(keyOf(row))).toBe(true);
        for (const row of written) table.set(keyOf(row), row);
        before = state;
      }
      const wanted = JSON.parse(JSON.stringify(states.at(-1)));
      expect(stateOfRows([...table.values()], 'here')).toEqual(wanted);
    }),
  );
});

it('nothing is written when nothing changed', () => {
  const state = exampleState({ a: 1 });
  expect(stateChanges(state, { ...state })).toEqual({ written: [], removed: [] });
});

it('rows without the one of the run are refused by name, and no rows are no state', () => {
  const rows = stateChanges(undefined, exampleState({ a: 1 })).written.filter(({ section }) => section !== 'sync_run');
  expect(() => stateOfRows(rows, 'table t')).toThrow('table t is not valid: the row of section sync_run is missing');
  expect(stateOfRows([], 'table t')).toBeUndefined();
});
