import { CodedError } from '@penstock/protocol';

/** What a connection URL says, percent-decoded, by the names that libpq gives to its parameters (`dbname`, `host`, …). */
export type UrlParameters = ReadonlyMap<string, string>;

/**
 * Reads a connection URL as libpq does: `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?NAME=VALUE&…`, every part
 * optional; a host may be a percent-encoded folder of Unix sockets, or an IPv6 address in brackets. Several hosts come back as
 * lists joined by commas. What stands behind the question mark wins over what stands before it. Pure.
 *
 * @throws CodedError `config_invalid`, which repeats no part of the URL: any of them may be the password
 */
export function parseConnectionUrl(url: string): UrlParameters {
  const found = new Map<string, string>();
  const put = (name: string, value: string | undefined) => {
    if (value) found.set(name, decode(value));
  };
  const parts = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url);
  if (!parts) throw refuse('it does not begin with postgres://');
  const [, authority = '', database, query = ''] = parts;
  // libpq ends the password at the first @. None can stand in a host, so the last one is as clear.
  const at = authority.lastIndexOf('@');
  if (at < 0 && (query.includes('@') || database?.includes('@')))
    throw refuse('user or password hold a character that ends them');
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  put('user', user);
  put('password', password);
  const hosts = parseHosts(authority.slice(at + 1));
  if (hosts.some(({ host }) => host)) put('host', hosts.map(({ host }) => host).join(','));
  if (hosts.some(({ port }) => port)) put('port', hosts.map(({ port }) => port).join(','));
  put('dbname', database);
  for (const parameter of query.split('&').filter(Boolean)) {
    const [, name = '', value] = /^([^=]+)=(.*)$/s.exec(parameter) ?? [];
    if (name === '') throw refuse('what stands behind ? has to be NAME=VALUE, joined by &');
    put(decode(name), value);
  }
  return found;
}

function parseHosts(text: string): { host: string; port: string }[] {
  return text.split(',').map((one) => {
    const [, inBrackets, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(one) ?? [];
    if (inBrackets === undefined && plain === '' && port === '' && one !== '' && one !== ':')
      throw refuse('a host has to be NAME:PORT, the port a number');
    return { host: inBrackets ?? plain, port };
  });
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Falls through: the cause would repeat the text.
  }
  throw refuse('a percent sign has to be followed by two hex digits');
}

function refuse(why: string): CodedError {
  return new CodedError('config_invalid', {
    message: `\`url\` is no valid Postgres URL: ${why}.`,
    remedy:
      'Write postgres://USER:PASSWORD@HOST:5432/DATABASE, with special characters in the password percent-encoded (@ is %40, / is %2F, ? is %3F, % is %25).',
  });
}
