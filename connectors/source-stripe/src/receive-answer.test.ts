import { getEventListeners, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BufferPool } from '@penstock/connector-sdk';
import fc from 'fast-check';
import { Agent } from 'undici';
import { expect, it } from 'vitest';
import { AnswerTimeoutError, receiveAnswer } from './receive-answer.ts';

const request = { path: '/', method: 'GET' } as const;

async function withServer(
  listener: RequestListener,
  work: (agent: Agent, origin: string) => Promise<void>,
): Promise<void> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ connections: 1 });
  try {
    await work(agent, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
  }
}

it('puts a body together from pieces of any size, of a length that was told before or not', async () => {
  let sent: { readonly pieces: readonly Uint8Array[]; readonly isLengthTold: boolean };
  const listener: RequestListener = async (_, response) => {
    const bytes = sent.pieces.reduce((sum, piece) => sum + piece.length, 0);
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.writeHead(402, sent.isLengthTold ? { 'content-length': bytes } : {});
    for (const piece of sent.pieces) await new Promise((resolve) => response.write(piece, resolve));
    response.end();
  };
  const pool = new BufferPool();
  await withServer(listener, async (agent, origin) => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 5 });
    const property = fc.asyncProperty(pieces, fc.boolean(), fc.boolean(), async (parts, isLengthTold, isPooled) => {
      sent = { pieces: parts, isLengthTold };
      const heads: number[] = [];
      const answer = await receiveAnswer(
        agent,
        { ...request, origin },
        {
          signal: new AbortController().signal,
          timeoutMs: 5000,
          onHead: (status) => heads.push(status),
          pool: isPooled ? pool : undefined,
        },
      );
      expect(answer.body).toEqual(Buffer.concat(parts));
      expect([answer.status, heads]).toEqual([402, [402]]);
      pool.giveBack(answer.body);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});

it('ends at once when it is aborted or too late, before it is sent, while it waits and in the middle of the body', async () => {
  const listener: RequestListener = (incoming, response) => {
    if (incoming.url === '/half') response.writeHead(200, { 'content-length': 10 }).write('half');
  };
  await withServer(listener, async (agent, origin) => {
    const abort = new AbortController();
    const receive = (path: string, timeoutMs: number, signal: AbortSignal): Promise<unknown> =>
      receiveAnswer(agent, { ...request, path, origin }, { signal, timeoutMs, onHead: () => undefined });
    const never = new AbortController().signal;
    for (const path of ['/half', '/never']) await expect(receive(path, 50, never)).rejects.toThrow(AnswerTimeoutError);
    // With one connection, the second request waits for the first.
    const all = ['/half', '/never', '/never'].map((path) => receive(path, 5000, abort.signal));
    const reasons = Promise.allSettled(all);
    setTimeout(() => abort.abort(new Error('asked to stop')), 50);
    for (const one of await reasons) expect(one).toMatchObject({ reason: { message: 'asked to stop' } });
    await expect(receive('/half', 5000, abort.signal)).rejects.toThrow('asked to stop');
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });
});
