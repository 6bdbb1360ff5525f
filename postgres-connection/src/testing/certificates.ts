// What the library of certificates is built on wants it first.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its key, as PEM. */
export type Certificate = { readonly cert: string; readonly key: string };

/** What a certificate is made for. */
export type CertificateRequest = {
  /** The common name: of a client the database user. */
  readonly commonName: string;
  /** Names that a server is reached by. */
  readonly dnsNames?: readonly string[];
  /** When it ends, from now, in days; negative when it has. */
  readonly daysLeft?: number;
};

/** Signs certificates. */
export type Authority = {
  /** Its own certificate, as PEM. */
  readonly pem: string;
  readonly issue: (request: CertificateRequest) => Promise<Certificate>;
};

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

/** Makes an authority of its own that nobody knows. */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const keys = await makeKeys();
  const own = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    notBefore: new Date(Date.now() - 30 * dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = async ({ commonName: name, dnsNames = [], daysLeft = 7 }: CertificateRequest) => {
    const subjectKeys = await makeKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: own.subject,
      notBefore: new Date(Date.now() - 20 * dayMs),
      notAfter: new Date(Date.now() + daysLeft * dayMs),
      publicKey: subjectKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        ...(dnsNames.length > 0
          ? [new SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value }) as const))]
          : []),
      ],
    });
    const key = KeyObject.from(subjectKeys.privateKey).export({ type: 'pkcs8', format: 'pem' });
    return { cert: certificate.toString('pem'), key: String(key) };
  };
  return { pem: own.toString('pem'), issue };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}
