import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { checkpoint, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

const a1 = { id: 'a', v: 1, name: 'one', amount: 5 };

describe.each([
  ['a few records at a time', { unstaged_records_max: 100 }],
  ['by COPY', { unstaged_records_max: 0 }],
])('writing %s', (_, limits) => {
  it('keeps every digit and every character of a record', async () => {
    const name = newName();
    const json =
      '{"id":"x","v":1,"big":12345678901234567890.1234567890123,"text":"\\u00e9 \\\\ \\" \\t \\r\\n 𝄞 \\ud834\\udd1e","empty":{},"t":"tab\\\\t"}';
    await writeItems({ config: { url: db.url, limits }, streams: [testStream(name)], input: [[record(name, json)]] });
    const { rows } = await db.pool.query(
      `select _raw_data = $1::jsonb as same, _raw_data ->> 'big' as big from "${name}"`,
      [json],
    );
    expect(rows).toEqual([{ same: true, big: '12345678901234567890.1234567890123' }]);
  });

  it('merges many changes of one key in a batch, live and deleted in turn', async () => {
    const name = newName();
    const changes = 600;
    const input = Array.from({ length: changes }, (_, index) =>
      record(name, index % 2 === 0 ? { id: 'a', v: index } : { id: 'a', v: index, deleted: true }),
    );
    await writeItems({ config: { url: db.url, limits }, streams: [testStream(name)], input: [input] });
    const { rows } = await db.pool.query(`select v, deleted from "${name}"`);
    expect(rows).toEqual([{ v: String(changes - 1), deleted: true }]);
  });

  it('counts what was stored before the record with which its stream fails', async () => {
    const name = newName();
    const write = (input: object[]) =>
      writeItems({
        config: { url: db.url, limits },
        streams: [testStream(name)],
        input: [input.map((data) => record(name, data))],
      });
    await write([{ id: 'first' }]);
    await db.pool.query(`alter table "${name}" add check (amount < 100)`);
    const { results } = await write(
      Array.from({ length: 40 }, (_, index) => ({ id: `r${index}`, amount: index === 30 ? 100 : 1 })),
    );
    const { rows } = await db.pool.query<{ count: number }>(`select count(*)::int from "${name}"`);
    expect(results[name]?.created).toBe(rows[0]!.count - 1);
    expect(rows[0]!.count).toBeGreaterThan(1);
  });

  it('says that the table is at fault when a column that nobody fills may not be null, and stores nothing', async () => {
    const name = newName();
    const skip = { url: db.url, limits, on_bad_record: 'skip' };
    await writeItems({ config: skip, streams: [testStream(name)], input: [[record(name, a1)]] });
    await db.pool.query(`alter table "${name}" add column mine integer default 1`);
    await db.pool.query(`alter table "${name}" alter column mine drop default, alter column mine set not null`);
    const input = [[record(name, { ...a1, id: 'b' }), checkpoint(name, 1)]];
    const { messages } = await writeItems({ config: skip, streams: [testStream(name)], input });
    expect(messages.map(({ type }) => type)).toEqual(['stream_status']);
  });

  it('leaves the time of an equal row alone and moves that of a changed one', async () => {
    const name = newName();
    const write = (data: object) =>
      writeItems({ config: { url: db.url, limits }, streams: [testStream(name)], input: [[record(name, data)]] });
    const read = async () =>
      (await db.pool.query(`select _updated_at, ctid from "${name}"`)).rows[0] as { _updated_at: Date; ctid: string };
    await write(a1);
    const first = await read();
    await write({ ...a1, v: 2 });
    expect(await read()).toEqual(first);
    await write({ ...a1, v: 2, name: 'other' });
    expect((await read())._updated_at.getTime()).toBeGreaterThan(first._updated_at.getTime());
  });
});
