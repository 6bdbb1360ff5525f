import type { Client } from 'pg';

/** How long the server may take to close a connection that it was told goodbye on, in milliseconds. */
const goodbyeMs = 2000;

/**
 * Breaks a connection off without a word. What runs on it fails with `reason`.
 *
 * @param reason without it, as when the server had closed it
 */
export function breakOff(client: Client, reason?: Error): void {
  socketOf(client)?.destroy(reason);
}

/** Ends a connection; an open transaction is rolled back by the server. Doesn't wait for a server that stands still. */
export async function hangUp(client: Client): Promise<void> {
  const timer = setTimeout(() => breakOff(client), goodbyeMs);
  await client.end().catch(() => {});
  clearTimeout(timer);
}

/** Bytes that went through a connection, both ways: what stands still while nothing happens. */
export function bytesMoved(client: Client): number {
  const socket = socketOf(client);
  return socket ? socket.bytesRead + socket.bytesWritten : 0;
}

/** Whether a statement runs on a connection. */
export function isBusy(client: Client): boolean {
  return (client as Client & { readyForQuery?: boolean | null }).readyForQuery === false;
}

type Socket = { readonly bytesRead: number; readonly bytesWritten: number; destroy(reason?: Error): void };

/** The `pg` package names neither in its types; both are what it works with. */
function socketOf(client: Client): Socket | undefined {
  return (client as unknown as { connection?: { stream: Socket } }).connection?.stream;
}

/** The number of the server's process; behind a pooler a number of the pooler's. */
export function processIdOf(client: Client): number | undefined {
  return (client as Client & { processID?: number | null }).processID ?? undefined;
}
