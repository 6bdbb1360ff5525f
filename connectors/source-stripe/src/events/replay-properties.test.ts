import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import { eventStream } from '../testing/event-streams.ts';
import { replayOptions } from '../testing/event-world.ts';
import { FakeEvents } from '../testing/fake-events.ts';
import { readGlobalState, writeGlobalState } from './global-state.ts';
import type { EventParticipant } from './plan-events.ts';
import { type EventPositions, noPositions, placeStreams, positionOf } from './position.ts';
import { type ReplayStep, replayEvents } from './replay-events.ts';

const tables = ['widgets', 'gadgets', 'gizmos'].map((name) => eventStream(name));
const names = tables.map(({ name }) => name);

/** What happens to an object: so many seconds after what happened before it, shown with this delay. */
interface Happening {
  readonly after: number;
  readonly delay: number;
  readonly stream: number;
  readonly object: number;
  readonly isDeletion: boolean;
  readonly isOtherVersion: boolean;
}

/** One pass over the events: at a time, for some streams, cut off after so many steps. */
interface Pass {
  readonly wait: number;
  readonly secondsPerRequest: number;
  readonly takesPart: readonly boolean[];
  readonly endsAt: readonly (number | undefined)[];
  readonly committedSteps: number;
  readonly lostSteps: number;
}

const START = 1000;

const happening = (versions: boolean) =>
  fc.record({
    after: fc.constantFrom(0, 0, 0, 1, 1, 3, 9),
    delay: fc.integer({ min: 0, max: VISIBILITY_MARGIN_S }),
    stream: fc.nat({ max: names.length - 1 }),
    object: fc.nat({ max: 2 }),
    isDeletion: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    isOtherVersion: versions ? fc.integer({ min: 0, max: 9 }).map((n) => n === 0) : fc.constant(false),
  });

const passes = fc.array(
  fc.record({
    wait: fc.constantFrom(0, 1, 2, 5, 30),
    secondsPerRequest: fc.constantFrom(0, 0, 1, 4),
    takesPart: fc.tuple(...names.map(() => fc.boolean())),
    endsAt: fc.tuple(...names.map(() => fc.option(fc.nat({ max: 60 }), { nil: undefined, freq: 3 }))),
    committedSteps: fc.nat({ max: 4 }),
    lostSteps: fc.nat({ max: 1 }),
  }),
  { maxLength: 8 },
);

/** Rows as a destination keeps them: what is no older than what it has takes its place. */
class Rows {
  readonly rows = new Map<string, Record<string, unknown>>();
  /** Ids of events whose snapshots came, by stream; and the newest event that each object was seen after. */
  readonly events = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  readonly ranks = new Map<string, number>();

  write({ records }: ReplayStep): void {
    for (const [stream, lines] of records) {
      for (const line of lines) {
        const record = JSON.parse(line.toString());
        const key = `${stream} ${record.id}`;
        this.events.get(stream)?.add(record.event);
        this.ranks.set(key, Math.max(this.ranks.get(key) ?? -1, record.rank));
        const known = this.rows.get(key);
        if (known === undefined || (record._as_of as number) >= (known._as_of as number)) {
          this.rows.set(key, { ...known, ...record, deleted: record.deleted === true });
        }
      }
    }
  }
}

/** The happenings as events, and the objects after all of them. */
function makeWorld(happenings: readonly Happening[]) {
  const client = new FakeEvents(START);
  const truth = new Map<string, { event: string; deleted: boolean }>();
  let created = START;
  const log = happenings.map(({ after, delay, stream, object, isDeletion, isOtherVersion }, rank) => {
    created += after;
    const table = tables[stream]!;
    const id = `${table.object}_${object}`;
    const event = `evt_${rank}`;
    const snapshot = { id, object: table.object, created: 5, event, rank, size: 1 };
    truth.set(`${table.name} ${id}`, { event, deleted: isDeletion });
    client.add({
      id: event,
      created,
      type: `${table.object}.${isDeletion ? 'deleted' : 'updated'}`,
      object: snapshot,
      visibleAt: created + delay,
      ...(isOtherVersion ? { apiVersion: 'other' } : {}),
    });
    return {
      event,
      created,
      name: table.name,
      path: `${table.path}/${id}`,
      key: `${table.name} ${id}`,
      rank,
      snapshot,
      isDeletion,
    };
  });
  // Objects are as they are at the moment of the request, whether or not their events show.
  const get = client.get.bind(client);
  client.get = (path, signal) => {
    client.objects.clear();
    for (const happened of log) {
      if (happened.created > client.time) break;
      if (happened.isDeletion) client.objects.delete(happened.path);
      else client.objects.set(happened.path, happened.snapshot);
    }
    return get(path, signal);
  };
  return { client, log, truth, end: created };
}

