import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { CodedError } from '@penstock/protocol';
import type { ConnectionConfig } from './connection-config.ts';
import type { Parameters } from './parameters.ts';
import { certificatesIn, checkKey, type Pem } from './pem.ts';
import { type SslMode, type TlsRules, tlsRules } from './tls-mode.ts';

/** What to encrypt with, and what to look at. */
export type TlsPlan = TlsRules & {
  readonly mode: SslMode;
  /** The authorities whose certificates are believed, as PEM; undefined when nothing is verified. */
  readonly ca: readonly string[] | undefined;
  /** Our own certificate and key, as PEM, for a server that asks for one. */
  readonly own: { readonly cert: string; readonly key: string; readonly passphrase: string | undefined } | undefined;
  readonly minVersion: SecureVersion | undefined;
  readonly maxVersion: SecureVersion | undefined;
  /** Encrypts from the first byte, without asking first. */
  readonly isDirect: boolean;
};

/**
 * Finds mode, authorities and our own certificate: what the config says, then the files that the URL or the environment
 * name, then those in `~/.postgresql`, as libpq does.
 *
 * @param isRemote false when all servers are reached by Unix sockets, which are never encrypted: then no file is read
 * @throws CodedError `config_invalid` or `file_unreadable`, without the key
 */
export async function readTlsPlan(
  config: ConnectionConfig,
  parameters: Parameters,
  home: string,
  isRemote: boolean,
): Promise<TlsPlan> {
  const rootFile = parameters.get('sslrootcert');
  if (config.ssl_ca_pem !== undefined && parameters.isInUrl('sslrootcert')) throw given('ssl_ca_pem', 'sslrootcert');
  const isSystem = rootFile === 'system' && config.ssl_ca_pem === undefined;
  const isStrict = isSystem || config.ssl_ca_pem !== undefined;
  const mode = (parameters.get('sslmode') as SslMode | undefined) ?? (isStrict ? 'verify-full' : 'prefer');
  if (isSystem && mode !== 'verify-full' && isRemote)
    throw new CodedError('config_invalid', {
      message: `With ${parameters.nameOf('sslrootcert')} = system, ${parameters.nameOf('sslmode')} = ${mode} would protect from nobody: anyone can get a certificate from a public authority.`,
      remedy: 'Use sslmode=verify-full, or leave it out.',
    });
  const isDirect = parameters.get('sslnegotiation') === 'direct';
  if (isDirect && ['disable', 'allow', 'prefer'].includes(mode))
    throw new CodedError('config_invalid', {
      message: `${parameters.nameOf('sslnegotiation')} = direct needs an encrypted connection, and sslmode is ${mode}.`,
      remedy: 'Use sslmode=verify-full.',
    });
  const none = { mode, ...tlsRules(mode, false), ca: undefined, own: undefined, isDirect };
  const versions = {
    minVersion: parameters.get('ssl_min_protocol_version') as SecureVersion | undefined,
    maxVersion: parameters.get('ssl_max_protocol_version') as SecureVersion | undefined,
  };
  if (mode === 'disable' || !isRemote) return { ...none, ...versions };
  const ca = isSystem ? publicAuthorities() : await readAuthorities(config, parameters, home);
  const own = await readOwn(config, parameters, home);
  if (!ca && mode === 'verify-ca')
    throw new CodedError('config_invalid', {
      message: 'sslmode=verify-ca needs the certificate of the authority that signed the certificate of the server.',
      remedy: 'Put it into `ssl_ca_pem`, or its file into `ssl_ca_pem_file`; or use sslmode=verify-full.',
    });
  // Stricter than libpq, which refuses: the name is verified, so public authorities are enough.
  const believed = ca ?? (mode === 'verify-full' ? publicAuthorities() : undefined);
  return { ...none, ...versions, ...tlsRules(mode, believed !== undefined), ca: believed, own };
}

/** What comes with Node, what NODE_EXTRA_CA_CERTS adds, and what the system believes. */
function publicAuthorities(): string[] {
  // Loaded when it is needed: it takes a tenth of a program's start, and `spec` shouldn't wait for it.
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

async function readAuthorities(
  config: ConnectionConfig,
  parameters: Parameters,
  home: string,
): Promise<string[] | undefined> {
  const pem =
    config.ssl_ca_pem !== undefined
      ? { text: config.ssl_ca_pem, name: '`ssl_ca_pem`' }
      : await readPem(parameters, 'sslrootcert', join(home, '.postgresql/root.crt'));
  if (!pem) return undefined;
  return certificatesIn(pem);
}

async function readOwn(config: ConnectionConfig, parameters: Parameters, home: string): Promise<TlsPlan['own']> {
  const { ssl_cert_pem: certPem, ssl_key_pem: keyPem } = config;
  if ((certPem === undefined) !== (keyPem === undefined))
    throw new CodedError('config_invalid', {
      message: certPem === undefined ? '`ssl_key_pem` needs `ssl_cert_pem`.' : '`ssl_cert_pem` needs `ssl_key_pem`.',
      remedy: 'Give both, or none.',
    });
  if (certPem !== undefined && parameters.isInUrl('sslcert')) throw given('ssl_cert_pem', 'sslcert');
  const cert =
    certPem === undefined
      ? await readPem(parameters, 'sslcert', join(home, '.postgresql/postgresql.crt'))
      : { text: certPem, name: '`ssl_cert_pem`' };
  if (!cert) return undefined;
  const key =
    keyPem === undefined
      ? await readPem(parameters, 'sslkey', join(home, '.postgresql/postgresql.key'))
      : { text: keyPem, name: '`ssl_key_pem`' };
  if (!key)
    throw new CodedError('config_invalid', {
      message: `${cert.name} is a certificate without its key.`,
      remedy: 'Name the file of the key in sslkey in `url`, or put it into `ssl_key_pem`.',
    });
  const passphrase = parameters.get('sslpassword');
  checkKey(cert, key, passphrase);
  return { cert: cert.text, key: key.text, passphrase };
}

/** The file that a parameter names, or the usual one where that exists. */
async function readPem(
  parameters: Parameters,
  parameter: 'sslrootcert' | 'sslcert' | 'sslkey',
  usual: string,
): Promise<Pem | undefined> {
  const named = parameters.get(parameter);
  const path = named ?? usual;
  try {
    return {
      text: await readFile(path, 'utf8'),
      name: named === undefined ? path : `The file of ${parameters.nameOf(parameter)}`,
    };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (named === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw new CodedError('file_unreadable', {
      message: `${named === undefined ? path : `The file of ${parameters.nameOf(parameter)}, ${path},`} can't be read (${code}).`,
      remedy: 'Check the path and its permissions.',
      cause,
    });
  }
}

function given(key: string, parameter: string): CodedError {
  return new CodedError('config_invalid', {
    message: `\`${key}\` and ${parameter} in \`url\` are both given.`,
    remedy: 'Leave one of them out.',
  });
}
