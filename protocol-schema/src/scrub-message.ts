import type { Message } from './message.ts';
import { scrubText } from './secret.ts';
import type { LogPayload } from './spec.ts';

/** How deep a value is followed; what lies deeper is left out. */
const DEPTH_MAX = 20;

/** A copy of a value as JSON can hold it, every text in it scrubbed by {@link scrubText}. Keys stay. */
export function scrubValue(value: unknown, secrets: readonly string[], depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value, secrets);
  if (typeof value === 'bigint') return scrubText(String(value), secrets);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return scrubText(value.message, secrets);
  if (depth > DEPTH_MAX) return '…';
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, secrets, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrubValue(value.toJSON(), secrets, depth + 1);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, scrubValue(inner, secrets, depth + 1)]));
}

/** The log line without the secrets. */
export function scrubLog(log: LogPayload, secrets: readonly string[]): LogPayload {
  const scrubbed = { ...log, message: scrubText(log.message, secrets) };
  if (log.data !== undefined) scrubbed.data = scrubValue(log.data, secrets) as Record<string, unknown>;
  return scrubbed;
}

/**
 * The message with the secrets cut out of what it says to people. Names of streams, statuses and the like stay as they
 * are, also where a secret happens to be the same word (a password `customers`): programs go by them. So do records, state
 * and `control`, which are data.
 */
export function scrubMessage<M extends Message>(message: M, secrets: readonly string[]): M {
  const text = (said: string): string => scrubText(said, secrets);
  switch (message.type) {
    case 'log':
      return { ...message, log: scrubLog(message.log, secrets) };
    case 'connection_status': {
      const { connection_status: status } = message;
      if (status.message === undefined) return message;
      return { ...message, connection_status: { ...status, message: text(status.message) } };
    }
    case 'stream_status': {
      const { stream_status: status } = message;
      if (status.status === 'error') return { ...message, stream_status: { ...status, error: text(status.error) } };
      if (status.status === 'skip') return { ...message, stream_status: { ...status, reason: text(status.reason) } };
      return message;
    }
    default:
      return message;
  }
}
