/** Limits of a connector program; those of the wire are in the protocol package. Each is a bound of P4. */

/** Small lines are put together up to this many characters before they are written. */
export const FLUSH_CHARS = 64 * 1024;

/** Largest single write of records, in bytes; a longer line is written as it is. */
export const WRITE_BYTES = 1024 * 1024;

/** Log lines waiting for the reader of stdout, in characters; further ones are counted and dropped. */
export const LOG_WAITING_CHARS_MAX = 1024 * 1024;

/** What waits for the reader of stderr, in bytes; further log lines are left out there (stdout counts what it drops). */
export const STDERR_WAITING_BYTES_MAX = 1024 * 1024;

/** Largest state of one stream (and largest global state), in bytes. */
export const STATE_BYTES_MAX = 1024 * 1024;

/** Largest config or catalog, and largest state that is no list of printed lines, in bytes. */
export const FILE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * How long a named pipe may wait for its other end to be opened, in milliseconds. Whoever opens it may have to be started
 * first, and to wait for its own state store.
 */
export const PIPE_OPEN_MS = 300_000;

/** How long a connector that was asked to stop may take to come to its end, in milliseconds (graceful stop: 30 s). */
export const STOP_MS = 25_000;

/** How long the process may live on after its work is done because something in it is still open, in milliseconds. */
export const LINGER_MS = 2_000;

/** Different stream names that are not in the catalog; more mean that this is not the catalog's source. */
export const UNKNOWN_STREAMS_MAX = 1000;

/**
 * Signals that come closer together, in milliseconds, are one: Ctrl-C reaches a program from the terminal and once more
 * from a wrapper like npm.
 */
export const SAME_SIGNAL_MS = 500;
