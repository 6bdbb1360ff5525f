import { message } from '@penstock/protocol';
import * as z from 'zod';
import type { Destination, WriteContext } from '../destination.ts';
import type { ReadContext, Source, SourceOutput } from '../source.ts';

const smallConfig = z.object({
  api_key: z.string().default('none-given').describe('Key').meta({ secret: true }),
  text: z.string().default('').describe('Anything'),
});
/** The config of the small connectors. */
export type SmallConfig = z.infer<typeof smallConfig>;

/** A source with the streams `a` and `b` that reads what the test says. */
export function smallSource(
  read: (context: ReadContext<SmallConfig>) => AsyncIterable<SourceOutput>,
  more: Partial<Source<typeof smallConfig>> = {},
): Source<typeof smallConfig> {
  return {
    name: 'small',
    version: '1.2.3',
    description: 'Reads what a test says',
    config: smallConfig,
    check: async () => 'It works.',
    discover: async () => ({ streams: ['a', 'b'].map((name) => ({ name, primary_key: [['id']] })) }),
    read,
    ...more,
  };
}

/** A destination that commits at once: what it may pass on it passes on; `seen` is told of every item. */
export function smallDestination(
  seen: (item: unknown) => void = () => undefined,
  more: Partial<Destination<typeof smallConfig>> = {},
): Destination<typeof smallConfig> {
  return {
    name: 'small',
    version: '1.2.3',
    description: 'Keeps nothing',
    config: smallConfig,
    syncModes: ['append', 'append_dedup'],
    check: async () => undefined,
    async *write({ input }: WriteContext<SmallConfig>) {
      const failed = new Set<string>();
      for await (const items of input) {
        for (const item of items) {
          seen(
            item.kind === 'record'
              ? { stream: item.stream, data: item.data.toString(), line: item.line.toString() }
              : item,
          );
          if (item.kind === 'failure') {
            failed.add(item.stream);
            const { error } = item;
            yield message.streamStatus({
              stream: item.stream,
              status: 'error',
              error: error.text,
              failure_type: error.failureType,
            });
          } else if (item.kind === 'status' && !failed.has(item.message.stream_status.stream)) yield item.message;
          else if (item.kind === 'checkpoint') yield item.message;
        }
      }
    },
    ...more,
  };
}
