import { getEventListeners } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, type ConnectorLog, systemClock } from '@penstock/connector-sdk';
import { FakeClock } from '@penstock/connector-sdk/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RESPONSE_BYTES_MAX } from './dispatcher.ts';
import { RateLimit } from './rate-limit.ts';
import { StripeClient } from './stripe-client.ts';
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

async function serve(
  listener: RequestListener,
  clock: Clock = hasty,
  timeoutMs = 5000,
  rate = 10_000,
  log: ConnectorLog = quietLog,
): Promise<StripeClient> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const client = new StripeClient({
    apiKey,
    apiVersion: '2026-10-28.endive',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mount`,
    rateLimit: new RateLimit(rate, clock),
    clock,
    log,
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

  it('says of each retry how long it waits, which one it is and what the answer was; from the third on as a warning', async () => {
    let count = 0;
    const said: unknown[] = [];
    const say = (level: string) => (_text: string, detail?: { data?: unknown }) =>
      void said.push([level, detail?.data]);
    const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
    const answer: RequestListener = (request, response) => {
      count++;
      if (count === 2) request.socket.destroy();
      else response.writeHead([429, 0, 503][count - 1] ?? 200, count === 1 ? { 'retry-after': '3' } : {}).end('{}');
    };
    const client = await serve(answer, hasty, 5000, 10_000, log);
    await client.get('/v1/charges', never);
    expect(said).toEqual([
      ['debug', { retry_in_ms: 3000, attempt: 1, http_status: 429 }],
      ['debug', { retry_in_ms: expect.any(Number), attempt: 2 }],
      ['warn', { retry_in_ms: expect.any(Number), attempt: 3, http_status: 503 }],
    ]);
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

  it('waits until the time that Stripe says by its own clock, however wrong ours is', async () => {
    let count = 0;
    const client = await serve((_, response) => {
      response.setHeader('date', 'Wed, 01 Jan 2020 00:00:00 GMT');
      if (++count === 1) response.setHeader('retry-after', 'Wed, 01 Jan 2020 00:00:20 GMT').statusCode = 503;
      response.end('{}');
    });
    await client.get('/v1/charges', never);
    expect(hasty.slept).toContain(20_000);
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
    await expect(client.get('/v1/charges', never, { retriesMax: 1 })).rejects.toMatchObject({ code: 'timed_out' });
  });

  it('says that there was no answer in time where a body stalls in the middle, and tries again', async () => {
    let count = 0;
    const client = await serve(
      (_, response) => {
        if (++count === 2) response.end('{}');
        else response.setHeader('content-length', 100).write('{"data":');
      },
      hasty,
      100,
    );
    await client.get('/v1/charges', never);
    expect(count).toBe(2);
    count = 2;
    const stalled = client.get('/v1/charges', never, { retriesMax: 0 });
    await expect(stalled).rejects.toMatchObject({ code: 'timed_out', message: expect.stringMatching(/within 0.1 s/) });
  });

  it.each<[string, RequestListener]>([
    ['an answer', () => undefined],
    ['the rest of a body', (_, response) => response.setHeader('content-length', 100).write('{')],
    ['a retry', (_, response) => response.writeHead(503).end('{}')],
    ['the end of a pause', (_, response) => response.writeHead(429, { 'retry-after': '3600' }).end('{}')],
  ])('ends at once when it is aborted while it waits for %s', async (_, listener) => {
    const slow: Clock = { now: Date.now, sleep: (ms, signal) => systemClock.sleep(Math.max(60_000, ms), signal) };
    const client = await serve(listener, slow, 60_000);
    const abort = new AbortController();
    const answer = client.get('/v1/charges', abort.signal);
    setTimeout(() => abort.abort(new Error('stop')), 100);
    const from = Date.now();
    await expect(answer).rejects.toThrow('stop');
    expect(Date.now() - from).toBeLessThan(30_000);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  it('ends at once when it is aborted while it waits for a token, and for a connection', async () => {
    const oneToken = await serve(() => undefined, systemClock, 60_000, 0.01);
    const abort = new AbortController();
    const answers = [1, 2].map(() => oneToken.get('/v1/charges', abort.signal));
    const oneConnection = await serve(() => undefined, systemClock, 60_000);
    answers.push(...[1, 2, 3, 4, 5, 6].map(() => oneConnection.get('/v1/charges', abort.signal)));
    setTimeout(() => abort.abort(new Error('stop')), 100);
    const from = Date.now();
    const ends = await Promise.allSettled(answers);
    expect(ends.map((end) => (end as PromiseRejectedResult).reason?.message)).toEqual(new Array(8).fill('stop'));
    expect(Date.now() - from).toBeLessThan(30_000);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  it('leaves no listener with the signal of the run, over 10,000 requests', async () => {
    const client = await serve((_, response) => response.end('{}'));
    const { signal } = new AbortController();
    for (let i = 0; i < 10_000; i++) {
      await client.get('/v1/charges', signal);
      if (i % 1000 === 0) expect(getEventListeners(signal, 'abort').length).toBe(0);
    }
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });

  it('counts what it sent, what it tried again and what was too much', async () => {
    let count = 0;
    const client = await serve((_, response) => response.writeHead([429, 500, 200][count++] ?? 200).end('{}'));
    await client.get('/v1/charges', never);
    await client.get('/v1/charges', never);
    expect(client.counts).toEqual({ requests: 4, retries: 2, tooManyRequests: 1 });
  });

  it('measures how long requests take, without those that fail', async () => {
    let count = 0;
    const client = await serve((_, response) => {
      if (++count < 3) response.writeHead(500).end('{}');
      else setTimeout(() => response.end('{}'), 50);
    });
    expect(client.latencyMs).toBeUndefined();
    await client.get('/v1/charges', never);
    expect(client.latencyMs).toBeGreaterThanOrEqual(49);
    expect(client.latencyMs).toBeLessThan(1000);
  });

  it('uses a permit for one request, and has its token again where it was given back', async () => {
    const clock = new FakeClock();
    const client = await serve((_, response) => response.end('{}'), clock, 5000, 1);
    const permit = await client.whenAllowed(never);
    await client.get('/v1/charges', never, { permit });
    permit.giveBack();
    await expect(client.get('/v1/charges', never, { permit })).rejects.toThrow('was used before');
    const next = client.whenAllowed(never);
    clock.advance(1000);
    (await next).giveBack();
    await client.get('/v1/charges', never, { permit: await client.whenAllowed(never) });
    expect(client.counts.requests).toBe(2);
  });

  it('gives the token of a permit back where an abort comes before the request', async () => {
    const client = await serve((_, response) => response.end('{}'), new FakeClock(), 5000, 1);
    const permit = await client.whenAllowed(never);
    const aborted = AbortSignal.abort(new Error('stop'));
    await expect(client.get('/v1/charges', aborted, { permit })).rejects.toThrow('stop');
    await client.get('/v1/charges', never);
  });

  it('takes a token of its own for each retry of a request that came with a permit', async () => {
    let count = 0;
    const clock = new FakeClock({ autoAdvance: true });
    const listener: RequestListener = (_, response) => response.writeHead(++count < 3 ? 500 : 200).end('{}');
    const client = await serve(listener, clock, 5000, 0.01);
    const from = clock.now();
    await client.get('/v1/charges', never, { permit: await client.whenAllowed(never) });
    expect(clock.now() - from).toBeGreaterThanOrEqual(200_000);
  });

  it('posts a form under one idempotency key however often it tries, and another key for another request', async () => {
    const seen: { key: unknown; type: unknown; body: string }[] = [];
    const client = await serve(async (request, response) => {
      const { 'idempotency-key': key, 'content-type': type } = request.headers;
      seen.push({ key, type, body: (await request.toArray()).join('') });
      response.writeHead(seen.length % 2 === 1 ? 500 : 200).end('{}');
    });
    const form = { url: 'https://a.example/?b=c&d', 'enabled_events[]': '*' };
    await client.request({ method: 'POST', path: '/v1/webhook_endpoints', form }, never);
    await client.request({ method: 'POST', path: '/v1/webhook_endpoints', form }, never);
    expect(new Set(seen.map(({ body }) => body))).toEqual(
      new Set(['url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&enabled_events%5B%5D=*']),
    );
    expect(seen[0]?.type).toBe('application/x-www-form-urlencoded');
    expect(seen[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen[1]?.key).toBe(seen[0]?.key);
    expect(seen[2]?.key).not.toBe(seen[0]?.key);
  });

  it('names the method in the errors of a DELETE, and sends no idempotency key with it', async () => {
    let key: unknown;
    const client = await serve((request, response) => {
      key = request.headers['idempotency-key'];
      if (request.method === 'DELETE') response.writeHead(404).end('{"error":{"message":"No such endpoint"}}');
    });
    const gone = client.request({ method: 'DELETE', path: '/v1/webhook_endpoints/we_1' }, never);
    await expect(gone).rejects.toThrow('DELETE /v1/webhook_endpoints/we_1 answered No such endpoint (HTTP 404).');
    expect(key).toBeUndefined();
  });

  it('takes no answer that is larger than the limit, and does not ask for it again', async () => {
    let count = 0;
    const listener: RequestListener = (_, response) => {
      count++;
      response.end(Buffer.alloc(RESPONSE_BYTES_MAX + 1, ' '));
    };
    // So much takes its time on a busy machine.
    const client = await serve(listener, hasty, 60_000);
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
