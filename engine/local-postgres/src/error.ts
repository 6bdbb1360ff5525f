/** What can go wrong, for code that reacts to it. The message says what happened and what to do. */
export type LocalPostgresErrorCode =
  | 'platform_unsupported'
  | 'binaries_missing'
  | 'no_unprivileged_user'
  | 'version_differs'
  | 'port_in_use'
  | 'start_failed'
  | 'aborted';

/** A local Postgres that could not be started; the message is fit for a user as it is. */
export class LocalPostgresError extends Error {
  override readonly name = 'LocalPostgresError';
  readonly code: LocalPostgresErrorCode;

  constructor(code: LocalPostgresErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
