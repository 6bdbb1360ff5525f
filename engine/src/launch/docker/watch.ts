import type { IncomingMessage } from 'node:http';
import type Docker from 'dockerode';
import { openStream } from './client.ts';

/**
 * Resolves with the exit code when a container has ended and was removed with its volumes. Call it before the start.
 *
 * Not `container.wait`: when the Engine dies in the middle of its answer, that never settles.
 *
 * @returns once the Engine watches, what it will say; that rejects when the connection breaks
 */
export async function watchRemoval(docker: Docker, id: string): Promise<{ readonly removed: Promise<number> }> {
  const response = await openStream<IncomingMessage>(docker, {
    path: `/containers/${id}/wait?`,
    method: 'POST',
    options: { _query: { condition: 'removed' }, _body: {} },
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
  });
  const removed = new Promise<number>((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the connection was cut')));
    response.on('end', () => {
      try {
        resolve((JSON.parse(Buffer.concat(chunks).toString()) as { StatusCode: number }).StatusCode);
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  // Whoever waits for it may come later.
  removed.catch(() => undefined);
  return { removed };
}

/** How long the news of a container's end may be late, in milliseconds. */
const LATE_NEWS_MS = 2_000;

/** What Docker tells of a container while it lives. */
export interface ContainerNews {
  /** Whether something in it was killed because it ran out of memory. Ask when it has ended. */
  ranOutOfMemory(): Promise<boolean>;
  stop(): void;
}

/** Listens to what happens to a container: how it was killed is not in its exit code, and later it can't be asked any more. */
export async function listenForNews(docker: Docker, id: string): Promise<ContainerNews> {
  const filters = JSON.stringify({ container: [id], event: ['oom', 'destroy'] });
  const stream = await openStream<IncomingMessage>(docker, {
    path: '/events?',
    method: 'GET',
    options: { filters },
    statusCodes: { 200: true, 500: 'server error' },
  });
  let ranOut = false;
  let line = '';
  const isOver = new Promise<void>((resolve) => {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (line + text).split('\n');
      line = lines.pop()!;
      for (const event of lines) {
        if (/"(?:Action|status)":"oom"/.test(event)) ranOut = true;
        if (/"(?:Action|status)":"destroy"/.test(event)) resolve();
      }
    });
    stream.on('error', () => resolve());
    stream.on('close', () => resolve());
  });
  return {
    ranOutOfMemory: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LATE_NEWS_MS);
      });
      await Promise.race([isOver, late]);
      clearTimeout(timer);
      return ranOut;
    },
    stop: () => stream.destroy(),
  };
}
