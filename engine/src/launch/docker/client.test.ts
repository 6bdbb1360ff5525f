import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectDocker, openStream } from './client.ts';
import { dockerError } from './docker-error.ts';

const LIMIT_MS = 100;
const call = { method: 'GET', options: {}, statusCodes: { 200: true } };
let server: Server;
let docker: Docker;
let finish: () => void;
beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/silent') return;
    response.write('first ');
    finish = () => void response.end('last');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  docker = connectDocker({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, protocol: 'http' });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it('a call that Docker never answers fails after its time, which is said', async () => {
  const opened = openStream(docker, { ...call, path: '/silent' }, LIMIT_MS);
  const error = await opened.catch((thrown: unknown) => dockerError('source/a', 'here', thrown));
  expect(error).toMatchObject({ code: 'unreachable' });
  expect((error as Error).message).toBe('source/a: Docker at here has not answered in time.');
});

it('an answer that has begun in time may last longer', async () => {
  const answer = await openStream<IncomingMessage>(docker, { ...call, path: '/events' }, LIMIT_MS);
  await sleep(2 * LIMIT_MS);
  finish();
  expect(await text(answer)).toBe('first last');
});
