import { createInterface } from 'node:readline';
import type { InputItem } from '@penstock/connector-sdk';
import type { ConfiguredStream, Message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import { lines, runProgram, startProgram, whenEnded } from '../testing/run-program.ts';
import { whenTrue } from '../testing/when-true.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

const overwriting = (name: string, generation_id: number): ConfiguredStream =>
  testStream(name, { destination_sync_mode: 'overwrite', sync_mode: 'full_refresh', generation_id });
const query = async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[];
const summary = async (name: string) =>
  (
    await query(
      `select count(*)::int, min(id::int), max(id::int), string_agg(distinct name, '') as names from "${name}"`,
    )
  )[0];

/** Whether one of our statements that begins so waits for a lock. */
const waitsIn = async (statement: string) => (await countBlocked(db, statement)) > 0;

/** Rows from a number to before another one, with a checkpoint after every 50th. */
const rowLines = (name: string, from: number, to: number, text: string) =>
  Array.from(
    { length: to - from },
    (_, index) =>
      lines.record(name, { id: `${from + index}`, v: 1, name: text }) +
      ((from + index) % 50 === 49 ? lines.checkpoint(name, from + index + 1) : ''),
  );

describe('a program that is killed', () => {
  it('at any moment of an overwrite leaves the old set, and the next one goes on to exactly the new one', async () => {
    const name = newName();
    const config = { url: db.url, limits: { batch_records_max: 200 } };
    await runProgram(
      { command: 'write', config, streams: [overwriting(name, 1)] },
      rowLines(name, 0, 1000, 'old').join('') + lines.complete(name),
    );
    const streams = [overwriting(name, 2)];
    const records = rowLines(name, 500, 3500, 'new');
    let confirmed = 500;
    for (const killAfter of [1, 4, 9]) {
      const child = await startProgram({ command: 'write', config, streams });
      // The end is not sent: it may not become complete.
      child.stdin.write(records.slice(confirmed - 500).join(''));
      let seen = 0;
      for await (const out of createInterface({ input: child.stdout })) {
        const item = JSON.parse(out) as Message;
        if (item.type === 'source_state') confirmed = item.source_state.data as number;
        if (++seen === killAfter) {
          child.kill('SIGKILL');
          break;
        }
      }
      await whenEnded(child);
      expect(await summary(name)).toEqual({ count: 1000, min: 0, max: 999, names: 'old' });
    }
    const input = records.slice(confirmed - 500).join('') + lines.complete(name);
    const { code, messages } = await runProgram({ command: 'write', config, streams }, input);
    expect(code).toBe(0);
    expect(outline(messages as never).at(-1)).toBe(`${name}:complete`);
    expect(await summary(name)).toEqual({ count: 3000, min: 500, max: 3499, names: 'new' });
  });

  it('while the new set takes the place of the old one leaves the old one, and nothing has to be sent again', async () => {
    const name = newName();
    const config = { url: db.url };
    await runProgram(
      { command: 'write', config, streams: [overwriting(name, 1)] },
      rowLines(name, 0, 100, 'old').join('') + lines.complete(name),
    );
    const streams = [overwriting(name, 2)];
    // A row that somebody holds: rows have been removed already when the update comes to it.
    const release = await holdLocks(db, `select from "${name}" where id = '70' for update`);
    const child = await startProgram({ command: 'write', config, streams });
    const ended = whenEnded(child);
    child.stdin.write(rowLines(name, 50, 150, 'new').join('') + lines.complete(name));
    await whenTrue(() => waitsIn('update'));
    child.kill('SIGKILL');
    const { messages } = await ended;
    expect(outline(messages as never)).not.toContain(`${name}:complete`);
    await release();
    expect(await summary(name)).toEqual({ count: 100, min: 0, max: 99, names: 'old' });
    // All checkpoints were confirmed: the source has nothing more to say.
    await runProgram({ command: 'write', config, streams }, lines.complete(name));
    expect(await summary(name)).toEqual({ count: 100, min: 50, max: 149, names: 'new' });
  });
});

describe('a lost connection', () => {
  it('while the new set takes the place of the old one is survived within the run', async () => {
    const name = newName();
    await writeItems({
      config: { url: db.url },
      streams: [overwriting(name, 1)],
      input: [[record(name, { id: '1', v: 1 }), record(name, { id: '2', v: 1 }), status(name, 'complete')]],
    });
    const release = await holdLocks(db, `select from "${name}" where id = '1' for update`);
    const run = writeItems({
      config: { url: db.url },
      streams: [overwriting(name, 2)],
      input: [[record(name, { id: '3', v: 1 }), status(name, 'complete')]],
    });
    await whenTrue(() => waitsIn('delete'));
    await query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'penstock' and wait_event_type = 'Lock' and datname = current_database()`,
    );
    await release();
    const { messages, results, logged } = await run;
    expect(logged.some((text) => text.includes('tried again'))).toBe(true);
    expect(outline(messages).at(-1)).toBe(`${name}:complete`);
    expect(results[name]).toEqual({ created: 1, updated: 0, deleted: 2, skipped: 0 });
    expect(await query(`select id from "${name}"`)).toEqual([{ id: '3' }]);
  });
});

describe('two programs at once', () => {
  const gated = (name: string, generation: number, before: readonly InputItem[], after: readonly InputItem[]) => {
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const run = writeItems({
      config: { url: db.url },
      streams: [overwriting(name, generation)],
      onMessage: (item) => seen.push(...outline([item])),
      input: (async function* (): AsyncGenerator<InputItem[]> {
        yield [...before];
        await gate.promise;
        yield [...after];
      })(),
    });
    return { run, open: gate.resolve, whenSeen: (word: string) => whenTrue(() => seen.includes(word)) };
  };
  const row = (name: string, id: number) => record(name, { id: `${id}`, v: 1 });

  it('with different generations never mix their rows: the older one fails', async () => {
    const name = newName();
    const older = gated(name, 1, [row(name, 1), checkpoint(name, 1)], [row(name, 2), status(name, 'complete')]);
    await older.whenSeen(`${name}:1`);
    const newer = gated(name, 2, [row(name, 10), checkpoint(name, 1)], [row(name, 11), status(name, 'complete')]);
    await newer.whenSeen(`${name}:1`);
    older.open();
    const { messages } = await older.run;
    expect(outline(messages).at(-1)).toBe(`${name}:error`);
    expect(JSON.stringify(messages.at(-1))).toContain('run again');
    newer.open();
    await newer.run;
    expect(await query(`select id from "${name}" order by id`)).toEqual([{ id: '10' }, { id: '11' }]);
  });

  it('with the same generation both end well, and what either sent is there', async () => {
    const name = newName();
    const one = gated(name, 1, [row(name, 1), checkpoint(name, 1)], [row(name, 2), status(name, 'complete')]);
    await one.whenSeen(`${name}:1`);
    const two = gated(
      name,
      1,
      [row(name, 3), checkpoint(name, 1)],
      [row(name, 2), row(name, 4), status(name, 'complete')],
    );
    await two.whenSeen(`${name}:1`);
    one.open();
    expect(outline((await one.run).messages).at(-1)).toBe(`${name}:complete`);
    two.open();
    expect(outline((await two.run).messages).at(-1)).toBe(`${name}:complete`);
    expect(await query(`select id from "${name}" order by id`)).toEqual(['1', '2', '3', '4'].map((id) => ({ id })));
  });
});
