import { ConnectorError } from '@penstock/connector-sdk';
import type { Dispatcher } from 'undici';
import Agent from 'undici/lib/dispatcher/agent.js';
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js';

/** Largest answer that is taken (64 MiB): a page of 100 objects is far below 10. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

function isLoopback(baseUrl: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(baseUrl).hostname);
}

/**
 * Connections to the API, through the proxy of the environment where there is one.
 *
 * @param connections at once
 * @throws ConnectorError `config_invalid` for a proxy that is not a URL
 */
export function dispatcherFor(baseUrl: string, connections: number): Dispatcher {
  // One request a connection, so HTTP/2 would bring nothing.
  const agent = { connections, pipelining: 1, maxResponseSize: RESPONSE_BYTES_MAX, allowH2: false };
  if (isLoopback(baseUrl)) return new Agent(agent);
  try {
    return new EnvHttpProxyAgent(agent);
  } catch (cause) {
    // Its value may hold a password.
    const message = 'The environment names a proxy that is not a URL.';
    throw new ConnectorError('config_invalid', { message, remedy: 'Correct HTTP_PROXY and HTTPS_PROXY.', cause });
  }
}
