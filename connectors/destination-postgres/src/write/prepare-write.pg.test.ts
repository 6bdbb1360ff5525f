import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testStream, writeItems } from '../testing/write-items.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

describe('preparing to write', () => {
  it('warns of choices for streams that the catalog does not have, with the name that was meant', async () => {
    const choice = { volatile: ['name'] };
    const streams = { custmers: choice, unlike: choice, charges: choice };
    const { messages, logged } = await writeItems({
      config: { url: db.url, streams },
      streams: [testStream('customers'), testStream('charges')],
      input: [],
    });
    expect(logged).toEqual([
      expect.stringMatching(/"custmers".* Did you mean customers\?$/),
      expect.stringMatching(/"unlike", and the catalog has no such stream\.$/),
    ]);
    expect(messages).toEqual([]);
  });
});
