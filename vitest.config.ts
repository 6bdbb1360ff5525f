import { defineConfig } from 'vitest/config';

/**
 * One project per kind of test, told apart by the file name: `.test.ts` needs nothing, `.pg.test.ts` needs a Postgres
 * (one is started for the whole run, each file makes a database of its own), `.image.test.ts` needs built images.
 */
const everywhere = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...everywhere, '**/*.pg.test.ts', '**/*.image.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['**/*.pg.test.ts'],
          exclude: everywhere,
          globalSetup: ['engine/local-postgres/src/testing/vitest-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
