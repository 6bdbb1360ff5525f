import { type Message, maskSecrets, scrubMessage, scrubValue } from '@penstock/protocol';
import type { PreparedSide } from '../pipeline/prepare.ts';

/** What has to be known of a side, so that its messages can be shown. */
export type ShownSide = Pick<PreparedSide, 'spec' | 'secrets'>;

/**
 * A connector's message as it may be shown: configs masked, secrets cut out of what it says to people (P7): connectors of
 * others may not do so themselves.
 *
 * @param secrets of both sides for a destination, which puts out the source's words too
 */
export function showMessage<M extends Message>(message: M, { spec, secrets }: ShownSide): M {
  if (message.type !== 'control') return scrubMessage(message, secrets);
  const { control } = message;
  const show = (config: Record<string, unknown>): Record<string, unknown> =>
    scrubValue(maskSecrets(config, spec.config), secrets) as Record<string, unknown>;
  return {
    ...message,
    control:
      control.control_type === 'source_config'
        ? { ...control, source_config: show(control.source_config) }
        : { ...control, destination_config: show(control.destination_config) },
  };
}
