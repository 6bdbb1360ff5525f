import type {
  ConfiguredCatalog,
  ControlPayload,
  DestinationMessage,
  DestinationSyncMode,
  SourceStateMessage,
  StreamStatusMessage,
} from '@penstock/protocol';
import type * as z from 'zod';
import type { ConnectorError } from './connector-error.ts';
import type { ConnectorLog } from './connector-log.ts';

/**
 * One record, its `data` as the bytes that came in: a part of what one read of stdin brought (64 KiB as a rule), not a
 * copy. Whoever keeps it after asking for the next items keeps all of that in memory; copy what is to be kept (P4).
 */
export interface InputRecord {
  readonly kind: 'record';
  /** In the catalog: records of other streams don't get this far. */
  readonly stream: string;
  /** The JSON object as it was written. Not parsed: it may turn out not to be JSON (then see `line`). */
  readonly data: Buffer;
  /**
   * The whole line, without its newline. A line can look canonical and not be; `parseRecordLine(line)` tells, and has to be
   * asked before a record is called bad.
   */
  readonly line: Buffer;
  /** The number of the line in the input, from 1, for messages. */
  readonly lineNumber: number;
}

/** A checkpoint that must leave only after every record of its stream (global: of all streams) before it is committed. */
export interface InputCheckpoint {
  readonly kind: 'checkpoint';
  readonly message: SourceStateMessage;
}

/** A status of the source, to be passed on in the order of its stream. */
export interface InputStatus {
  readonly kind: 'status';
  readonly message: StreamStatusMessage;
}

/**
 * The stream can't be trusted any more (records were lost on the way): it has to end with this error. Nothing else is given
 * of it from then on, and no global checkpoint.
 */
export interface InputFailure {
  readonly kind: 'failure';
  readonly stream: string;
  readonly error: ConnectorError;
}

/** One thing that `write` is given. */
export type InputItem = InputRecord | InputCheckpoint | InputStatus | InputFailure;

/** What every command of a destination gets. */
export interface DestinationContext<Config> {
  /** Checked against the connector's schema, defaults filled in, `…_file` keys and `${ENV}` resolved. */
  readonly config: Config;
  /** Aborted when the program is asked to stop for good (a second signal). A first one only ends the input. */
  readonly signal: AbortSignal;
  readonly log: ConnectorLog;
}

/** What `write` gets. */
export interface WriteContext<Config> extends DestinationContext<Config> {
  readonly catalog: ConfiguredCatalog;
  /**
   * What came in, some items at a time: as many as one read of stdin brought. Nothing more is read until the next array is
   * asked for (P4). Ends when the source is done, and also when the input was lost: then what was received is to be
   * committed and the checkpoints that this covers released.
   */
  readonly input: AsyncIterable<readonly InputItem[]>;
  /**
   * Aborted at the first request to stop, which ends the input. What was received is to be committed if that can be done now;
   * it is not the time to wait until the other side is well again.
   */
  readonly stopRequested: AbortSignal;
}

/**
 * A destination. The program around it comes from `runConnector`, which also passes `log` messages through, answers
 * records of unknown streams, and checks each checkpoint's `record_count`.
 */
export interface Destination<ConfigSchema extends z.ZodObject = z.ZodObject> {
  /** As in the image name: `postgres` for `destination-postgres`. */
  readonly name: string;
  readonly version: string;
  /** One line for `--help`. */
  readonly description: string;
  /** Strict; secret keys carry `.meta({ secret: true })`; every key has a `.describe(…)`. */
  readonly config: ConfigSchema;
  readonly syncModes: readonly DestinationSyncMode[];

  /** Returns when the connection works and everything that `write` needs is allowed. @returns what to tell the user */
  check(context: DestinationContext<z.output<ConfigSchema>>): Promise<string | undefined>;
  /** Yields what PROTOCOL's order allows, as soon as it does. A trouble of one stream is a `stream_status: error` (P5). */
  write(context: WriteContext<z.output<ConfigSchema>>): AsyncIterable<DestinationMessage>;
  /** Prepares the other side. @returns the resolved config when it changed: the whole of it */
  setup?(
    context: DestinationContext<z.output<ConfigSchema>> & { readonly catalog?: ConfiguredCatalog },
  ): Promise<ControlPayload | undefined>;
  /** Takes back what `setup` and `write` made, and nothing else. */
  teardown?(
    context: DestinationContext<z.output<ConfigSchema>> & { readonly catalog?: ConfiguredCatalog },
  ): Promise<void>;
}
