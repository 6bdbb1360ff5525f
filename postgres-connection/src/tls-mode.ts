/** libpq's `sslmode`. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** How one attempt to connect is made. */
export type Attempt = 'plain' | 'tls';

/** What is looked at in the server's certificate: nothing, whether a known authority signed it, and also the host's name. */
export type Verification = 'nothing' | 'chain' | 'name';

/** What a mode comes to. */
export type TlsRules = { readonly attempts: readonly Attempt[]; readonly verification: Verification };

/**
 * What a mode means, as libpq's documentation has it ("Protection Provided in Different Modes"): in every mode a root
 * certificate that is given is used to verify the chain, which is what makes `require` the same as `verify-ca` then. Pure.
 *
 * @param hasRoot whether there is a certificate of an authority to verify with
 */
export function tlsRules(mode: SslMode, hasRoot: boolean): TlsRules {
  const verification = mode === 'verify-full' ? 'name' : mode === 'verify-ca' || hasRoot ? 'chain' : 'nothing';
  switch (mode) {
    case 'disable':
      return { attempts: ['plain'], verification };
    case 'allow':
      return { attempts: ['plain', 'tls'], verification };
    case 'prefer':
      return { attempts: ['tls', 'plain'], verification };
    default:
      return { attempts: ['tls'], verification };
  }
}

/** How safe a connection is. `local`: it does not leave the machine. */
export type Safety = 'local' | 'plain' | 'unverified' | 'chain' | 'name';

/** What a connection's safety is, to add to a sentence that says where it goes. */
export const safetyText: Readonly<Record<Safety, string>> = {
  local: 'local',
  plain: 'not encrypted',
  unverified: "encrypted, but the server's certificate is not verified",
  chain: 'encrypted, certificate verified but not the host name in it',
  name: 'encrypted and verified',
};

/** The remedy where a connection leaves the machine and nothing says that the server is the right one; else undefined. */
export function safetyAdvice(safety: Safety): string | undefined {
  return safety === 'plain' || safety === 'unverified'
    ? 'Use sslmode=verify-full in `url`, and `ssl_ca_pem` when the authority is your own.'
    : undefined;
}
