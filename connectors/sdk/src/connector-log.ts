/** What a log line is about, beyond its text. Never holds a secret (P7). */
export interface LogDetail {
  readonly stream?: string;
  readonly data?: Record<string, unknown>;
}

/**
 * Says something to whoever watches the run: a `log` message on stdout, at once, outside of the order of the records.
 * From `warn` up it also stands on stderr. Secrets of the config are masked in both.
 */
export interface ConnectorLog {
  debug(message: string, detail?: LogDetail): void;
  info(message: string, detail?: LogDetail): void;
  warn(message: string, detail?: LogDetail): void;
  error(message: string, detail?: LogDetail): void;
}
