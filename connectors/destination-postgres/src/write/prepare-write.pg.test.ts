import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '../testing/database.ts';
import { testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

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
