import type { TestDatabase } from '@penstock/local-postgres/testing';
import { record, testStream, writeItems } from './write-items.ts';

/** What a test stream has in place of the usual. */
export type StreamParts = Parameters<typeof testStream>[1];

/** The usual test stream with fields of its own. */
export const withProperties = (properties: object): StreamParts => ({ stream: { json_schema: { properties } } });

/** Short words for tests that write one stream a run and look at its table. */
export function oneStream(db: TestDatabase) {
  return {
    /** One run that writes these records. */
    write: (name: string, stream: StreamParts = {}, data: readonly object[] = [], config: object = {}) =>
      writeItems({
        config: { url: db.url, ...config },
        streams: [testStream(name, stream)],
        input: [data.map((each) => record(name, each))],
      }),
    query: async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[],
  };
}