async function run(
  happenings: readonly Happening[],
  plan: readonly Pass[],
  check: (world: ReturnType<typeof makeWorld>, rows: Rows, positions: EventPositions) => void,
) {
  const world = makeWorld(happenings);
  const rows = new Rows();
  let positions = placeStreams(noPositions, names, { through: START, seen: [] });
  const all = { wait: 0, secondsPerRequest: 0, takesPart: names.map(() => true), endsAt: [], lostSteps: 0 };
  for (const pass of [...plan, { ...all, wait: world.end, committedSteps: Number.POSITIVE_INFINITY }]) {
    world.client.time += pass.wait;
    world.client.secondsPerRequest = pass.secondsPerRequest;
    const participants = new Map<string, EventParticipant>();
    for (const [i, name] of names.entries()) {
      const until = pass.endsAt[i];
      if (pass.takesPart[i]) participants.set(name, until === undefined ? {} : { until: START + until });
    }
    let count = 0;
    let sent = positions;
    for await (const step of replayEvents(replayOptions(world.client, tables, { positions, participants }))) {
      count++;
      if (count > pass.committedSteps + pass.lostSteps) break;
      rows.write(step);
      // What is written after the last saved position may stay, and does no harm.
      if (count <= pass.committedSteps)
        sent = readGlobalState(
          JSON.parse(JSON.stringify(writeGlobalState({ events: step.positions, others: {} }))),
        ).events;
    }
    positions = sent;
    check(world, rows, positions);
  }
  return { world, rows, positions };
}

describe('replayEvents', () => {
  it('ends with the newest content of everything, whatever happened, however late it showed, wherever it was cut off and whoever took part', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening(true), { maxLength: 60, size: 'max' }), passes, async (happenings, plan) => {
        const { world, rows } = await run(happenings, plan, () => undefined);
        for (const [key, expected] of world.truth) {
          const { event, deleted } = rows.rows.get(key) ?? {};
          // An object that is gone has no content that could be asked for, so it may be that of an earlier event.
          expect(deleted === true ? { deleted } : { event, deleted }, key).toEqual(
            expected.deleted ? { deleted: true } : expected,
          );
        }
      }),
      { numRuns: 600 },
    );
  });

  it('has emitted every event that a position lies beyond, and each event of every stream in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening(false), { maxLength: 60, size: 'max' }), passes, async (happenings, plan) => {
        const { world, rows } = await run(happenings, plan, ({ log }, written, positions) => {
          for (const { event, created, name } of log) {
            const position = positionOf(positions, name);
            const isPassed = created < position!.through || position?.seen.includes(event);
            if (isPassed) expect(written.events.get(name)?.has(event), `${event} of ${name}`).toBe(true);
          }
        });
        for (const { event, name } of world.log) expect(rows.events.get(name)?.has(event)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('loses nothing of what a second or a page holds too much of', async () => {
    const many = fc.array(happening(false), { minLength: 150, maxLength: 420, size: 'max' });
    await fc.assert(
      fc.asyncProperty(many, fc.constantFrom(0, 1), passes, async (happenings, pace, plan) => {
        const dense = happenings.map((one) => ({ ...one, after: Math.min(one.after, pace) }));
        const { world, rows } = await run(dense, plan, () => undefined);
        for (const [key, { event, deleted }] of world.truth)
          expect(rows.rows.get(key)).toMatchObject({ event, deleted });
      }),
      { numRuns: 100 },
    );
  });
});
