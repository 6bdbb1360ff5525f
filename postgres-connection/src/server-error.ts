/** What the `pg` package puts into an error of the server. */
export type PostgresError = Error & {
  readonly code?: string;
  readonly where?: string;
  readonly detail?: string;
  readonly constraint?: string;
  readonly column?: string;
  /** The function of the server that reports it: the same in every language. */
  readonly routine?: string;
};

/** A SQLSTATE always has a digit; `EPIPE` has as many characters. */
const sqlState = /^(?=.*[0-9])[0-9A-Z]{5}$/;

/** Whether an error is an answer of the server. */
export function isFromServer(error: unknown): boolean {
  return sqlState.test((error as PostgresError | undefined)?.code ?? '');
}

/** What an error says in one line without a full stop: message and detail, nothing of the connection. */
export function reasonOf(error: unknown): string {
  const { message, detail, code = '' } = error as PostgresError;
  // With these it is the whole row, with what people have entered.
  const isRow = /^(23502|23514)$/.test(code);
  return [message || code, !isRow && detail].filter(Boolean).join(': ').replaceAll(/\s+/g, ' ').replace(/\.$/, '');
}
