import { describe, expect, it } from 'vitest';
import { type SslMode, type TlsRules, tlsRules } from './tls-mode.ts';

const withoutRoot: Record<SslMode, TlsRules> = {
  disable: { attempts: ['plain'], verification: 'nothing' },
  allow: { attempts: ['plain', 'tls'], verification: 'nothing' },
  prefer: { attempts: ['tls', 'plain'], verification: 'nothing' },
  require: { attempts: ['tls'], verification: 'nothing' },
  'verify-ca': { attempts: ['tls'], verification: 'chain' },
  'verify-full': { attempts: ['tls'], verification: 'name' },
};

describe('sslmode', () => {
  it.each(Object.entries(withoutRoot) as [SslMode, TlsRules][])('%s alone means %j', (mode, rules) => {
    expect(tlsRules(mode, false)).toEqual(rules);
  });

  it.each(Object.entries(withoutRoot) as [SslMode, TlsRules][])(
    '%s verifies with an authority that is given',
    (mode, rules) => {
      const verification = mode === 'verify-full' ? 'name' : 'chain';
      expect(tlsRules(mode, true)).toEqual({ ...rules, verification });
    },
  );
});
