import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { maskSecrets, SECRET_MASK, scrubText, secretPaths, secretValues, splitSecrets } from './secret.ts';

const secret = z.string().meta({ secret: true });
const schema = z.toJSONSchema(
  z.object({
    api_key: secret,
    optional_key: secret.optional(),
    nullable_key: secret.nullable(),
    account: z.string().optional(),
    url: z.string().optional(),
    auth: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('key'), key: secret }),
      z.object({ kind: z.literal('password'), user: z.string(), password: secret }),
    ]),
    headers: z.record(z.string(), secret).optional(),
    keys: z.array(secret).optional(),
    hosts: z.array(z.object({ name: z.string(), token: secret })).optional(),
    service_account: z.object({ id: z.string(), private_key: z.string() }).meta({ secret: true }).optional(),
    pin: z.number().meta({ writeOnly: true }).optional(),
    nested: z.object({ deep: z.object({ token: secret }) }).optional(),
  }),
);

const config = {
  api_key: 'sk_live_abc',
  account: 'acct_1',
  url: 'postgres://ada:hunter%402hunter@db:5432/x',
  auth: { kind: 'password', user: 'ada', password: 'p4ssword' },
  headers: { Authorization: 'Bearer xyz' },
  keys: ['key-one', 'key-two'],
  hosts: [{ name: 'a', token: 'token-a' }],
  service_account: { id: 'robot-7', private_key: '-----BEGIN\nabc' },
  pin: 123456,
  nullable_key: null,
  nested: { deep: { token: 'deep-token' } },
};

describe('maskSecrets', () => {
  test('masks what is marked, in objects, lists, unions, maps and nullable fields, and nothing else', () => {
    const before = JSON.stringify(config);
    expect(maskSecrets(config, schema)).toEqual({
      api_key: SECRET_MASK,
      account: 'acct_1',
      url: config.url,
      auth: { kind: 'password', user: 'ada', password: SECRET_MASK },
      headers: { Authorization: SECRET_MASK },
      keys: [SECRET_MASK, SECRET_MASK],
      hosts: [{ name: 'a', token: SECRET_MASK }],
      service_account: SECRET_MASK,
      pin: SECRET_MASK,
      nullable_key: null,
      nested: { deep: { token: SECRET_MASK } },
    });
    expect(JSON.stringify(config)).toBe(before);
  });

  test('masks a value whose type is not the one that the schema asks for', () => {
    expect(maskSecrets({ api_key: { oops: 'sk_live_abc' } }, schema)).toEqual({ api_key: SECRET_MASK });
    expect(maskSecrets({ nullable_key: 'sk_live_abc' }, schema)).toEqual({ nullable_key: SECRET_MASK });
  });

  test('follows references, also of a schema that holds itself', () => {
    const recursive = {
      $ref: '#/$defs/Node',
      $defs: {
        Node: {
          type: 'object',
          properties: { token: { $ref: '#/$defs/a~1b' }, child: { $ref: '#/$defs/Node' }, name: { type: 'string' } },
        },
        'a/b': { type: 'string', secret: true },
      },
    };
    const value = { token: 'secret-1', name: 'x', child: { token: 'secret-2', child: { token: 'secret-3' } } };
    expect(maskSecrets(value, recursive)).toEqual({
      token: SECRET_MASK,
      name: 'x',
      child: { token: SECRET_MASK, child: { token: SECRET_MASK } },
    });
    expect(secretPaths(recursive)).toContain('token');
  });

  test('keeps a key named __proto__', () => {
    expect(JSON.stringify(maskSecrets(JSON.parse('{"__proto__":{"a":1}}'), schema))).toBe('{"__proto__":{"a":1}}');
  });
});

test('secretPaths names every marked key, those of unions too', () => {
  expect(secretPaths(schema).sort()).toEqual(
    [
      'api_key',
      'auth.key',
      'auth.password',
      'nested.deep.token',
      'nullable_key',
      'optional_key',
      'pin',
      'service_account',
    ].sort(),
  );
});

