/** Mostly never ends. `text` in its config says how: `records`, `batches`, `console`, `deaf` (to a stop), `careless`. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { message } from '@penstock/protocol';
import { runConnector } from '../../run-connector.ts';
import { testRecord, testTime } from '../builders.ts';
import { smallSource } from '../small-connectors.ts';

const page = Array.from({ length: 500 }, (_, id) => `{"id":${id},"text":"${'x'.repeat(1000)}"}`);

await runConnector(
  smallSource(async function* ({ config, log }) {
    // Each pull leaves a byte, so that a test can see when pulling stops.
    const pulled = (): void => {
      if (process.env.PULLED_FILE !== undefined) appendFileSync(process.env.PULLED_FILE, '.');
    };
    try {
      if (config.text === 'deaf') {
        yield testRecord('a', { id: 0 });
        await sleep(600_000);
      }
      if (config.text === 'careless') {
        // Nobody waits for this promise.
        void Promise.reject(new Error(`lost with ${config.api_key}`));
      }
      if (config.text === 'console') {
        console.log('a line of the author');
        process.stdout.write('another one\n');
        yield testRecord('a', { id: 0 });
        yield message.streamStatus({ stream: 'a', status: 'complete' });
        yield message.streamStatus({ stream: 'b', status: 'complete' });
        return;
      }
      for (let id = 0; ; id++) {
        pulled();
        if (config.text === 'batches') yield { type: 'record_batch', stream: 'a', emitted_at: testTime, data: page };
        else yield testRecord('a', { id });
        if (id % 1000 === 0) log.debug(`at ${id}`);
      }
    } finally {
      process.stderr.write('released\n');
    }
  }),
);
