import type { ErrorCode } from '@penstock/protocol';
import type { SslMode } from './tls-mode.ts';

/** What is wrong, and what helps. */
export type Explanation = { readonly code: ErrorCode; readonly message: string; readonly remedy: string };

const unknownAuthority = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
];

type TlsError = Error & {
  readonly code?: string;
  /** Of the server, where its name is another one. */
  readonly cert?: { readonly subjectaltname?: string; readonly subject?: { readonly CN?: string } };
};

/**
 * What a failure of encrypting means, in words. Pure.
 *
 * @param address the server, for the message
 * @param host the name that was looked for in the certificate
 * @returns undefined when it is about something else
 */
export function explainTlsError(
  cause: unknown,
  address: string,
  host: string,
  sslMode: SslMode | undefined,
): Explanation | undefined {
  const { code = '', message = '', cert } = cause as TlsError;
  const explain = (text: string, remedy: string): Explanation => ({ code: 'config_invalid', message: text, remedy });
  if (/does not support SSL/.test(message))
    return explain(
      `Postgres at ${address} does not support encrypted connections${sslMode ? `, and sslmode=${sslMode} asks for one` : ''}.`,
      'Switch on `ssl` at the server. Where nobody else can listen: sslmode=disable.',
    );
  if (/error establishing an SSL connection/.test(message))
    return explain(
      `What answers at ${address} can't be asked for encryption as Postgres can.`,
      'Check host and port in `url`; a proxy that encrypts from the first byte needs sslnegotiation=direct.',
    );
  if (unknownAuthority.includes(code))
    return explain(
      `The certificate of Postgres at ${address} is not signed by an authority that is known here (${code}).`,
      'Put the certificate of its authority into `ssl_ca_pem`.',
    );
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return explain(
        `The certificate of Postgres at ${address}, or of its authority, has expired.`,
        'Renew it on the server; if `ssl_ca_pem` is the old one, replace that.',
      );
    case 'CERT_NOT_YET_VALID':
      return explain(
        `The certificate of Postgres at ${address} is not valid yet.`,
        'Check the clock of this machine, and the dates of the certificate.',
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = cert?.subjectaltname || (cert?.subject?.CN === undefined ? '' : `CN:${cert.subject.CN}`);
      return explain(
        `The certificate of Postgres at ${address} is not for the name "${host}"${names ? ` (it is for ${names})` : ''}.`,
        'Write a name that it is for into `url`, with `hostaddr` where that leads elsewhere; or use sslmode=verify-ca, if its authority signs for no strangers.',
      );
    }
  }
  if (/PROTOCOL|VERSION/.test(code) && code.startsWith('ERR_SSL'))
    return explain(
      `Postgres at ${address} and this program have no version of TLS in common (${code}).`,
      'TLS 1.2 or newer is needed; check ssl_min_protocol_version on both sides.',
    );
  if (/ALERT.*(CERT|CA$)/.test(code))
    return explain(
      `Postgres at ${address} refused our certificate (${code}).`,
      'Give one that an authority of the server (its ssl_ca_file) has signed, in `ssl_cert_pem` and `ssl_key_pem`.',
    );
  return undefined;
}
