import type { TestProject } from 'vitest/node';
import type { PostgresVersion } from '../binaries.ts';
import { startLocalPostgres } from '../start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    postgresVersion: PostgresVersion;
  }
}

/**
 * Vitest global set-up: one throwaway server for the whole run, its URL provided as `postgresUrl`. The environment variable
 * PENSTOCK_TEST_POSTGRES=15 picks the oldest version that is supported.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const version = process.env.PENSTOCK_TEST_POSTGRES === '15' ? 15 : 18;
  const server = await startLocalPostgres({ version, durable: false, settings: { max_connections: '200' } });
  project.provide('postgresUrl', server.url);
  project.provide('postgresVersion', version);
  return server.stop;
}
