import { CodedError, type ErrorCode } from '@penstock/protocol';
import { type PostgresError, reasonOf } from './server-error.ts';
import { explainTlsError } from './tls-error.ts';
import type { SslMode } from './tls-mode.ts';

/** Where a connection goes, without the password. */
export type Target = { readonly host: string; readonly port: number; readonly database: string; readonly user: string };

/** Whether a host is the machine on which this runs; in a container that is the container. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/** A server in a message: host and port, or the file of its socket. */
export function addressOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An error of connecting, in words that say what to do. */
export function connectionError(cause: unknown, target: Target & { readonly sslMode?: SslMode }): CodedError {
  const { errors } = cause as { errors?: unknown[] };
  // Node tries each address of a name and reports all failures as one without a message.
  const found = Array.isArray(errors) && errors.length > 0 ? errors.at(-1) : cause;
  const address = addressOf(target);
  const { code, message, remedy } =
    explainTlsError(found, address, target.host, target.sslMode) ?? explain(found, address, target);
  return new CodedError(code, { message, remedy, cause });
}

function explain(cause: unknown, address: string, { host, database, user }: Target) {
  const { code = '' } = cause as PostgresError;
  const reason = reasonOf(cause);
  const say = (errorCode: ErrorCode, message: string, remedy: string) => ({ code: errorCode, message, remedy });
  if (isOfSettings(cause as PostgresError))
    return say(
      'config_invalid',
      `Postgres at ${address} refused a setting: ${reason}.`,
      `Mend \`options\` in \`url\` (or PGOPTIONS), or what \`alter role ${quoteName(user)} set\` or \`alter database ${quoteName(database)} set\` said.`,
    );
  switch (code) {
    case '28P01':
    case '28000':
      return say('credentials_refused', `Postgres at ${address} refused user "${user}": ${reason}.`, letIn(reason));
    case '3D000':
      return say(
        'config_invalid',
        `There is no database "${database}" at ${address}.`,
        `Create it (create database ${quoteName(database)}), or mend the name in \`url\`.`,
      );
    case '42501':
      return say(
        'permission_missing',
        `User "${user}" may not connect to database "${database}": ${reason}.`,
        `Run: grant connect on database ${quoteName(database)} to ${quoteName(user)}`,
      );
    case 'ECONNREFUSED':
      return say(
        'unreachable',
        `No Postgres answers at ${address} (connection refused).`,
        isLoopback(host)
          ? 'Start it, or check host and port in `url`; in a container, localhost is the container itself.'
          : 'Start it, or check host and port in `url`.',
      );
    case 'ENOENT':
      return say(
        'unreachable',
        `There is no socket ${address}.`,
        'Start Postgres, or check its folder (unix_socket_directories) and port; in a container, mount that folder.',
      );
    case 'EACCES':
      return say(
        'config_invalid',
        `This user may not use the socket ${address}.`,
        'Check the permissions of the folder, and unix_socket_permissions of the server.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say(
        'unreachable',
        `The host "${host}" of Postgres is unknown.`,
        'Check the host in `url` and the network.',
      );
    case '53300':
      return say(
        'unreachable',
        `Postgres at ${address} has no connection left: ${reason}.`,
        'Close others, or raise max_connections.',
      );
    case '08P01':
      return say(
        'config_invalid',
        `What answers at ${address} refused the connection: ${reason}.`,
        askOtherwise(reason),
      );
    default:
      if (/password must be a/.test(reason))
        return say(
          'credentials_refused',
          `Postgres at ${address} asks for a password, and \`url\` has none.`,
          'Write postgres://USER:PASSWORD@HOST:5432/DATABASE, or set PGPASSWORD.',
        );
      return say(
        'unreachable',
        `No connection to Postgres at ${address}: ${reason}.`,
        'Check `url`, the server and the network.',
      );
  }
}

/**
 * Whether a server refuses a setting that a session is to start with: no such value or parameter, one that can't be changed
 * now or by this user, or `options` that can't be read (PostgreSQL manual, Appendix A).
 */
function isOfSettings({ code = '', routine = '' }: PostgresError): boolean {
  if (/^(22023|42602|42704|55P02)$/.test(code)) return true;
  // These codes stand for much else as well: the right to the database, a statement of ours.
  return /^(42501|42601)$/.test(code) && /^set_config|_check_hook$|^process_postgres_switches$/.test(routine);
}

/** What helps where the server refuses a user. */
function letIn(reason: string): string {
  if (/certificate/.test(reason))
    return 'Give a certificate for this user, signed by an authority that the server knows, in `ssl_cert_pem` and `ssl_key_pem`.';
  if (/pg_hba\.conf/.test(reason))
    return /SSL (on|encryption)/.test(reason)
      ? 'Allow this user and address in pg_hba.conf.'
      : 'Allow this user and address in pg_hba.conf, or use encryption: add ?sslmode=verify-full to `url`.';
  return 'Check user and password in `url`.';
}

/** What helps where a pooler doesn't take what it is sent. */
function askOtherwise(reason: string): string {
  const parameter = /unsupported startup parameter: (\w+)/.exec(reason)?.[1];
  if (parameter !== undefined)
    return `Leave ${parameter} out of \`url\`, or add it to ignore_startup_parameters of the pooler.`;
  return /SSL required/i.test(reason) ? 'Add ?sslmode=verify-full to `url`.' : 'Check host and port in `url`.';
}

/** Quotes a name for SQL, as a person is to write it. */
function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
