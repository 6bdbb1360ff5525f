import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError } from '@penstock/protocol';
import type { MetricsSettings } from '../pipeline/metrics-settings.ts';
import type { MetricsText } from './metrics-text.ts';

/** Who scrapes comes alone; more is a mistake or no friend (P4). */
const CONNECTIONS_MAX = 50;

const PLAIN = 'text/plain; charset=utf-8';

/** An endpoint that answers. It neither keeps this process alive nor ends it. */
export interface MetricsServer {
  /** Of the metrics, with the port that it got. */
  readonly url: string;
  /** Drops all connections. */
  close(): Promise<void>;
}

/**
 * Serves `/metrics` and `/healthz`.
 *
 * @param onError told what goes wrong once it listens
 * @throws CodedError `port_in_use`, or `config_invalid` when it can't listen there
 */
export async function startMetricsServer(
  { port, host }: MetricsSettings,
  text: MetricsText,
  onError: (error: Error) => void,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(request, response, text).catch((error: Error) => {
      onError(error);
      if (!response.headersSent) response.writeHead(500, { 'content-type': PLAIN });
      response.end('The metrics could not be written.\n');
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket) => socket.unref());
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, host, port);
  }
  server.unref();
  server.on('error', onError);
  const given = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${given}/metrics`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer({ method, url = '/' }: IncomingMessage, response: ServerResponse, text: MetricsText) {
  const [path] = url.split('?');
  if (path !== '/metrics' && path !== '/healthz') {
    response.writeHead(404, { 'content-type': PLAIN }).end('There is /metrics and /healthz.\n');
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { 'content-type': PLAIN, allow: 'GET, HEAD' }).end();
  } else if (path === '/healthz') {
    response.writeHead(200, { 'content-type': PLAIN }).end('ok\n');
  } else {
    const body = await text.render();
    response.writeHead(200, { 'content-type': text.contentType, 'content-length': Buffer.byteLength(body) }).end(body);
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): CodedError {
  const what = `Metrics can't be served on port ${port} of ${host}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new CodedError('port_in_use', { message: `${what}: another program listens there.`, cause });
    case 'EACCES':
      return new CodedError('config_invalid', {
        message: `${what}: this user may not listen on it.`,
        remedy: 'Take a port from 1024 on, for example 9464.',
        cause,
      });
    default:
      return new CodedError('config_invalid', {
        message: `${what}: ${cause.code ?? cause.message}.`,
        remedy: 'Take an address of this machine, 127.0.0.1, or 0.0.0.0 for all of them.',
        cause,
      });
  }
}
