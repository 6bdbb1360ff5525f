import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '@penstock/connector-sdk';
import { FakeClock } from '@penstock/connector-sdk/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import { RESPONSE_BYTES_MAX, retryAfterMs, StripeClient } from './stripe-client.ts';
import { quietLog } from './testing/read-source.ts';

const never = new AbortController().signal;
const apiKey = 'sk_test_secretsecretsecret';
/** Real time, but nobody really waits. */
const hasty: Clock & { slept: number[] } = {
  slept: [],
  now: Date.now,
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    hasty.slept.push(ms);
  },
};

const open: { server: Server; client: StripeClient }[] = [];
afterEach(async () => {
  hasty.slept = [];
  for (const { server, client } of open.splice(0)) {
    await client.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function serve(listener: RequestListener, clock: Clock = hasty, timeoutMs = 5000): Promise<StripeClient> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const client = new StripeClient({
    apiKey,
    apiVersion: '2026-10-28.endive',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mount`,
    rateLimit: new RateLimit(10_000, clock),
    clock,
    log: quietLog,
    connections: 4,
    random: () => 1,
    timeoutMs,
  });
  open.push({ server, client });
  return client;
}

describe('StripeClient', () => {
  it('sends the key and the version to the base URL, path and all, and gives the body as it is', async () => {
    const client = await serve((request, response) => {
      const { authorization, 'stripe-version': version } = request.headers;
      response.end(` {"url":"${request.url}","authorization":"${authorization}","version":"${version}"}\n`);
    });
    const { body, date } = await client.get('/v1/charges?limit=100', never);
    expect(body.toString()).toBe(
      ` {"url":"/mount/v1/charges?limit=100","authorization":"Bearer ${apiKey}","version":"2026-10-28.endive"}\n`,
    );
    expect(Math.abs((date ?? 0) - Date.now() / 1000)).toBeLessThan(3);
  });

  it('knows the time that Stripe has, however wrong its own is', async () => {
    const client = await serve((_, response) => response.setHeader('date', 'Wed, 01 Jan 2020 00:00:00 GMT').end('{}'));
    await client.get('/v1/account', never);
    expect(Math.abs(client.now() - 1_577_836_800)).toBeLessThan(3);
  });

  it.each([500, 502, 503, 409, 429])('tries again after %d', async (status) => {
    let count = 0;
    const client = await serve((_, response) => {
      response.statusCode = ++count < 3 ? status : 200;
      response.end('{}');
    });
    await client.get('/v1/charges', never);
    expect(count).toBe(3);
  });

  it('tries again after a broken connection and a body that breaks off', async () => {
    let count = 0;
    const client = await serve((request, response) => {
      count++;
      if (count === 1) request.socket.destroy();
      else if (count === 2) {
        response.setHeader('content-length', 100).write('{');
        setTimeout(() => request.socket.destroy(), 20);
      } else response.end('{"ok":true}');
    });
    expect((await client.get('/v1/charges', never)).body.toString()).toBe('{"ok":true}');
  });

  it.each([400, 401, 402, 403, 404])('does not try again after %d', async (status) => {
    let count = 0;
    const client = await serve((_, response) => {
      count++;
      response.statusCode = status;
      response.end('{"error":{"message":"no","code":"c","type":"t"}}');
    });
    await expect(client.get('/v1/charges?a=1', never)).rejects.toMatchObject({ status, code: 'c' });
    expect(count).toBe(1);
  });

  it('does what Stripe-Should-Retry says', async () => {
    let count = 0;
    const client = await serve((_, response) => {
      count++;
      response.statusCode = 500;
      response.setHeader('stripe-should-retry', 'false').end('{}');
    });
    await expect(client.get('/v1/charges', never)).rejects.toMatchObject({ status: 500 });
    expect(count).toBe(1);
  });

  it('gives up after 8 retries, with the last error', async () => {
    let count = 0;
    const client = await serve((_, response) => {
      count++;
      response.statusCode = 503;
      response.end('<html>');
    });
    await expect(client.get('/v1/charges', never)).rejects.toThrow(
      'GET /v1/charges answered without saying why (HTTP 503)',
    );
    expect(count).toBe(9);
  });

  it('waits as long as Retry-After says, for every request', async () => {
    let count = 0;
    const clock = new FakeClock({ autoAdvance: true });
    const from = clock.now();
    const client = await serve((_, response) => {
      response.statusCode = ++count === 1 ? 429 : 200;
      if (count === 1) response.setHeader('retry-after', '7');
      response.end('{}');
    }, clock);
    await client.get('/v1/charges', never);
    expect(clock.now() - from).toBeGreaterThanOrEqual(7000);
  });

  it('says that there was no answer in time', async () => {
    const client = await serve(() => undefined, hasty, 50);
    await expect(client.get('/v1/charges', never, 1)).rejects.toMatchObject({ code: 'timed_out' });
  });

  it('ends at once when it is aborted: while it waits for an answer, and while it waits for a retry', async () => {
    const stuck = await serve(() => undefined, systemClock, 60_000);
    const failing = await serve((_, response) => {
      response.statusCode = 429;
      response.setHeader('retry-after', '3600').end('{}');
    }, systemClock);
    for (const client of [stuck, failing]) {
      const abort = new AbortController();
      const answer = client.get('/v1/charges', abort.signal);
      setTimeout(() => abort.abort(new Error('stop')), 100);
      const from = Date.now();
      await expect(answer).rejects.toThrow('stop');
      expect(Date.now() - from).toBeLessThan(2000);
    }
  });

  it('takes no answer that is larger than the limit, and does not ask for it again', async () => {
    let count = 0;
    const client = await serve((_, response) => {
      count++;
      response.end(Buffer.alloc(RESPONSE_BYTES_MAX + 1, ' '));
    });
    const answer = client.get('/v1/charges', never);
    await expect(answer).rejects.toMatchObject({ code: 'response_invalid', message: expect.stringMatching(/64 MiB/) });
    expect(count).toBe(1);
  });

  it('says which variables name a proxy that is none, without their values', async () => {
    vi.stubEnv('https_proxy', 'not:a:proxy secretsecret');
    const options = { apiKey, apiVersion: '2026-10-28.endive', baseUrl: 'https://api.stripe.com', log: quietLog };
    const rest = { rateLimit: new RateLimit(10, hasty), clock: hasty, connections: 1, random: Math.random };
    const connect = () => new StripeClient({ ...options, ...rest });
    expect(connect).toThrow(
      expect.objectContaining({ code: 'config_invalid', text: expect.stringContaining('HTTPS_PROXY') }),
    );
    expect(connect).not.toThrow('secretsecret');
    vi.unstubAllEnvs();
  });

  it('has no secret in any of its errors', async () => {
    const client = await serve((_, response) => {
      response.statusCode = 401;
      response.end('{"error":{"message":"Invalid API Key provided"}}');
    });
    const error: Error = await client.get('/v1/charges', never).catch((e) => e);
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('secretsecret');
  });
});

describe('retryAfterMs', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    ['2', 2000],
    ['0', 0],
    ['0.5', 500],
    ['-3', 0],
    ['99999', 60_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Thu, 01 Jan 2026 23:00:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('takes %s as %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});
