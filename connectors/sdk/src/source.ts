import type { Catalog, ConfiguredCatalog, ControlPayload, SourceMessage, SourceStateSet } from '@penstock/protocol';
import type * as z from 'zod';
import type { ConnectorLog } from './connector-log.ts';

/**
 * Many records of one stream whose `data` is JSON text already: it goes out as it is, never parsed and never rewritten
 * (P9). Each item is one JSON object without a line break outside of strings, which JSON allows only as white space. The items
 * are copied: their memory belongs to the source again when it is asked for the next item.
 */
export interface RecordBatch {
  readonly type: 'record_batch';
  readonly stream: string;
  /** ISO 8601 in UTC, for all of them. */
  readonly emitted_at: string;
  readonly data: readonly (Buffer | string)[];
}

/** What `read` may yield. `record_count` of a checkpoint is filled in from what went out before it. */
export type SourceOutput = SourceMessage | RecordBatch;

/** What every command of a source gets. */
export interface SourceContext<Config> {
  /** Checked against the connector's schema, defaults filled in, `…_file` keys and `${ENV}` resolved. */
  readonly config: Config;
  /** Aborted when the program is asked to stop. Requests and waits end at once then. */
  readonly signal: AbortSignal;
  readonly log: ConnectorLog;
}

/** What `read` gets. */
export interface ReadContext<Config> extends SourceContext<Config> {
  readonly catalog: ConfiguredCatalog;
  /** From earlier runs; each stream's part was checked against `streamState`. Empty on a first run. */
  readonly state: SourceStateSet;
  /** What came in through `--source-input`, checked against `sourceInput`; undefined without that flag. */
  readonly input: AsyncIterable<unknown> | undefined;
}

/**
 * A source. The program around it (command line, files, stdio, signals, exit codes, secrets) comes from `runConnector`.
 *
 * Every method may throw a `ConnectorError`: it becomes one `connection_status: failed`, a line on stderr and the exit code
 * of its error code. A trouble of one stream is no exception but a `stream_status: error` (P5).
 */
export interface Source<ConfigSchema extends z.ZodObject = z.ZodObject> {
  /** As in the image name: `stripe` for `source-stripe`. */
  readonly name: string;
  readonly version: string;
  /** One line for `--help`. */
  readonly description: string;
  /** Strict; secret keys carry `.meta({ secret: true })`; every key has a `.describe(…)`. */
  readonly config: ConfigSchema;
  /** Schema of one stream's state; state that doesn't fit is refused with the reason. */
  readonly streamState?: z.ZodType;
  /** Schema of what `--source-input` may hold. */
  readonly sourceInput?: z.ZodType;

  /** Returns when the connection works. @returns what to tell the user, e.g. which account it is */
  check(context: SourceContext<z.output<ConfigSchema>>): Promise<string | undefined>;
  discover(context: SourceContext<z.output<ConfigSchema>>): Promise<Catalog>;
  /**
   * Yields messages until every stream of the catalog has ended with exactly one of `complete`, `error`, `skip`. Each item
   * is on its way to stdout when `yield` returns, so a checkpoint covers exactly what was yielded before it (P1). Stops at
   * the next `yield` when the reader is gone; resources are released in `finally`.
   */
  read(context: ReadContext<z.output<ConfigSchema>>): AsyncIterable<SourceOutput>;
  /**
   * Prepares the other side for the streams of the catalog (all of them without one). Doing it twice changes nothing.
   *
   * @returns the resolved config when it changed: the whole of it. The engine keeps what it adds for the next commands
   */
  setup?(
    context: SourceContext<z.output<ConfigSchema>> & { readonly catalog?: ConfiguredCatalog },
  ): Promise<ControlPayload | undefined>;
  /** Takes back what `setup` made. The engine then forgets the resolved config. */
  teardown?(context: SourceContext<z.output<ConfigSchema>> & { readonly catalog?: ConfiguredCatalog }): Promise<void>;
}
