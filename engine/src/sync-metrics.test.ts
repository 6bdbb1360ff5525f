import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, type PenstockProcess, startPenstock } from './launch/testing/penstock.ts';
import { parseMetrics, sampleValue } from './report/metrics-testing.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-metrics-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The address that it says. */
async function urlOf({ stderr }: PenstockProcess): Promise<string> {
  await expect.poll(stderr).toMatch(/^Metrics: .*\n/m);
  return /^Metrics: (.*)$/m.exec(stderr())![1]!;
}

const scrape = async (url: string) => parseMetrics(await (await fetch(url)).text());

describe('penstock sync --metrics-port', () => {
  it('serves what the run does while it goes on, and ends with it', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 100_000, b: 1 }, page: 10, delay_ms: 20 });
    const run = startPenstock(['sync', '-c', file, '--json', '--metrics-port', '0']);
    const url = await urlOf(run);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const committed = async () =>
      sampleValue(await scrape(url), 'penstock_records_written_total', { stream: 'a', outcome: 'unknown' });
    await expect
      .poll(async () => sampleValue(await scrape(url), 'penstock_checkpoints_total', { stream: 'a' }), {
        timeout: 30_000,
      })
      .toBeGreaterThan(20);
    const metrics = await scrape(url);
    const a = { pipeline: 'fake', stream: 'a' };
    const records = sampleValue(metrics, 'penstock_records_read_total', a)!;
    expect(records).toBeGreaterThan(200);
    expect(sampleValue(metrics, 'penstock_read_bytes_total', a)! / records).toBeGreaterThan(50);
    expect(sampleValue(metrics, 'penstock_records_read_total', { stream: 'b' })).toBe(0);
    expect(sampleValue(metrics, 'penstock_stream_status', { ...a, status: 'started' })).toBe(1);
    expect(sampleValue(metrics, 'penstock_retries_total', { component: 'engine' })).toBe(0);
    expect(sampleValue(metrics, 'penstock_state_saves_total')).toBeGreaterThan(0);
    expect(await committed()).toBe(0);
    // It holds a connection that it keeps open.
    run.child.kill('SIGTERM');
    const { exitCode, eof } = await run.done;
    expect(exitCode).toBe(10);
    expect(sampleValue(metrics, 'penstock_run_info', { run_id: eof!.ending_state.sync_run.run_id! })).toBe(1);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('takes the port of the file, and before it that of the flag', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 } });
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const pipeline = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...pipeline, metrics: { port } }));
    const refused = await callPenstock(['sync', '-c', file, '--json']);
    expect([refused.exitCode, refused.eof?.status]).toEqual([2, 'failed']);
    expect(refused.stderr).toBe(
      `penstock: Metrics can't be served on port ${port} of 127.0.0.1: another program listens there. Choose another port, or 0 for a free one.\n`,
    );
    const run = await callPenstock(['sync', '-c', file, '--json', '--metrics-port', '0']);
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toMatch(/^Metrics: http:\/\/127\.0\.0\.1:\d+\/metrics\n$/);
    taken.close();
  });

  it('refuses what is no port', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 } });
    const run = await callPenstock(['sync', '-c', file, '--metrics-port', 'http']);
    expect([run.exitCode, run.stderr]).toEqual([
      2,
      'penstock: --metrics-port: expected a port, a whole number from 0 to 65535. Run the command with --help.\n',
    ]);
  });
});
