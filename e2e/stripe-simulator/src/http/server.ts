import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { handleAdmin } from '../admin/admin.ts';
import { RequestCounts } from '../admin/request-counts.ts';
import { fateOf, isUnder } from '../faults.ts';
import type { ChangeSchedule } from '../schedule.ts';
import { apiVersion, type Simulator } from '../simulator.ts';
import type { TextWriter } from '../text-writer.ts';
import { countedPath, writeAnswer } from './api.ts';
import { authenticate } from './authenticate.ts';
import { writeIndented } from './pretty.ts';
import { TokenBucket } from './rate-limit.ts';
import { internalError, permissionMissing, productNotEnabled, StripeError, tooManyRequests } from './stripe-error.ts';
import { answerWrite } from './write.ts';
import { WriterPool } from './writer-pool.ts';

// An import of node:http reads all that it exports, and with that loads Node's `fetch`: a tenth of a second for nothing.
const { createServer } = process.getBuiltinModule('node:http');

const garbage = Buffer.from(
  '<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>We will be right back</h1></body></html>\n',
);

/** Serves a simulator over HTTP. The server isn't listening yet. */
export function createSimulatorServer(simulator: Simulator, schedule: ChangeSchedule): Server {
  const counts = new RequestCounts();
  const writers = new WriterPool();
  let bucket = { limit: simulator.faults.rate_limit, tokens: bucketFor(simulator.faults.rate_limit) };
  let requestNumber = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    if (url.pathname.startsWith('/_admin/'))
      return handleAdmin({ simulator, schedule, counts }, url, request, response);
    const number = requestNumber++;
    counts.begin();
    response.once('close', () => counts.end());
    const path = countedPath(url.pathname);
    try {
      await answerApi(url, path, number, request, response);
    } catch (error) {
      if (!(error instanceof StripeError)) throw error;
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      const out = writers.take();
      out.text(JSON.stringify(error.body));
      sendJson(response, path, error.status, out, false);
    }
  }

  /** @throws StripeError for what isn't answered with 200 */
  async function answerApi(
    url: URL,
    path: string,
    number: number,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { faults } = simulator;
    if (bucket.limit !== faults.rate_limit) bucket = { limit: faults.rate_limit, tokens: bucketFor(faults.rate_limit) };
    // Numbered by request and not drawn: the same run gives the same bytes.
    response.setHeader('request-id', `req_sim${number.toString(36).padStart(11, '0')}`);
    response.setHeader('stripe-version', request.headers['stripe-version'] ?? apiVersion);
    const key = authenticate(request.headers.authorization, simulator.options.apiKey);
    // Before the delay: refusing costs Stripe nothing either.
    const retryAfterS = bucket.tokens.take(performance.now());
    if (retryAfterS > 0) throw tooManyRequests(faults.retry_after ? retryAfterS : undefined);
    const fate = fateOf(simulator.options.seed, number, faults);
    if (fate.delayMs > 0) await delay(fate.delayMs);
    if (fate.fails) throw internalError();
    const isWrite = request.method !== 'GET';
    if (isUnder(faults.forbidden, url.pathname)) throw permissionMissing(key, url.pathname, isWrite ? 'write' : 'read');
    if (isUnder(faults.not_enabled, url.pathname)) throw productNotEnabled(url.pathname);
    if (isUnder(faults.garbage, url.pathname)) return send(response, path, 200, 'text/html', garbage, false);
    const out = writers.take();
    if (isWrite) {
      out.text(await answerWrite(simulator, request, url.pathname));
      return sendJson(response, path, 200, out, fate.breaks);
    }
    const fill = writeAnswer(simulator, url, out);
    sendJson(response, path, 200, out, fate.breaks);
    if (fill && !fate.breaks) counts.addPage(path, fill);
  }

  /** @param out given back to the pool when the answer is out */
  function sendJson(response: ServerResponse, path: string, status: number, out: TextWriter, breaks: boolean): void {
    let answer = out;
    if (simulator.options.pretty) {
      answer = writers.take();
      writeIndented(out.written, answer);
      writers.give(out);
    }
    send(response, path, status, 'application/json', answer.written, breaks, () => writers.give(answer));
  }

  function send(
    response: ServerResponse,
    path: string,
    status: number,
    type: string,
    body: Buffer,
    breaks: boolean,
    whenOut?: () => void,
  ): void {
    counts.add(path, breaks ? 'reset' : status);
    response.setHeader('date', new Date(simulator.clock.nowMs()).toUTCString());
    response.writeHead(status, { 'content-type': type, 'content-length': body.length });
    if (!breaks) response.end(body, whenOut);
    // Destroyed only when the half is out: the client is to see an answer that ends too early, not none.
    else response.write(body.subarray(0, body.length >> 1), () => response.socket?.resetAndDestroy());
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  // A sync keeps its connections; closing idle ones after Node's five seconds would look like resets.
  server.keepAliveTimeout = 120_000;
  return server;
}

function bucketFor(limit: number | null): TokenBucket {
  return new TokenBucket(limit ?? Number.POSITIVE_INFINITY, performance.now());
}
