import { type LogPayload, type Message, message as make, maskSecrets, scrubText } from '@penstock/protocol';
import type { PreparedSide } from '../pipeline/prepare.ts';

/** What has to be known of a side, so that its messages can be shown. */
export type ScrubbedSide = Pick<PreparedSide, 'spec' | 'secrets'>;

function scrubValue(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return scrubText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, scrubValue(inner, secrets)]));
}

/** A log line without the secrets of either side (P7): connectors of others may not take them out themselves. */
export function scrubLog(log: LogPayload, secrets: readonly string[]): LogPayload {
  return scrubValue(log, secrets) as LogPayload;
}

/**
 * A connector's message as it may be shown: configs masked, secrets cut out of texts.
 *
 * @param secrets of both sides for a destination, which puts out the source's words too
 */
export function scrubMessage<M extends Message>(message: M, { spec, secrets }: ScrubbedSide): M {
  switch (message.type) {
    case 'log':
      return { ...message, log: scrubLog(message.log, secrets) };
    case 'connection_status':
    case 'stream_status':
      return scrubValue(message, secrets) as M;
    case 'control': {
      const { control } = message;
      const masked =
        control.control_type === 'source_config'
          ? { ...control, source_config: maskSecrets(control.source_config, spec.config) }
          : { ...control, destination_config: maskSecrets(control.destination_config, spec.config) };
      return { ...message, ...make.control(scrubValue(masked, secrets) as typeof control) };
    }
    default:
      return message;
  }
}
