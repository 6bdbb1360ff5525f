import { randomBytes } from 'node:crypto';
import { once as onceEmitted } from 'node:events';
import type { InputItem } from '@penstock/connector-sdk';
import type { DestinationMessage } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { confirmedOf } from '../testing/counted-run.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import { createTestRole, dropTestRole } from '../testing/interrupted-run.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import { answerTo, asks, once, throughProxy } from '../testing/proxy-rules.ts';
import { lines, startProgram, whenEnded } from '../testing/run-program.ts';
import { whenTrue } from '../testing/when-true.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

/** Columns that an index of the table begins with, besides that of the key. */
async function indexed(name: string, schema = 'public'): Promise<string[]> {
  const { rows } = await db.pool.query<{ column: string }>(
    `select a.attname as column from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = $1::regclass and not i.indisprimary and i.indisvalid order by 1`,
    [`"${schema}"."${name}"`],
  );
  return rows.map(({ column }) => column);
}
const whole = ['created', 'customer'];

/** A record and its checkpoint. */
const row = (name: string, id: number): InputItem[] => [
  record(name, { id: `${id}`, v: 1, created: id, customer: `c${id}` }, id),
  checkpoint(name, id),
];

/** Writes one stream, whose source can wait for what came out. */
async function write(
  name: string,
  source: (out: { whenOut: (word: string) => Promise<void>; stop: AbortController }) => AsyncGenerator<InputItem[]>,
  { config = {}, ...stream }: { config?: object } & Parameters<typeof testStream>[1] = {},
) {
  const messages: DestinationMessage[] = [];
  const stop = new AbortController();
  const whenOut = (word: string) => whenTrue(() => outline(messages).includes(word));
  const run = await writeItems({
    config: { url: db.url, ...config },
    streams: [testStream(name, stream)],
    input: source({ whenOut, stop }),
    stopRequested: stop.signal,
    onMessage: (item) => messages.push(item),
  });
  return { ...run, words: outline(run.messages) };
}

/** A whole first load. */
async function* load(name: string): AsyncGenerator<InputItem[]> {
  yield [status(name, 'start'), ...row(name, 1), status(name, 'complete')];
}

/** Keeps indexes of a table from being made, as somebody does who has written into it and has not committed yet. */
const holdBack = (name: string) => holdLocks(db, `lock table "${name}" in row exclusive mode`);

describe('the default indexes of a new table', () => {
  it('are made when its stream is complete, and not before', async () => {
    const name = newName();
    const { words, logged } = await write(name, async function* ({ whenOut }) {
      yield [status(name, 'start'), ...row(name, 1)];
      await whenOut(`${name}:1`);
      expect(await indexed(name)).toEqual([]);
      yield [...row(name, 2), status(name, 'complete')];
    });
    expect(words.at(-1)).toBe(`${name}:complete`);
    expect(await indexed(name)).toEqual(whole);
    expect(logged).toEqual([]);
  });

  it('refuse no record for a value that is too long for one', async () => {
    const name = newName();
    const long = randomBytes(5000).toString('base64');
    const schema = { json_schema: { properties: { id: { type: 'string' }, created: { type: 'string' } } } };
    const system_columns = ['text', 'jsonb'].map((type) => ({ name: `_${type}`, type, index: true }));
    const longLoad = (id: string, value: string) =>
      async function* (): AsyncGenerator<InputItem[]> {
        const fields = { created: value, _text: value, _jsonb: [value] };
        yield [record(name, { id, v: 1, ...fields }), status(name, 'complete')];
      };
    const more = { stream: schema, system_columns };
    const runs = [
      await write(name, longLoad('before', long), more),
      await write(name, longLoad('after', long), more),
      await write(name, longLoad('short', 's'), more),
    ];
    expect(runs.map(({ words }) => words.at(-1))).toEqual(new Array(3).fill(`${name}:complete`));
    expect(runs.flatMap(({ logged }) => logged)).toEqual([]);
    expect(await indexed(name)).toEqual(['_jsonb', '_text', 'created']);
    const { rows } = await db.pool.query(
      `select id, created is null as cut, _text is null as text, _jsonb is null as jsonb, _raw_data ->> 'created' as raw from "${name}" order by id`,
    );
    expect(rows).toEqual([
      { id: 'after', cut: true, text: true, jsonb: true, raw: long },
      { id: 'before', cut: true, text: true, jsonb: true, raw: long },
      { id: 'short', cut: false, text: false, jsonb: false, raw: 's' },
    ]);
  });

  it('hold back neither a checkpoint nor the status, and no reader', async () => {
    const name = newName();
    const { words } = await write(name, async function* ({ whenOut }) {
      yield row(name, 1);
      await whenOut(`${name}:1`);
      const release = await holdBack(name);
      yield [...row(name, 2), status(name, 'complete')];
      await whenTrue(async () => (await countBlocked(db, 'lock table')) > 0);
      await whenOut(`${name}:2`);
      await whenOut(`${name}:complete`);
      expect((await db.pool.query(`select from "${name}"`)).rowCount).toBe(2);
      await release();
    });
    expect(words.at(-1)).toBe(`${name}:complete`);
    expect(await indexed(name)).toEqual(whole);
  });

  it('are made while a source polls, and goes on without ever saying that it is complete', async () => {
    const name = newName();
    const config = { limits: { batch_seconds_max: 0.02 } };
    await write(
      name,
      async function* ({ whenOut }) {
        yield [status(name, 'start'), ...row(name, 1)];
        await whenTrue(async () => (await indexed(name)).length === whole.length);
        yield row(name, 2);
        await whenOut(`${name}:2`);
      },
      { config },
    );
  });

  it.each([
    ['a status', (name: string) => [status(name, 'start')]],
    ['another stream that is complete', () => [status('other', 'complete')]],
  ])('are left to the next run when the input ends after %s, before the stream does', async (_, said) => {
    const name = newName();
    const streams = [testStream(name), testStream('other')];
    await writeItems({ config: { url: db.url }, streams, input: [[...said(name), ...row(name, 1)]] });
    expect(await indexed(name)).toEqual([]);
    await write(name, () => load(name));
    expect(await indexed(name)).toEqual(whole);
  });

  it('are left to the next run when the program is asked to stop', async () => {
    const name = newName();
    await write(name, async function* ({ stop }) {
      yield row(name, 1);
      stop.abort(new Error('SIGTERM'));
    });
    expect(await indexed(name)).toEqual([]);
  });

  it('are left to the next run when the program is killed', async () => {
    const name = newName();
    const child = await startProgram({ command: 'write', config: { url: db.url }, streams: [testStream(name)] });
    child.stdin.write(lines.record(name, { id: '1', v: 1 }) + lines.checkpoint(name, 1));
    await onceEmitted(child.stdout, 'data');
    child.kill('SIGKILL');
    await whenEnded(child);
    expect(await indexed(name)).toEqual([]);
    await write(name, () => load(name));
    expect(await indexed(name)).toEqual(whole);
  });

  it('are made when a source that tells nothing of its streams has ended', async () => {
    const name = newName();
    await write(name, async function* () {
      yield row(name, 1);
    });
    expect(await indexed(name)).toEqual(whole);
  });

  it('are made after the rows were taken over, when the stream is overwritten', async () => {
    const name = newName();
    const mode = { destination_sync_mode: 'overwrite' as const, generation_id: 1 };
    await write(
      name,
      async function* ({ whenOut }) {
        yield row(name, 1);
        await whenOut(`${name}:1`);
        yield [status(name, 'complete')];
      },
      mode,
    );
    expect(await indexed(name)).toEqual(whole);
    expect((await db.pool.query(`select from "${name}"`)).rowCount).toBe(1);
  });

  it('are made while the other streams go on', async () => {
    const [name, other] = [newName(), newName()];
    const messages: DestinationMessage[] = [];
    const { logged } = await writeItems({
      config: { url: db.url },
      streams: [testStream(name), testStream(other)],
      onMessage: (item) => messages.push(item),
      input: (async function* () {
        yield row(name, 1);
        await whenTrue(() => confirmedOf(messages, name).length > 0);
        const release = await holdBack(name);
        yield [status(name, 'complete'), ...row(other, 1)];
        await whenTrue(async () => (await countBlocked(db, 'lock table')) > 0);
        await whenTrue(() => confirmedOf(messages, other).length > 0);
        await release();
        yield [status(other, 'complete')];
      })(),
    });
    expect(logged).toEqual([]);
    expect([await indexed(name), await indexed(other)]).toEqual([whole, whole]);
  });
});

