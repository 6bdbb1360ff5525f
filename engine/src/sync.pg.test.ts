import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalPostgres } from '@penstock/local-postgres';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, startPenstock } from './launch/testing/penstock.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'penstock-sync-pg-test-'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** The fake pipeline, its state in the test's database. */
async function pipelineWithDatabase(source: Record<string, unknown>): Promise<{ file: string; out: string }> {
  const { file, out } = await fakePipeline(folder, source);
  const pipeline = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference in the user's syntax
  await writeFile(file, JSON.stringify({ ...pipeline, state: { postgres: { url: '${STATE_URL}' } } }));
  return { file, out };
}

it('keeps state in Postgres across kills, and lets one engine at a time work on a pipeline', async () => {
  const environment = { STATE_URL: database.url };
  const { file, out } = await pipelineWithDatabase({ streams: { a: 3000 }, page: 10, delay_ms: 300 });
  const first = startPenstock(['sync', '-c', file, '--json'], environment);
  await expect.poll(() => first.stdout().includes('source_state')).toBe(true);

  const second = await callPenstock(['sync', '-c', file, '--json'], environment);
  expect(second.exitCode).toBe(30);
  expect(second.stderr).toMatch(
    new RegExp(`Another engine is running pipeline "fake": process ${first.child.pid} on `),
  );
  expect(second.messages.map(({ type }) => type)).toEqual(['connection_status', 'eof']);

  first.child.kill('SIGKILL');
  await first.done;
  await pipelineWithDatabase({ streams: { a: 3000 } });
  const third = await callPenstock(['sync', '-c', file, '--json'], environment);
  expect(third.stderr).toBe('');
  expect(third.exitCode).toBe(0);
  expect(new Set((await readFile(out, 'utf8')).trim().split('\n')).size).toBe(3000);
  expect(third.eof?.ending_state.source.streams).toEqual({ a: { next: 3000 } });
});

it('saves a global checkpoint of a source, and what setup found out, in Postgres, and gives both to the next read', async () => {
  const own = await createTestDatabase();
  try {
    const journal = join(folder, 'journal');
    const config = { streams: { a: 50, b: 5 }, rounds: 2, api_key: 'sk_very_one', journal };
    const { file } = await fakePipeline(join(folder, 'global'), config, {}, ['fake-events-source']);
    const { source } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference in the user's syntax
    const destination = { type: 'postgres', postgres: { url: '${OWN_URL}', schema: 'mine' } };
    await writeFile(file, JSON.stringify({ name: 'global', source, destination }));
    const environment = { OWN_URL: own.url, XDG_DATA_HOME: folder };
    const setup = await callPenstock(['setup', '-c', file], environment);
    expect(setup.exitCode, setup.stdout + setup.stderr).toBe(0);
    const run = await callPenstock(['sync', '-c', file, '--json'], environment);
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    const global = run.messages.flatMap((m) =>
      m.type === 'source_state' && m.source_state.state_type === 'global' ? [m.source_state.data] : [],
    );
    expect(global).toEqual([{ cursor: 1 }, { cursor: 2 }, { cursor: 3 }]);
    const { rows } = await own.pool.query(
      "select section, stream, data from penstock.sync_state where section in ('source_global', 'resolved_config')",
    );
    expect(rows).toEqual(
      expect.arrayContaining([
        { section: 'source_global', stream: '', data: { cursor: 3 } },
        expect.objectContaining({ section: 'resolved_config', stream: 'source' }),
      ]),
    );
    expect(JSON.stringify(rows)).not.toMatch(/whsec|sk_very/);
    await callPenstock(['sync', '-c', file], environment);
    const given = (await readFile(journal, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(given.at(-1)).toMatchObject({
      command: 'read',
      account: 'account of one',
      webhook_secret: 'whsec_found_out',
      state: { global: { cursor: 3 }, streams: { a: { round: 3 }, b: { round: 3 } } },
    });
  } finally {
    await own.drop();
  }
});

describe('a pipeline without a destination', () => {
  const dataDir = () => join(folder, 'penstock', 'postgres');
  // As root the data lies elsewhere, where an unprivileged user may read it.
  afterEach(async () => rm(await realpath(dataDir()), { recursive: true, force: true }));

  /** A sync of 25 records, five a page. @param delay_ms after each page */
  async function syncArgs(delay_ms = 0): Promise<string[]> {
    const { file } = await fakePipeline(folder, { streams: { a: 25 }, page: 5, delay_ms });
    const { source } = JSON.parse(await readFile(file, 'utf8')) as { source: { command: string[]; config: object } };
    const flags = ['--source.command', JSON.stringify(source.command), '--postgres.schema', 'mine'];
    const config = Object.entries(source.config).flatMap(([key, value]) => [
      `--source.config.${key}`,
      JSON.stringify(value),
    ]);
    return ['sync', ...flags, ...config];
  }

  async function counts(): Promise<{ rows: number; hasState: boolean }> {
    const server = await startLocalPostgres({ dataDir: dataDir() });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query('select count(*)::int as count from mine.a');
    const state = await client.query('select count(*)::int as count from penstock.sync_state');
    await client.end();
    await server.stop();
    return { rows: rows[0].count, hasState: state.rows[0].count > 0 };
  }

  it('puts the data into a Postgres of the user, and says where', async () => {
    const run = await callPenstock([...(await syncArgs()), '--plain'], { XDG_DATA_HOME: folder });
    expect(run.exitCode, run.stderr + run.stdout).toBe(0);
    expect(run.stderr).toMatch(/the data goes to a Postgres of your own, postgres:\/\/\S+/);
    expect(await counts()).toEqual({ rows: 25, hasState: true });
  });

  it('can be stopped in the middle, and goes on: its Postgres stops last', async () => {
    const started = startPenstock([...(await syncArgs(3000)), '--json'], { XDG_DATA_HOME: folder });
    await expect.poll(() => started.stdout().includes('source_state')).toBe(true);
    started.child.kill('SIGTERM');
    const stopped = await started.done;
    expect(stopped.exitCode, stopped.stderr + stopped.stdout).toBe(10);
    expect(stopped.eof).toMatchObject({ has_more: true, reason: 'aborted' });
    const next = await callPenstock([...(await syncArgs()), '--json'], { XDG_DATA_HOME: folder });
    expect(next.exitCode, next.stderr + next.stdout).toBe(0);
    expect(next.eof?.ending_state.sync_run.run_id).toBe(stopped.eof!.ending_state.sync_run.run_id);
    expect(await counts()).toEqual({ rows: 25, hasState: true });
  });
});
