import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CodedError } from '@penstock/protocol';

/** PEM text and what to call it in a message. */
export type Pem = { readonly text: string; readonly name: string };

/**
 * The certificates in a PEM text, each by itself.
 *
 * @throws CodedError `config_invalid` when there is none, or one can't be read
 */
export function certificatesIn({ text, name }: Pem): string[] {
  const found =
    text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/gs) ?? [];
  try {
    for (const pem of found) new X509Certificate(pem);
    if (found.length > 0) return found;
  } catch {
    // Said below.
  }
  throw new CodedError('config_invalid', {
    message: `${name} holds no certificate that can be read.`,
    remedy: 'Give PEM text: lines from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, line breaks kept.',
  });
}

/**
 * Checks that a key can be read and belongs to a certificate.
 *
 * @param passphrase what the key is encrypted with
 * @throws CodedError `config_invalid`, without the key
 */
export function checkKey(cert: Pem, key: Pem, passphrase: string | undefined): void {
  const [own = ''] = certificatesIn(cert);
  const refuse = (message: string, remedy: string) => new CodedError('config_invalid', { message, remedy });
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: key.text, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    // No cause: the library's may be about the key's content (P7).
    throw /ENCRYPTED/.test(key.text)
      ? refuse(
          `${key.name} is encrypted, and its password is ${passphrase === undefined ? 'missing' : 'another one'}.`,
          'Give it as sslpassword in `url`.',
        )
      : refuse(
          `${key.name} holds no private key that can be read.`,
          'Give PEM text: lines from -----BEGIN PRIVATE KEY----- to its end, line breaks kept.',
        );
  }
  if (!new X509Certificate(own).checkPrivateKey(privateKey))
    throw refuse(
      `${key.name} does not belong to the certificate in ${cert.name}.`,
      'Give the key that the certificate was made for.',
    );
}
