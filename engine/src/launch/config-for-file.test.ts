// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expandEnvironment } from '../pipeline/environment.ts';
import { configForFile } from './config-for-file.ts';

it('whoever resolves references in it gets exactly the config, whatever stands there', () => {
  const part = fc.constantFrom('$', '{', '}', '${A}', '$${A}', '${', 'x', '_');
  const text = fc.array(part).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.record({ a: text, b: fc.array(text), c: fc.record({ d: text }) }), (config) => {
      expect(expandEnvironment(configForFile(config), '', { A: 'resolved twice' })).toEqual(config);
    }),
  );
});

it('only texts that look like references are changed', () => {
  const config = { a: 'sk_1', b: '$5 {x}', n: 1, on: true, none: null };
  expect(configForFile(config)).toEqual(config);
  expect(configForFile('p${WORD}d')).toBe('p$${WORD}d');
});
