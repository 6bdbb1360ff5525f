import type { Readable, Writable } from 'node:stream';
import type { ConnectorEnd } from './connector-end.ts';
import type { StderrLines } from './stderr-lines.ts';

/** How long a connector may take until it says its first word. */
export const CONNECTOR_START_TIMEOUT_MS = 60_000;

/** How long a connector that was asked to stop may take before it is killed. */
export const GRACEFUL_STOP_TIMEOUT_MS = 30_000;

/** How long `check`, `discover`, `setup` and `teardown` may take: they ask another system. */
export const CONNECTOR_ANSWER_TIMEOUT_MS = 300_000;

/** The commands of the protocol that the engine uses. */
export type ConnectorCommand = 'spec' | 'check' | 'discover' | 'read' | 'write' | 'setup' | 'teardown';

/** What a connector is asked to do. The values become files that only the connector can read, never arguments (P7). */
export interface LaunchRequest {
  readonly command: ConnectorCommand;
  /** All references to the environment resolved; see `configForFile`. */
  readonly config?: unknown;
  readonly catalog?: unknown;
  readonly state?: unknown;
  /** Values that must not be shown: they are taken out of its stderr. */
  readonly secrets?: readonly string[];
  /** Told each line of its stderr, as {@link StderrLines} gives them, where the launcher can see it. */
  readonly onStderr?: (line: string) => void;
  /** Aborted when it is not to begin any more: for a launcher that has to wait for somebody else. */
  readonly signal?: AbortSignal;
  /** How long such a launcher waits. */
  readonly startTimeoutMs?: number;
}

/** A connector at work. */
export interface RunningConnector {
  /** `source/stripe`, for messages. */
  readonly name: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when the process is gone and everything it wrote has been read. Never rejects. */
  readonly ended: Promise<ConnectorEnd>;
  /** The last of what it wrote on stderr. */
  stderrTail(): string;
  /** Asks it to stop (SIGTERM), and kills it when it hasn't within `graceMs`. Again: nothing, unless the grace is shorter. */
  stop(graceMs: number): void;
  /** Ends it and whatever it has started, at once. */
  kill(): void;
}

/** Who is told, and who may give up, while a connector is made ready. */
export interface PrepareOptions {
  /** Told what takes time, in a sentence for the user. */
  readonly onNote?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A connector that can be started any number of times. There is one implementation for each way of running it. */
export interface Connector {
  /** `source/stripe`, for messages. */
  readonly name: string;
  /** Set for one that doesn't see the files of this machine: it is given what stands in them. */
  readonly isElsewhere?: {
    /** Whether its `localhost` is another than this machine's. */
    readonly hasOwnLocalhost: boolean;
  };
  /**
   * Gets what every launch needs, which can take minutes: an image. Without it the first launch does.
   *
   * @throws CodedError when it can't be had
   */
  prepare?(options: PrepareOptions): Promise<void>;
  /** Never rejects for a program that can't be started: then `ended` says so. */
  launch(request: LaunchRequest): Promise<RunningConnector>;
  /**
   * Lets a connector go that somebody else has started and that waits to be told what to do, when it was not launched to
   * read or write. Never rejects.
   *
   * @param nothingToDo whether that is because all is done; then it ends with 0
   */
  release?(nothingToDo: boolean): Promise<void>;
}
