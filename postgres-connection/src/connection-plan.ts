import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@penstock/protocol';
import type { ConnectionConfig } from './connection-config.ts';
import { type Parameters, readParameters } from './parameters.ts';
import { readPasswordFile } from './password-file.ts';
import { readTlsPlan, type TlsPlan } from './tls-plan.ts';

/** One server to try. */
export type Server = {
  /** What it is called in messages and in its certificate; a folder when it is reached by a Unix socket there. */
  readonly host: string;
  /** Where to connect: an address that needs no look-up, or the same as `host`. */
  readonly address: string;
  readonly port: number;
  /** Undefined when there is none; a secret. */
  readonly password: string | undefined;
};

/** How to connect: everything that the config, the URL, the environment and the files that they name say. */
export type ConnectionPlan = {
  /** In the order in which they are tried; at least one. */
  readonly servers: readonly Server[];
  readonly database: string;
  readonly user: string;
  readonly applicationName: string;
  /** Command-line options for the server; undefined when there are none. */
  readonly options: string | undefined;
  /** For each server, in seconds. */
  readonly connectSecondsMax: number;
  /** For each statement, in seconds; undefined when there is no limit. */
  readonly querySecondsMax: number | undefined;
  /** After so much silence the other side is asked whether it is there, in milliseconds; undefined: never. */
  readonly keepAliveMs: number | undefined;
  /** True when a server that only reads is passed over. */
  readonly wantsPrimary: boolean;
  readonly channelBinding: 'disable' | 'prefer' | 'require';
  readonly tls: TlsPlan;
};

const portDefault = 5432;
const keepAliveSecondsDefault = 30;

/**
 * Works out how to connect, reading the files that are named.
 *
 * @param env the environment, for `PG*` variables
 * @param home the folder in which libpq looks for certificates and passwords
 * @throws CodedError `config_invalid`, or `file_unreadable`; without passwords and keys
 */
export async function planConnection(
  config: ConnectionConfig,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): Promise<ConnectionPlan> {
  const parameters = readParameters(config.url, env);
  const { places, user, database } = readTarget(config, parameters);
  const password = parameters.get('password');
  const passwordFor =
    password === undefined ? await readPasswordFile(parameters.get('passfile'), join(home, '.pgpass')) : () => password;
  const timeout = parameters.getNumber('connect_timeout') || Number.POSITIVE_INFINITY;
  const isRemote = places.some(({ host }) => !isSocketFolder(host));
  return {
    servers: places.map((place) => ({ ...place, password: passwordFor({ ...place, database, user }) })),
    database,
    user,
    applicationName:
      parameters.get('application_name') ??
      parameters.get('fallback_application_name') ??
      config.application_name ??
      'penstock',
    options: parameters.get('options'),
    connectSecondsMax: Math.min(timeout, config.limits.connect_seconds_max),
    querySecondsMax: config.limits.query_seconds_max,
    keepAliveMs:
      parameters.get('keepalives') === '0'
        ? undefined
        : 1000 * (parameters.getNumber('keepalives_idle') || keepAliveSecondsDefault),
    // Whoever names several servers and writes means the one that can be written.
    wantsPrimary: (parameters.get('target_session_attrs') ?? (places.length > 1 ? 'read-write' : 'any')) !== 'any',
    channelBinding: (parameters.get('channel_binding') ?? 'disable') as ConnectionPlan['channelBinding'],
    tls: await readTlsPlan(config, parameters, home, isRemote),
  };
}

/**
 * Where a plan would lead, without reading a file: the first server, the database and the user.
 *
 * @throws CodedError `config_invalid`, without the password
 */
export function locateServers(
  config: Pick<ConnectionConfig, 'url'>,
  env: NodeJS.ProcessEnv = process.env,
): { readonly host: string; readonly port: number; readonly database: string; readonly user: string } {
  const { places, user, database } = readTarget(config, readParameters(config.url, env));
  const { host, port } = places[0]!;
  return { host, port, database, user };
}

function readTarget({ url }: Pick<ConnectionConfig, 'url'>, parameters: Parameters) {
  const places = readPlaces(parameters, url !== undefined);
  const user = parameters.get('user') ?? osUser();
  return { places, user, database: parameters.get('dbname') ?? user };
}

/** Whether a host is a folder with a Unix socket in it. */
export function isSocketFolder(host: string): boolean {
  return host.startsWith('/');
}

type Place = Omit<Server, 'password'>;

/** The lists of hosts, addresses and ports, side by side. */
function readPlaces(parameters: Parameters, hasUrl: boolean): Place[] {
  const hosts = list(parameters.get('host'));
  const addresses = list(parameters.get('hostaddr'));
  const count = Math.max(hosts.length, addresses.length);
  if (count === 0) throw nowhere(hasUrl);
  if (hosts.length > 0 && addresses.length > 0 && hosts.length !== addresses.length)
    throw new CodedError('config_invalid', {
      message: `There are ${hosts.length} hosts and ${addresses.length} addresses (${parameters.nameOf('hostaddr')}).`,
      remedy: 'Give an address for each host, or none.',
    });
  const ports = list(parameters.get('port'));
  if (ports.length > 1 && ports.length !== count)
    throw new CodedError('config_invalid', {
      message: `There are ${count} hosts and ${ports.length} ports (${parameters.nameOf('port')}).`,
      remedy: 'Give a port for each host, one for all, or none.',
    });
  return Array.from({ length: count }, (_, index) => {
    const host = hosts[index] || addresses[index];
    if (!host) throw nowhere(hasUrl);
    const text = (ports.length > 1 ? ports[index] : ports[0]) || String(portDefault);
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535)
      throw new CodedError('config_invalid', {
        message: `${parameters.nameOf('port')} has to be a number from 1 to 65535.`,
      });
    return { host, address: addresses[index] || host, port };
  });
}

const list = (text: string | undefined): string[] => text?.split(',') ?? [];

function nowhere(hasUrl: boolean): CodedError {
  return new CodedError('config_invalid', {
    message: hasUrl ? '`url` names no host, and PGHOST is not set.' : 'No database is given: `url` is missing.',
    remedy: hasUrl
      ? 'Write postgres://USER@HOST:5432/DATABASE, or for a Unix socket postgres:///DATABASE?host=/FOLDER.'
      : 'Write it as postgres://USER:PASSWORD@HOST:5432/DATABASE, name a file that holds it in `url_file`, or set PGHOST, PGDATABASE, PGUSER and PGPASSWORD.',
  });
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    // In a container the user's number may have no name.
    throw new CodedError('config_invalid', {
      message: 'No user is given.',
      remedy: 'Write postgres://USER:PASSWORD@HOST:5432/DATABASE, or set PGUSER.',
      cause,
    });
  }
}
