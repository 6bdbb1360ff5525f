import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/**
 * Runs Postgres and stops it when stdin ends. Stdin is a pipe to the starting process, so the server ends with it
 * however that ends, SIGKILL included. A shell and not a Node program, because the Node binary may lie where the server's
 * user can't read it. `read` is built in: the watcher leaves no process behind.
 *
 * Arguments: log file, folder to remove at the end (or nothing), program and its arguments. A server that failed keeps its
 * folder, because its log says why; the starting process removes it then.
 */
const script = `
log=$1 remove=$2; shift 2
trap '' INT HUP
code=0
exec 3<&0 </dev/null
"$@" >"$log" 2>&1 3<&- &
pid=$!
trap 'kill -INT $pid' TERM
{
  while read -r line; do :; done <&3
  kill -INT $pid
  i=0
  while [ $i -lt 200 ] && kill -0 $pid; do i=$((i+1)); sleep 0.1; done
  kill -QUIT $pid
} 2>/dev/null &
watcher=$!
exec 3<&-
while kill -0 $pid 2>/dev/null; do wait $pid; code=$?; done
kill $watcher 2>/dev/null
[ -z "$remove" ] || [ $code -ne 0 ] || rm -rf "$remove"
exit $code
`;

/** A running server process. */
export type Supervised = {
  /** True once the server and its supervisor are gone. */
  readonly ended: () => boolean;
  /** Stops the server (Postgres's fast shutdown) and waits until it is gone. Harmless when it already is. */
  readonly stop: () => Promise<void>;
};

/** What to run, as whom, and what to clean up. */
export type SuperviseOptions = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** A folder to remove once the server has ended. */
  readonly removeAtEnd?: string;
  readonly user?: UnprivilegedUser | undefined;
};

/** Starts Postgres under its supervisor. Keeps neither this process alive nor itself alive after it. */
export function supervise({ command, cwd, logFile, removeAtEnd = '', user }: SuperviseOptions): Supervised {
  const child = spawn('/bin/sh', ['-c', script, 'penstock-postgres', logFile, removeAtEnd, ...command], {
    cwd,
    stdio: ['pipe', 'ignore', 'ignore'],
    // A session of its own: Ctrl-C on the terminal must reach the sync, which still needs its server.
    detached: true,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  let ended = false;
  const closed = once(child, 'close').then(
    () => {},
    () => {},
  );
  void closed.then(() => {
    ended = true;
  });
  child.stdin.on('error', () => {}); // EPIPE when the server ended first
  child.unref();
  return {
    ended: () => ended,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await closed;
      if (removeAtEnd) await rm(removeAtEnd, { recursive: true, force: true });
    },
  };
}
