import type { ConfiguredCatalog, ConfiguredStream, Message, StreamStatusPayload } from '@penstock/protocol';
import { message } from '@penstock/protocol';
import type { EngineEvent } from './event.ts';

/** An event that holds a message, for tests. */
export function said(spoken: Message, at = 0): EngineEvent {
  return { type: 'message', at, message: spoken };
}

/** An event that holds a stream status, for tests. */
export function status(payload: StreamStatusPayload, at = 0): EngineEvent {
  return said(message.streamStatus(payload), at);
}

/** A catalog of streams with nothing special, each changed as `changes` says, for tests. */
export function catalogOf(names: readonly string[], changes: Partial<ConfiguredStream> = {}): ConfiguredCatalog {
  return {
    streams: names.map((name) => ({
      stream: { name, primary_key: [['id']] },
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
      ...changes,
    })),
  };
}

/** The value with everything in it frozen: whoever changes it fails, for tests. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
