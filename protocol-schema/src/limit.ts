/**
 * Limits that every program on the wire shares (P4: every buffer, line and list has a named bound). Limits of one
 * program only stand in that program.
 */

/** Version of the wire format, in `spec.protocol_version`. It changes only when an old reader would misread a new line. */
export const PROTOCOL_VERSION = 1;

/** Longest line, newline excluded, in bytes (32 MiB). A longer one ends the run: nobody can say what it would have meant. */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Lines that are no message and are still passed over in one run; one more and the run fails with `protocol_violated`. */
export const INVALID_LINES_MAX = 100;

/** How much of an invalid line is shown, in bytes. Enough to recognise it, too little to fill a log. */
export const INVALID_LINE_SHOWN_BYTES = 200;
