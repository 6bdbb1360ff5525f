import { ConnectorError } from '@penstock/connector-sdk';
import { describeIssues, type JsonObject, timestampSchema } from '@penstock/protocol';
import * as z from 'zod';
import { instantOf, secondOf } from '../ranges/stream-state.ts';
import { arrangePositions, type EventPosition, type EventPositions, noPositions, SEEN_MAX } from './position.ts';

const positionSchema = z.object({
  created: timestampSchema.meta({ description: 'every event created before is applied' }),
  id: z.string().min(1).optional().meta({ description: 'newest known event created before' }),
  seen: z.array(z.string().min(1)).optional().meta({ description: 'later events that are applied already' }),
});

/** State that belongs to no stream, on the wire. Other fields are kept as they are. */
export const globalStateSchema = z.looseObject({
  account: z
    .object({
      id: z.string().min(1),
      created: timestampSchema.optional().meta({ description: 'when the account was created' }),
    })
    .optional()
    .meta({ description: 'whose data this is' }),
  events: z
    .object({
      cursor: positionSchema,
      streams: z.array(z.string()).default([]).meta({ description: 'streams that stand at `cursor`' }),
      behind: z
        .record(z.string(), positionSchema)
        .default({})
        .meta({ description: 'streams that stand at an earlier position' }),
    })
    .optional()
    .meta({ description: 'how far the events were read' }),
});

/** State that belongs to no stream. */
export interface GlobalState {
  /** Whose data the state is about. `created` is in seconds since 1970. */
  readonly account?: { readonly id: string; readonly created?: number };
  readonly events: EventPositions;
  /** Fields that are not known here, written back as they came. */
  readonly others: Readonly<JsonObject>;
}

function readPosition({ created, id, seen = [] }: z.output<typeof positionSchema>): EventPosition {
  return {
    through: secondOf(created),
    ...(id === undefined ? {} : { anchor: id }),
    seen: seen.slice(0, SEEN_MAX),
  };
}

function writePosition({ through, anchor, seen }: EventPosition): z.input<typeof positionSchema> {
  return {
    created: instantOf(through),
    ...(anchor === undefined ? {} : { id: anchor }),
    ...(seen.length === 0 ? {} : { seen: [...seen] }),
  };
}

/**
 * Reads the state of an earlier run; `{}` is that of none.
 *
 * @throws ConnectorError `state_invalid` with what doesn't fit
 */
export function readGlobalState(data: unknown): GlobalState {
  const parsed = globalStateSchema.safeParse(data);
  if (!parsed.success) {
    const message = `The saved global state doesn't fit: ${describeIssues(parsed.error)}.`;
    throw new ConnectorError('state_invalid', { message, cause: parsed.error });
  }
  const { account, events, ...others } = parsed.data;
  const created = account?.created === undefined ? {} : { created: secondOf(account.created) };
  return {
    ...(account === undefined ? {} : { account: { id: account.id, ...created } }),
    events: events === undefined ? noPositions : readEvents(events),
    others,
  };
}

function readEvents(events: NonNullable<z.output<typeof globalStateSchema>['events']>): EventPositions {
  const cursor = readPosition(events.cursor);
  const all = new Map(events.streams.map((stream) => [stream, cursor]));
  // Of a stream that stands in both, the earlier position is the safe one.
  for (const [stream, position] of Object.entries(events.behind)) all.set(stream, readPosition(position));
  return arrangePositions(all, cursor);
}

/** @returns a fresh copy: later changes of the state can't reach what was emitted */
export function writeGlobalState({ account, events, others }: GlobalState): JsonObject {
  const created = account?.created === undefined ? {} : { created: instantOf(account.created) };
  const { cursor, streams, behind } = events;
  return {
    ...others,
    ...(account === undefined ? {} : { account: { id: account.id, ...created } }),
    ...(cursor === undefined
      ? {}
      : {
          events: {
            cursor: writePosition(cursor),
            streams: [...streams].sort(),
            behind: Object.fromEntries(
              [...behind]
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([name, position]) => [name, writePosition(position)]),
            ),
          },
        }),
  };
}
