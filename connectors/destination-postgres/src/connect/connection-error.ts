import { ConnectorError } from '@penstock/connector-sdk';
import type { ErrorCode } from '@penstock/protocol';
import { quoteName } from '../tables/identifier.ts';
import { type PostgresError, reasonOf } from './postgres-error.ts';

/** Where a connection goes, without the password. */
export type Target = { readonly host: string; readonly port: number; readonly database: string; readonly user: string };

/** Whether a host is the machine on which this runs; in a container that is the container. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/** An error of connecting, in words that say what to do. */
export function connectionError(cause: unknown, { host, port, database, user }: Target): ConnectorError {
  const { code = '' } = cause as PostgresError;
  const say = (errorCode: ErrorCode, message: string, remedy: string) =>
    new ConnectorError(errorCode, { message, remedy, cause });
  const address = host.startsWith('/') ? host : `${host}:${port}`;
  switch (code) {
    case '28P01':
    case '28000':
      return say(
        'credentials_refused',
        `Postgres at ${address} refused user "${user}": ${reasonOf(cause)}.`,
        /pg_hba\.conf/.test(reasonOf(cause))
          ? 'Allow this user and address in pg_hba.conf, or use encryption: add ?sslmode=verify-full to `url`.'
          : 'Check user and password in `url`.',
      );
    case '3D000':
      return say(
        'config_invalid',
        `There is no database "${database}" at ${address}.`,
        `Create it (create database ${quoteName(database)}), or mend the name in \`url\`.`,
      );
    case '42501':
      return say(
        'permission_missing',
        `User "${user}" may not connect to database "${database}": ${reasonOf(cause)}.`,
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
        `Postgres at ${address} has no connection left: ${reasonOf(cause)}.`,
        'Close others, or raise max_connections.',
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return say(
        'config_invalid',
        `The certificate of Postgres at ${address} is not signed by an authority that is known here (${code}).`,
        'Put the certificate of its authority into `ssl_ca_pem`.',
      );
    default: {
      const found = cause as { errors?: unknown[] };
      // Node tries each address of a name and reports all failures as one without a message.
      if (Array.isArray(found.errors) && found.errors.length > 0)
        return connectionError(found.errors.at(-1), { host, port, database, user });
      if (/password must be a/.test(reasonOf(cause)))
        return say(
          'credentials_refused',
          `Postgres at ${address} asks for a password, and \`url\` has none.`,
          'Write postgres://USER:PASSWORD@HOST:5432/DATABASE.',
        );
      if (/does not support SSL/.test(reasonOf(cause)))
        return say(
          'config_invalid',
          `Postgres at ${address} does not support encrypted connections.`,
          'Leave `ssl_ca_pem` out, and sslmode out of `url`.',
        );
      return say(
        'unreachable',
        `No connection to Postgres at ${address}: ${reasonOf(cause)}.`,
        'Check `url`, the server and the network.',
      );
    }
  }
}
