import { CodedError, toCodedError } from '@penstock/protocol';

/** Where a state database is, for messages: never its password. */
export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly schema: string;
}

/** The place as it stands in messages. */
export function showPlace({ host, port, database, schema }: PostgresPlace): string {
  return `Postgres ${host}:${port}/${database}, schema "${schema}"`;
}

/** SQLSTATE of an error of the server; undefined for all others, which are of the connection. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Whether the same call may succeed a moment later: the connection broke, the server restarts or is full, or two
 * transactions got in each other's way (SQLSTATE classes 08, 40, 53, 57P and 55P03, 25P03).
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof CodedError || isDefect(error)) return false;
  const state = sqlState(error);
  return state === undefined || /^(08|40|53|57P|55P03|25P03)/.test(state);
}

/** Whether the server runs, but is not ready yet: it was just started, or recovers from a crash. */
export function isStartingUp(error: unknown): boolean {
  return sqlState(error) === '57P03';
}

function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

/** An error of the state database as one that its user can act on. The server's own words are kept. */
export function toStoreError(error: unknown, place: PostgresPlace): CodedError {
  if (error instanceof CodedError || isDefect(error)) return toCodedError(error);
  const where = `the state database ${showPlace(place)}`;
  const said = reasonOf(error);
  switch (sqlState(error)) {
    case '28P01':
    case '28000':
      return new CodedError('credentials_refused', {
        message: `User "${place.user}" may not log in to ${where}: ${said}.`,
        remedy: 'Check user and password in the URL of `state.postgres`, or else of the destination.',
        cause: error,
      });
    case '3D000':
      return new CodedError('config_invalid', {
        message: `There is no database "${place.database}" at ${place.host}:${place.port}, where the state is to be kept.`,
        remedy: 'Create it, or change the URL of `state.postgres`, or else of the destination.',
        cause: error,
      });
    case '42501':
      return new CodedError('permission_missing', {
        message: `User "${place.user}" may not use ${where}: ${said}.`,
        remedy: `Let its owner run: create schema if not exists "${place.schema}" authorization "${place.user}"`,
        cause: error,
      });
    default:
      return new CodedError('state_store_unreachable', {
        message: `Can not read or save the state in ${where}: ${said}.`,
        // By default it is the destination's, which may be known by this name only where the destination runs.
        ...(isUnknownHost(error) && {
          remedy:
            'The engine itself has to reach it: check the host and the network, or keep the state elsewhere (`state`).',
        }),
        ...(sqlState(error) === undefined &&
          isLoopback(place.host) && {
            remedy:
              'Start it, or check host and port (in a container, localhost is the container itself); then run again.',
          }),
        cause: error,
      });
  }
}

/** Whether it is the machine on which this runs; in a container that is the container. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

function isUnknownHost(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}

function reasonOf(error: unknown): string {
  // Node tries every address of a name and says only in the inner errors what went wrong.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