describe('secretValues and scrubText', () => {
  const values = secretValues(config, schema);

  test('cut every secret of a config out of a text', () => {
    const text = `${JSON.stringify(config)} ${Object.values(config).map(String).join(' ')} ${encodeURIComponent(config.headers.Authorization)}`;
    const scrubbed = scrubText(text, values);
    for (const part of [
      'sk_live_abc',
      'hunter',
      'p4ssword',
      'xyz',
      'key-one',
      'key-two',
      'token-a',
      'BEGIN',
      '123456',
      'deep-token',
    ]) {
      expect(scrubbed).not.toContain(part);
    }
    expect(scrubbed).toContain('acct_1');
  });

  test('know the password of a URL as it is written and decoded, whether the key is marked or not', () => {
    expect(values).toEqual(expect.arrayContaining(['hunter%402hunter', 'hunter@2hunter']));
    expect(values).not.toContain(config.url);
    expect(secretValues({ url: 'postgres://u:p@ssw%0rd@h/d' }, {})).toEqual(expect.arrayContaining(['p@ssw%0rd']));
  });

  test('leave out values so short that they would match by chance', () => {
    expect(secretValues({ api_key: 'short' }, schema)).toEqual([]);
    expect(scrubText('short', secretValues({ api_key: 'short' }, schema))).toBe('short');
  });

  test('leave the word in whose place a password is to be written, and nothing else that begins like it', () => {
    const advice = 'Write postgres://USER:PASSWORD@HOST:5432/DATABASE, or "postgres://USER:PASSWORD@HOST".';
    expect(scrubText(advice, [])).toBe(advice);
    expect(scrubText('postgres://u:PASSWORD@x@host/db', [])).toBe(`postgres://u:${SECRET_MASK}@host/db`);
    expect(scrubText('postgres://u:password@host/db', [])).toBe(`postgres://u:${SECRET_MASK}@host/db`);
    expect(scrubText('postgres://u:PASSWORD1@host/db', [])).toBe(`postgres://u:${SECRET_MASK}@host/db`);
  });

  test('mask a secret that holds another one as a whole', () => {
    expect(scrubText('abcdef abcdef-ghijkl', ['abcdef', 'abcdef-ghijkl'])).toBe(`${SECRET_MASK} ${SECRET_MASK}`);
    expect(scrubText('see postgres://u:abcdef@h/db', ['abcdef', 'postgres://u:abcdef@h/db'])).toBe(
      `see ${SECRET_MASK}`,
    );
  });

  test('mask the password of any URL in a text, known or not', () => {
    expect(scrubText('at postgres://u:pw@h/db, redis://:x@h', [])).toBe(
      `at postgres://u:${SECRET_MASK}@h/db, redis://:${SECRET_MASK}@h`,
    );
    expect(scrubText('postgres://u:p@ss@h/db', [])).toBe(`postgres://u:${SECRET_MASK}@h/db`);
  });

  test('leave alone what only looks like it', () => {
    for (const text of ['http://h:8080/a@b', '{"url":"http://h:8080","mail":"a@b.c"}', 'a:b@c', 'https://h/x', '']) {
      expect(scrubText(text, ['', 'unrelated'])).toBe(text);
    }
  });

  test('take a secret for text, not for a pattern', () => {
    expect(scrubText('a.c+$& abc+$&', ['a.c+$&'])).toBe(`${SECRET_MASK} abc+$&`);
  });
});

describe('a config in two parts', () => {
  test('has in the plain one nothing that is secret, and in both together everything', () => {
    const whole = {
      ...config,
      hosts: [{ name: 'h', token: 'tok-12345' }],
      nested: { deep: { token: 'nested-token' } },
    };
    const { plain, secret, secretKeys } = splitSecrets(whole, schema);
    expect(plain).toEqual({ account: 'acct_1', nullable_key: null, auth: { kind: 'password', user: 'ada' } });
    expect(secretKeys).toEqual(
      expect.arrayContaining(['api_key', 'url', 'auth.password', 'hosts', 'nested.deep.token']),
    );
    expect(secret).toMatchObject({ url: config.url, auth: { password: 'p4ssword' }, nested: whole.nested });
    for (const value of secretValues(whole, schema)) expect(JSON.stringify(plain)).not.toContain(value);
  });

  test('hides a known secret that stands under a key of another name', () => {
    const { plain, secretKeys } = splitSecrets({ account: 'acct-of-known-secret' }, schema, ['known-secret']);
    expect([plain, secretKeys]).toEqual([{}, ['account']]);
  });
});
