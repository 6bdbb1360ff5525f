import { CodedError, nearestNames } from '@penstock/protocol';
import { parseConnectionUrl } from './connection-url.ts';

/** One of libpq's parameters, and how far it is supported here. */
type Parameter = {
  /** The environment variable that gives it when the URL doesn't. */
  readonly env?: string;
  /** The values that it may have; any by default. None: it is refused rather than ignored. */
  readonly values?: readonly string[];
};

const unsupported: readonly string[] = [];

/** libpq's parameters (its documentation, "Parameter Key Words" and "Environment Variables"). */
const parameters = {
  host: { env: 'PGHOST' },
  hostaddr: { env: 'PGHOSTADDR' },
  port: { env: 'PGPORT' },
  dbname: { env: 'PGDATABASE' },
  user: { env: 'PGUSER' },
  password: { env: 'PGPASSWORD' },
  passfile: { env: 'PGPASSFILE' },
  connect_timeout: { env: 'PGCONNECT_TIMEOUT' },
  options: { env: 'PGOPTIONS' },
  application_name: { env: 'PGAPPNAME' },
  fallback_application_name: {},
  keepalives: { values: ['0', '1'] },
  keepalives_idle: {},
  // Node leaves these two to the system.
  keepalives_interval: {},
  keepalives_count: {},
  sslmode: {
    env: 'PGSSLMODE',
    values: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
  },
  sslrootcert: { env: 'PGSSLROOTCERT' },
  sslcert: { env: 'PGSSLCERT' },
  sslkey: { env: 'PGSSLKEY' },
  sslpassword: {},
  sslnegotiation: { env: 'PGSSLNEGOTIATION', values: ['postgres', 'direct'] },
  ssl_min_protocol_version: { env: 'PGSSLMINPROTOCOLVERSION', values: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] },
  ssl_max_protocol_version: { env: 'PGSSLMAXPROTOCOLVERSION', values: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] },
  channel_binding: { env: 'PGCHANNELBINDING', values: ['disable', 'prefer', 'require'] },
  target_session_attrs: { env: 'PGTARGETSESSIONATTRS', values: ['any', 'read-write', 'primary'] },
  load_balance_hosts: { env: 'PGLOADBALANCEHOSTS', values: ['disable'] },
  client_encoding: { values: ['auto', 'UTF8', 'utf8', 'UTF-8', 'utf-8'] },
  gssencmode: { env: 'PGGSSENCMODE', values: ['disable', 'prefer'] },
  sslcompression: { values: ['0'] },
  sslsni: { values: ['1'] },
  sslcertmode: { env: 'PGSSLCERTMODE', values: ['allow'] },
  // How others spell what holds here anyway.
  uselibpqcompat: { values: ['true'] },
  sslcrl: { env: 'PGSSLCRL', values: unsupported },
  sslcrldir: { env: 'PGSSLCRLDIR', values: unsupported },
  requirepeer: { env: 'PGREQUIREPEER', values: unsupported },
  require_auth: { env: 'PGREQUIREAUTH', values: unsupported },
  service: { env: 'PGSERVICE', values: unsupported },
  tcp_user_timeout: { values: unsupported },
  replication: { values: unsupported },
} as const satisfies Record<string, Parameter>;

/** A parameter's name, as libpq has it. */
export type ParameterName = keyof typeof parameters;

/** What the URL and the environment say, defaults not filled in. An empty value is none. */
export type Parameters = {
  /** The value of a parameter. */
  get(name: ParameterName): string | undefined;
  /** Whether the URL says it, and not the environment. */
  isInUrl(name: ParameterName): boolean;
  /** What to call a parameter in a message: `sslmode in \`url\`` or `PGSSLMODE`. */
  nameOf(name: ParameterName): string;
  /**
   * The value of a parameter that is a whole number from 0 on.
   *
   * @throws CodedError `config_invalid`
   */
  getNumber(name: ParameterName): number | undefined;
};

/**
 * Reads the parameters of a connection. What the URL says wins over the environment. Pure.
 *
 * @param url undefined when everything comes from the environment
 * @throws CodedError `config_invalid` for a URL that can't be read, and for a parameter that is unknown or not supported
 */
export function readParameters(url: string | undefined, env: NodeJS.ProcessEnv): Parameters {
  const said = new Map(url === undefined ? [] : parseConnectionUrl(url));
  // libpq takes it for users of JDBC.
  if (said.get('ssl') === 'true') {
    said.delete('ssl');
    if (!said.has('sslmode')) said.set('sslmode', 'require');
  }
  for (const name of said.keys()) if (!Object.hasOwn(parameters, name)) throw unknownParameter(name);
  const rules: Readonly<Record<ParameterName, Parameter>> = parameters;
  const get = (name: ParameterName) => said.get(name) ?? (env[rules[name].env ?? ''] || undefined);
  const isInUrl = (name: ParameterName) => said.has(name);
  const nameOf = (name: ParameterName) => (isInUrl(name) ? `${name} in \`url\`` : (rules[name].env ?? name));
  for (const [name, { values }] of Object.entries(rules) as [ParameterName, Parameter][]) {
    const value = get(name);
    if (value !== undefined && values && !values.includes(value)) throw refuseValue(nameOf(name), values);
  }
  const getNumber = (name: ParameterName) => {
    const value = get(name);
    if (value === undefined) return undefined;
    if (!/^ *\d{1,9} *$/.test(value))
      throw new CodedError('config_invalid', { message: `${nameOf(name)} has to be a whole number.` });
    return Number(value);
  };
  return { get, isInUrl, nameOf, getNumber };
}

function refuseValue(name: string, values: readonly string[]): CodedError {
  return new CodedError(
    'config_invalid',
    values.length === 0
      ? { message: `${name} is not supported.`, remedy: 'Leave it out.' }
      : { message: `${name} has a value that is not supported.`, remedy: `Use ${values.join(', ')}.` },
  );
}

function unknownParameter(name: string): CodedError {
  const supported = Object.entries<Parameter>(parameters).filter(([, { values }]) => values !== unsupported);
  const near = nearestNames(
    name,
    supported.map(([known]) => known),
  );
  return new CodedError('config_invalid', {
    message: `\`url\` has an unknown parameter: ${name}.`,
    remedy: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Leave it out: Postgres knows no such parameter.',
  });
}
