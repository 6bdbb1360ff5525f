import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Programs run from their sources, hundreds of files, and are started a thousand times: the workers and all that they start
// keep what Node made of a file, for as long as the file is the same. It takes a third off the time of each start.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/penstock-compiled');

const everywhere = ['**/node_modules/**', '**/dist/**'];
/** Where CI wants the results as JSON, next to what is printed. */
const report = process.env.PENSTOCK_TEST_REPORT;

/**
 * What is about Stripe's side, the engine's processes or pages, and the same whatever the Postgres: not run once more for another
 * version of it. What depends on the version is run there: all of the destination, the engine's tables and all that is done in
 * them, and whole syncs (`bare-pipe`, and `kill-postgres`).
 */
const whateverPostgres = [
  ...['sync', 'sync-stop', 'sync-until-done', 'state'].map((name) => `engine/src/${name}.pg.test.ts`),
  ...['soak', 'changes', 'poll-events', 'webhooks', 'docs', 'state', 'kill-engine', 'overwrite', 'observability'].map(
    (name) => `e2e/scenarios/src/${name}.pg.test.ts`,
  ),
  'e2e/scenarios/src/destination-memory.pg.test.ts',
];
const isOtherPostgres = process.env.PENSTOCK_TEST_POSTGRES !== undefined;

/**
 * A limit is there so that what hangs ends at all, and says where: machines that are busy with something else take several times
 * as long as usual, and for a while much longer.
 */
const patience = { poll: { timeout: 60_000 } };

const postgresSetup = 'engine/local-postgres/src/testing/vitest-setup.ts';

/**
 * One project per kind of test, told apart by the file name: `.test.ts` needs nothing, `.pg.test.ts` needs a Postgres
 * (one is started for the whole run, each file makes a database of its own), and in e2e/scenarios the bundled programs too;
 * `.image.test.ts` needs built images.
 */
export default defineConfig({
  test: {
    // Tests wait for processes and servers a good part of their time, so every core gets a file; the default leaves one idle.
    maxWorkers: Math.max(2, availableParallelism()),
    // A process for each file would load zod, yargs, ink and the rest anew each time, which takes longer than most files: no test
    // may leave anything behind in its process.
    isolate: false,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...everywhere, '**/*.pg.test.ts', '**/*.image.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: patience,
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['**/*.pg.test.ts'],
          exclude: [...everywhere, ...(isOtherPostgres ? whateverPostgres : []), 'e2e/scenarios/**'],
          globalSetup: [postgresSetup],
          testTimeout: 360_000,
          hookTimeout: 360_000,
          expect: patience,
        },
      },
      {
        test: {
          name: 'scenario',
          include: ['e2e/scenarios/**/*.pg.test.ts'],
          exclude: isOtherPostgres ? [...everywhere, ...whateverPostgres] : everywhere,
          globalSetup: [postgresSetup, 'e2e/scenarios/src/harness/programs-setup.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: patience,
        },
      },
      {
        test: {
          name: 'image',
          include: ['**/*.image.test.ts'],
          exclude: everywhere,
          globalSetup: ['docker/src/testing/vitest-setup.ts'],
          // Its helper would have to be pulled from a registry; the tests remove what they make.
          env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: patience,
        },
      },
    ],
  },
});
