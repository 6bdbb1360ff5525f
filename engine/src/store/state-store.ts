import type { SyncState } from '@penstock/protocol';
import type { RunEnd, RunRecord } from './run-history.ts';

/** Who works on a pipeline. */
export interface LeaseHolder {
  readonly host: string;
  readonly pid: number;
  /** ISO 8601 in UTC. */
  readonly since: string;
}

/** A pipeline that has state. */
export interface PipelineSummary {
  readonly pipeline: string;
  /** When state was saved last, ISO 8601 in UTC. */
  readonly updatedAt: string;
  /** Streams that have source state. */
  readonly streamCount: number;
  /** The engine that works on it now. */
  readonly holder?: LeaseHolder;
}

/**
 * Keeps the state of pipelines between runs. Never holds a secret (P7).
 *
 * Every call may throw CodedError: `state_store_unreachable` (the store can't be read or written; the message says which
 * one, without its password), `state_invalid` (what is there is no state; it names where), and `config_invalid`,
 * `credentials_refused` or `permission_missing` when it can't work as it is set up.
 */
export interface StateStore {
  /** Which store it is, for messages, for example `Postgres localhost:5432/app, schema "penstock"`. Holds no password. */
  readonly place: string;
  /** What is kept of a pipeline, or undefined. Needs no lease. */
  load(pipeline: string): Promise<SyncState | undefined>;
  /**
   * Takes the lease on a pipeline and loads its state.
   *
   * @throws CodedError `lease_held` when another engine works on it: who, and since when
   */
  open(pipeline: string): Promise<StateSession>;
  /** The pipelines that have state, by name. */
  list(): Promise<PipelineSummary[]>;
  /**
   * Forgets the state of a pipeline. Works on state that is not valid any more.
   *
   * @returns whether there was any
   * @throws CodedError `lease_held` while an engine works on it
   */
  reset(pipeline: string): Promise<boolean>;
  /**
   * Forgets the state of some streams, and how far the last run had come with them. What belongs to no stream stays.
   *
   * @returns those of which there was any
   * @throws CodedError `lease_held` while an engine works on it
   */
  resetStreams(pipeline: string, streams: readonly string[]): Promise<string[]>;
  /**
   * Puts a state in the place of whatever is there, valid or not: all of it or nothing.
   *
   * @throws CodedError `lease_held` while an engine works on it
   */
  replace(pipeline: string, state: SyncState): Promise<void>;
  /**
   * The last calls of `sync` of a pipeline, the newest first.
   *
   * @throws CodedError `config_invalid` where they are not kept
   */
  runs(pipeline: string, limit: number): Promise<RunRecord[]>;
  /** Ends connections. Sessions are closed first. */
  close(): Promise<void>;
}

/** The right to write the state of one pipeline, for as long as it is open. */
export interface StateSession {
  /** The state when the session was opened. */
  readonly previous: SyncState | undefined;
  /**
   * Saves a state. Only what changed since the state before is written, told by identity: states are immutable. While one
   * save is under way later ones wait, and only the newest of them is written.
   *
   * @returns when this state, or a newer one, is on disk
   * @throws CodedError `lease_held` when another engine has taken over, `state_store_unreachable` after the last retry.
   *   The session is over then: every later call throws the same.
   */
  save(state: SyncState): Promise<void>;
  /** Aborts, with the CodedError as its reason, when nothing can be saved any more. The run should stop then. */
  readonly lost: AbortSignal;
  /** Notes that a call of `sync` has begun, where that is kept; once in a session. @throws CodedError as {@link save} */
  beginRun(runId: string): Promise<void>;
  /** Notes how it ended. Never throws: what is missing then is found out by the next one. */
  endRun(end: RunEnd): Promise<void>;
  /** Waits for saves under way and gives the lease back. Never throws. */
  close(): Promise<void>;
}
