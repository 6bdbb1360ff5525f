import { type Message, type MessageKind, message, type StreamStatusPayload, type SyncState } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from './event.ts';
import { oddityOf } from './oddity.ts';
import { initialProgress, type ProgressStatus, reduceProgress } from './progress.ts';
import { initialSyncState, reduceState } from './sync-state.ts';
import { catalogOf, deepFreeze, said } from './testing.ts';

const stream = 'a';
const range = { gte: '2026-01-01T00:00:00Z', lt: '2026-01-02T00:00:00Z' };

/** How a stream comes to each status. */
const ways: Record<ProgressStatus, readonly StreamStatusPayload[]> = {
  not_started: [],
  started: [{ stream, status: 'start', time_range: range }],
  completed: [
    { stream, status: 'start', time_range: range },
    { stream, status: 'complete' },
  ],
  skipped: [{ stream, status: 'skip', reason: 'not enabled' }],
  errored: [{ stream, status: 'error', error: 'broken', failure_type: 'config' }],
};
const statuses = Object.keys(ways) as ProgressStatus[];

function stateIn(status: ProgressStatus): SyncState {
  const begun = initialSyncState({ runId: 'r', now: 0, catalog: catalogOf([stream, 'other']) });
  return deepFreeze(ways[status].map((each) => said(message.streamStatus(each))).reduce(reduceState, begun));
}

const checkpoint = message.sourceState({ state_type: 'stream', stream, data: { at: 1 }, record_count: 4 });
const written = message.writeResult({ stream, created: 1, updated: 2, deleted: 3, skipped: 4 });

/** An event of every kind that is no stream status, and what it changes, whatever the status of the stream. */
const others: Record<
  Exclude<MessageKind, 'stream_status'> | 'global_state' | 'refused' | 'records_relayed' | 'tick',
  readonly [event: EngineEvent, changes: readonly string[]]
> = {
  record: [said(message.record({ stream, emitted_at: range.gte, data: { id: 1 } })), []],
  source_state: [said(checkpoint), ['source.streams.a', 'a.record_count', 'a.state_count']],
  global_state: [
    said(message.sourceState({ state_type: 'global', data: { g: 1 }, streams: { a: 2 } })),
    ['source.streams.a', 'source.global', 'global_state_count'],
  ],
  write_result: [
    said(written),
    ['a.record_count', 'a.created_count', 'a.updated_count', 'a.deleted_count', 'a.skipped_count'],
  ],
  log: [said(message.log({ level: 'error', message: 'x', stream })), []],
  spec: [said(message.spec({ config: {}, protocol_version: 1 })), []],
  connection_status: [said(message.connectionStatus({ status: 'succeeded' })), []],
  refused: [said(message.connectionStatus({ status: 'failed', message: 'no' })), ['connection_status']],
  catalog: [said(message.catalog({ streams: [] })), []],
  control: [said(message.control({ control_type: 'source_config', source_config: {} })), []],
  progress: [said({ type: 'progress', progress: initialProgress([], 0) } as Message), []],
  eof: [said({ type: 'eof' } as Message), []],
  source_input: [said({ type: 'source_input', source_input: 1 }), []],
  records_relayed: [{ type: 'records_relayed', at: 0, stream, count: 3 }, []],
  tick: [{ type: 'tick', at: 0 }, []],
};

/** What can change, by name; what follows from the rest is left out. */
function facts(state: SyncState): Map<string, string> {
  const { progress } = state.sync_run;
  const found = new Map<string, unknown>(
    Object.entries(state.source.streams).map(([k, v]) => [`source.streams.${k}`, v]),
  );
  found.set('source.global', state.source.global);
  found.set('global_state_count', progress.global_state_count);
  found.set('connection_status', progress.connection_status);
  for (const [name, each] of Object.entries(progress.streams)) {
    for (const [field, value] of Object.entries(each)) found.set(`${name}.${field}`, value);
  }
  return new Map([...found].map(([name, value]) => [name, JSON.stringify(value)]));
}

function changed(before: SyncState, after: SyncState): string[] {
  const [was, is] = [facts(before), facts(after)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name)).sort();
}

describe('every status meets every event', () => {
  for (const status of statuses) {
    it.each(Object.entries(others))(`a stream that is ${status}: %s`, (_kind, [event, changes]) => {
      const before = stateIn(status);
      const after = reduceState(before, deepFreeze(event));
      expect(changed(before, after)).toEqual([...changes].sort());
      expect(after.sync_run.progress.streams.a?.status).toBe(status);
    });
  }
});

/** What a run comes to, by whether its connection failed and by the statuses of its streams. */
function expectedRun(connectionFailed: boolean, present: readonly ProgressStatus[]): string {
  if (connectionFailed) return 'failed';
  if (present.includes('not_started') || present.includes('started')) return 'started';
  return present.includes('errored') ? 'failed' : 'succeeded';
}

it('the status of a run follows from whether its connection failed and from every set of statuses', () => {
  const refused = others.refused[0];
  for (let set = 0; set < 2 ** statuses.length; set++) {
    const present = statuses.filter((_, index) => (set >> index) & 1);
    const begun = initialProgress(present, 0);
    const events = present.flatMap((status) =>
      ways[status].map((each) => said(message.streamStatus({ ...each, stream: status } as StreamStatusPayload))),
    );
    for (const failed of [false, true]) {
      const after = [...events, ...(failed ? [refused] : [])].reduce(reduceProgress, begun);
      expect(after.derived.status, `${present.join(' ')} ${failed}`).toBe(expectedRun(failed, present));
    }
  }
});

/** What is odd about each event in each status: nothing, or how the log line begins. */
const oddities: Record<string, Record<ProgressStatus, string | undefined>> = {
  start: row(undefined, 'second start', 'start after'),
  running: row('running before', undefined, 'running after'),
  range_complete: row('range_complete before', undefined, 'range_complete after'),
  complete: row('complete before', undefined, 'complete after'),
  skip: row(undefined, undefined, 'skip after'),
  error: row(undefined, undefined, 'error after'),
  source_state: row('state before', undefined, 'state after'),
  write_result: row(undefined, undefined, 'write result after'),
  records_relayed: row(undefined, undefined, undefined),
  global_state: row(undefined, undefined, undefined),
  log: row(undefined, undefined, undefined),
  tick: row(undefined, undefined, undefined),
};

function row(notStarted: string | undefined, started: string | undefined, ended: string | undefined) {
  return { not_started: notStarted, started, completed: ended, skipped: ended, errored: ended };
}

const statusEvents: Record<StreamStatusPayload['status'], EngineEvent> = {
  start: said(message.streamStatus({ stream, status: 'start' })),
  running: said(message.streamStatus({ stream, status: 'running' })),
  range_complete: said(message.streamStatus({ stream, status: 'range_complete', range_complete: range })),
  complete: said(message.streamStatus({ stream, status: 'complete' })),
  skip: said(message.streamStatus({ stream, status: 'skip', reason: 'r' })),
  error: said(message.streamStatus({ stream, status: 'error', error: 'e' })),
};

describe('what is odd', () => {
  for (const [kind, expected] of Object.entries(oddities)) {
    const event = kind in statusEvents ? statusEvents[kind as keyof typeof statusEvents] : undefined;
    it.each(statuses)(`${kind} in a stream that is %s`, (status) => {
      const { progress } = stateIn(status).sync_run;
      const odd = oddityOf(progress, event ?? others[kind as keyof typeof others][0]);
      if (expected[status] === undefined) expect(odd).toBeUndefined();
      else expect(odd?.message).toMatch(new RegExp(`^${expected[status]}`));
    });
  }
});
