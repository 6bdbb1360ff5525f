import type { ChildProcess } from 'node:child_process';

/** How a connector's process or container ended. */
export type ConnectorEnd =
  | { readonly kind: 'never_started'; readonly cause: Error }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  /** Killed by the kernel, because it or its machine had no memory left. */
  | { readonly kind: 'out_of_memory'; readonly limitBytes?: number }
  /** What runs it can't be reached any more: nobody knows how it ends. */
  | { readonly kind: 'lost'; readonly cause: Error }
  /** Its output ended. More can't be known of a process that somebody else has started. */
  | { readonly kind: 'closed' };

/**
 * Every way a child can end, as one value. Call it in the tick of `spawn`. Resolves when the process is gone and its
 * stdout and stderr have been read to their ends; never rejects.
 */
export function whenEnded(child: ChildProcess): Promise<ConnectorEnd> {
  return new Promise((resolve) => {
    // Stays attached: a kill that fails later is an 'error' event too, and one without a listener stops the engine.
    child.on('error', (cause) => {
      if (child.pid === undefined) resolve({ kind: 'never_started', cause });
    });
    // 'close' and not 'exit': after 'exit' there can still be bytes in the pipes.
    child.once('close', (code, signal) => {
      if (signal !== null) resolve({ kind: 'killed', signal });
      else if (code !== null && code >= 0) resolve({ kind: 'exited', code });
    });
  });
}

/** The end in words, to follow a connector's name: `ended with exit code 3`. */
export function describeEnd(end: ConnectorEnd): string {
  switch (end.kind) {
    case 'never_started':
      return `could not be started (${end.cause.message})`;
    case 'exited':
      return `ended with exit code ${end.code}`;
    case 'killed':
      return `was killed by ${end.signal}`;
    case 'out_of_memory': {
      const limit = end.limitBytes === undefined ? '' : ` (limit ${+(end.limitBytes / 1024 ** 2).toFixed(1)} MiB)`;
      return `was killed: out of memory${limit}`;
    }
    case 'lost':
      return `was lost (${end.cause.message})`;
    case 'closed':
      return 'closed its output before its work was done; the log of its container says why';
  }
}
