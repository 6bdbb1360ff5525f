import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import { breakOff, bytesMoved, hangUp, isBusy, processIdOf } from '@penstock/postgres-connection';
import type { Config } from '../config.ts';
import { connect } from './connection.ts';
import { classify, isFromServer, reasonOf } from './postgres-error.ts';
import type { Session } from './session.ts';

/** Between two looks at a process of the server that seems to have nothing to do, in milliseconds: an answer may be on its way. */
const secondLookMsMax = 500;

/**
 * Watches a connection while statements run on it. Where nothing moves for `silence_seconds_max`, the server is asked over
 * another connection. While it works (on a large index, behind a lock) that is logged, and waited for without a limit: Postgres
 * has its own (`statement_timeout`, `lock_timeout`). Where it knows nothing of the statement any more, or doesn't answer,
 * the connection is broken off, and the statement fails as with any lost connection.
 *
 * @returns ends the watch
 */
export function watchSession(session: Session, config: Config, log: ConnectorLog): () => void {
  const silenceMs = config.limits.silence_seconds_max * 1000;
  const ended = new AbortController();
  session.once('end', () => ended.abort());
  let moved = -1;
  let silentLooks = 0;
  const look = async () => {
    const isSilent = isBusy(session) && bytesMoved(session) === moved;
    moved = bytesMoved(session);
    silentLooks = isSilent ? silentLooks + 1 : 0;
    if (isSilent) {
      const finding = await askAbout(session, config);
      if (ended.signal.aborted || bytesMoved(session) !== moved) return;
      if (finding.isLost) breakOff(session, Object.assign(new Error(finding.text), { code: 'ETIMEDOUT' }));
      // Said after one period, two, four, …: seldom enough for hours.
      else if ((silentLooks & (silentLooks - 1)) === 0)
        log.warn(
          `Postgres has been working on one statement for ${Math.round((silentLooks * silenceMs) / 1000)} s: ${finding.text}.`,
        );
    }
  };
  void (async () => {
    while (!ended.signal.aborted) {
      await delay(silenceMs, undefined, { ref: false, signal: ended.signal });
      await look();
    }
  })().catch((error: unknown) => {
    if (!ended.signal.aborted) breakOff(session, error as Error);
  });
  return () => ended.abort();
}

type Finding = { readonly isLost: boolean; readonly text: string };

/** What the server says of the process behind a connection. Takes no longer than connecting may. */
async function askAbout(session: Session, config: Config): Promise<Finding> {
  const silence = `nothing came from Postgres for ${config.limits.silence_seconds_max} s`;
  const timer = new AbortController();
  try {
    const other = await connect(config);
    // It connected, and stands still now.
    void delay(config.limits.connect_seconds_max * 1000, undefined, { ref: false, signal: timer.signal }).then(
      () => breakOff(other, new Error('timeout expired')),
      () => {},
    );
    try {
      // Behind a pooler nobody knows which process it is.
      if (session.isPooled) return { isLost: false, text: 'it takes connections' };
      const first = await lookAt(other, processIdOf(session));
      if (first?.isWorking) return { isLost: false, text: first.text };
      await delay(Math.min(secondLookMsMax, config.limits.silence_seconds_max * 1000));
      const second = await lookAt(other, processIdOf(session));
      if (second?.isWorking) return { isLost: false, text: second.text };
      return {
        isLost: true,
        text: `${silence}, and it ${second ? 'waits for us' : 'no longer knows this connection'}`,
      };
    } finally {
      await hangUp(other);
    }
  } catch (error) {
    const cause = error instanceof ConnectorError ? error.cause : error;
    // It answers, if only to say that there are too many.
    if (isFromServer(cause) && classify(cause) !== 'connection') return { isLost: false, text: reasonOf(error) };
    return { isLost: true, text: `${silence}, and it can't be asked: ${reasonOf(error)}` };
  } finally {
    timer.abort();
  }
}

async function lookAt(other: Session, pid: number | undefined) {
  const { rows } = await other.query<{ is_working: boolean; wait: string | null; blockers: number[] }>(
    `select state = 'active' and coalesce(wait_event not in ('ClientRead', 'ClientWrite'), true) as is_working,
       nullif(concat_ws(' ', wait_event_type, wait_event), '') as wait, pg_blocking_pids(pid) as blockers
     from pg_stat_activity where pid = $1`,
    [pid],
  );
  const [row] = rows;
  if (!row) return undefined;
  const by = row.blockers.length > 0 ? `, held by process ${row.blockers.join(', ')}` : '';
  return { isWorking: row.is_working, text: row.wait === null ? 'it is at work' : `it waits for ${row.wait}${by}` };
}
