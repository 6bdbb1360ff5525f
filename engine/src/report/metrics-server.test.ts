import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { message } from '@penstock/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { metricTable } from '../reduce/metric-table.ts';
import { parseMetrics, sampleValue } from './metrics-testing.ts';
import { type ServedMetrics, serveMetrics } from './serve-metrics.ts';

let served: ServedMetrics | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function serve(pipeline = 'orders', host = '127.0.0.1'): Promise<ServedMetrics> {
  served = await serveMetrics({ port: 0, host }, pipeline, (error) => {
    throw error;
  });
  return served;
}

describe('the endpoint of metrics', () => {
  it('writes every metric in the text format, with its help and type, and says which format it is', async () => {
    const { url } = await serve();
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const metrics = parseMetrics(await response.text());
    expect([...metrics].map(([name, { type, help }]) => [name, type, help])).toEqual(
      metricTable.map(({ name, type, help }) => [name, type, help]),
    );
    expect(sampleValue(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(metrics.get('penstock_state_last_save_timestamp_seconds')!.samples).toEqual([]);
  });

  it('writes names as they are, whatever characters they have', async () => {
    const names = ['plain', 'a "b" \\ c', 'new\nline', 'ü {x="y"}, z', '__proto__'];
    const { url, take } = await serve('my "pipe\\line"');
    take({
      type: 'message',
      message: message.catalog({ streams: names.map((name) => ({ name, primary_key: [['id']] })) }),
    });
    const counts = new Map(names.map((name, i) => [name, { records: i + 1, bytes: 0 }]));
    take({ type: 'relayed', counts, waitedMs: { destination: 0, listener: 0 } });
    const metrics = parseMetrics(await (await fetch(url)).text());
    for (const [i, stream] of names.entries())
      expect(sampleValue(metrics, 'penstock_records_read_total', { stream, pipeline: 'my "pipe\\line"' })).toBe(i + 1);
  });

  it('shows the counts of now, however often it is asked', async () => {
    const { url, take } = await serve();
    const read = async () => sampleValue(parseMetrics(await (await fetch(url)).text()), 'penstock_state_saves_total');
    expect([await read(), await read()]).toEqual([0, 0]);
    take({ type: 'state_saved', at: 0 });
    expect([await read(), await read()]).toEqual([1, 1]);
  });

  it.each([
    ['GET', '/healthz', 200, 'ok\n'],
    ['HEAD', '/metrics', 200, ''],
    ['GET', '/metrics?name=x', 200, undefined],
    ['GET', '/', 404, 'There is /metrics and /healthz.\n'],
    ['POST', '/metrics', 405, ''],
  ])('answers %s %s with %d', async (method, path, status, text) => {
    const { url } = await serve();
    const response = await fetch(new URL(path, url), { method });
    const body = await response.text();
    expect(response.status).toBe(status);
    if (text !== undefined) expect(body).toBe(text);
  });

  it('closes while somebody is connected', async () => {
    const { url, close } = await serve();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    await close();
    await ended;
  });

  it('refuses a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const starting = serveMetrics({ port, host: '127.0.0.1' }, 'orders', () => undefined);
    await expect(starting).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(String(port)),
    });
    other.close();
  });

  it('refuses an address that is not of this machine', async () => {
    // Of a block that is for documentation alone (RFC 5737).
    const starting = serveMetrics({ port: 0, host: '192.0.2.1' }, 'orders', () => undefined);
    await expect(starting).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/192\.0\.2\.1: EADDRNOTAVAIL/),
    });
  });
});
