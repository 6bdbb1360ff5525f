/** Commits each batch after a moment; leaves a timer open, as careless authors do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runConnector } from '../../run-connector.ts';
import { smallDestination } from '../small-connectors.ts';

const { write } = smallDestination();
await runConnector(
  smallDestination(undefined, {
    async *write(context) {
      setInterval(() => undefined, 1000);
      for await (const item of write(context)) {
        await sleep(1);
        yield item;
      }
    },
  }),
);