describe('an index that can not be made', () => {
  it('is a warning when the table belongs to somebody else, and the run goes on', async () => {
    const name = newName();
    const role = await createTestRole(db);
    await write(name, () => load(name), { config: { schema: role.schema, index: 'none' } });
    await db.pool.query(`grant select, insert, update, delete on ${role.schema}."${name}" to ${role.name}`);
    const { words, logged } = await write(name, () => load(name), { config: { url: role.url, schema: role.schema } });
    expect(words).toEqual(expect.arrayContaining([`${name}:1`, `${name}:complete`]));
    expect(logged).toEqual(whole.map((column) => expect.stringMatching(`index on ${column} .* must be owner`)));
    await dropTestRole(db, role);
  });

  it('is a warning when nobody answers any more', async () => {
    const name = newName();
    const { words, logged } = await throughProxy(db.url, {}, (url, proxy) =>
      write(
        name,
        async function* ({ whenOut }) {
          yield row(name, 1);
          await whenOut(`${name}:1`);
          proxy.rule({
            onMessage: (passing) => (asks(/^create index/)(passing) ? 'cut' : 'pass'),
            admits: () => false,
          });
          yield [status(name, 'complete')];
        },
        { config: { url, limits: { retries_max: 1 } } },
      ),
    );
    expect(words.at(-1)).toBe(`${name}:complete`);
    expect(logged.at(-1)).toMatch(/Indexes of .* could not be made/);
  });

  it('is made over a new connection when the one that it was being made on is lost', async () => {
    const name = newName();
    const rules = once('cut', answerTo(asks(/^create index/)));
    const { logged } = await throughProxy(db.url, rules, (url) => write(name, () => load(name), { config: { url } }));
    expect(rules.isDone()).toBe(true);
    expect(logged).toEqual([expect.stringContaining('tried again')]);
    expect(await indexed(name)).toEqual(whole);
  });
});

describe('the program', () => {
  it('ends within a moment of SIGTERM while an index is being made, and leaves nothing at work', async () => {
    const name = newName();
    await write(name, () => load(name), { config: { index: 'none' } });
    const release = await holdBack(name);
    const child = await startProgram({ command: 'write', config: { url: db.url }, streams: [testStream(name)] });
    const ended = whenEnded(child);
    child.stdin.write(lines.complete(name));
    await whenTrue(async () => (await countBlocked(db, 'lock table')) > 0);
    const stoppedAt = performance.now();
    child.kill('SIGTERM');
    const { code, messages } = await ended;
    expect(performance.now() - stoppedAt).toBeLessThan(30_000);
    expect(code).toBe(10);
    expect(outline(messages as DestinationMessage[])).toContain(`${name}:complete`);
    expect(JSON.stringify(messages)).toContain('left to the next run');
    expect(await countBlocked(db, 'lock table')).toBe(0);
    await release();
    expect(await indexed(name)).toEqual([]);
  });
});
