// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import type { JsonSchema } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { configSettings } from './config-settings.ts';
import { settingLines } from './setting.ts';

/** The config of such properties as it stands in a file. */
function written(
  properties: Record<string, unknown>,
  more: JsonSchema = {},
  given: Record<string, unknown> = {},
): string {
  return settingLines(configSettings({ type: 'object', properties, ...more }, given, 'shop'), 3).join('\n');
}

describe('the settings of a config', () => {
  it.each<[what: string, property: unknown, off: string]>([
    ['a default', { type: 'integer', default: 86400 }, '#k: 86400'],
    ['a false default', { type: 'boolean', default: false }, '#k: false'],
    ['an empty default', { type: 'array', items: { type: 'string' }, default: [] }, '#k: []'],
    ['a default that is no reference', { default: ['${X}'] }, '#k:\n#  - $${X}'],
    ['text', { type: 'string' }, '#k: <text>'],
    ['text or null', { type: ['null', 'string'] }, '#k: <text>'],
    ['a number', { type: 'number' }, '#k: <number>'],
    ['a whole number', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, '#k: <whole number>'],
    ['yes or no', { type: 'boolean' }, '#k: <true or false>'],
    ['anything', true, '#k: <value>'],
    ['one of some', { enum: ['a', 'b', null], description: 'How.' }, '# How.\n# One of: a, b.\n#k: <a | b>'],
    [
      'one of some that are explained',
      { enum: ['a', 'b'], description: 'a: fast. b: slow.' },
      '# a: fast. b: slow.\n#k: <a | b>',
    ],
    ['one of some with a default', { oneOf: [{ const: 1 }, { const: 2 }], default: 2 }, '# One of: 1, 2.\n#k: 2'],
    ['the only value', { const: 'x' }, '#k: x'],
    ['an example', { type: 'string', examples: ['eu-1', 'us-1'] }, '# For example: eu-1\n#k: <text>'],
    ['a secret', { type: 'string', secret: true, default: 'hush', examples: ['hash'] }, '#k: ${SHOP_K}'],
    ['what may not be read', { type: 'string', writeOnly: true }, '#k: ${SHOP_K}'],
    ['a list', { type: 'array', items: { type: 'string' } }, '#k:\n#  - <text>'],
    ['a list of anything', { type: 'array' }, '#k: []'],
    [
      'a list of objects',
      {
        type: 'array',
        items: {
          type: 'object',
          required: ['id'],
          properties: { id: { type: 'integer' }, x: {}, token: { secret: true } },
        },
      },
      '#k:\n#  - id: <whole number>',
    ],
    ['an object of any keys', { type: 'object', additionalProperties: { type: 'string' } }, '#k: {}'],
    [
      'objects by name',
      { type: 'object', additionalProperties: { type: 'object', properties: { a: {}, b: {} } } },
      '# By name; each may have: a, b.\n#k: {}',
    ],
    [
      'an object with defaults',
      {
        type: 'object',
        properties: {
          a: { default: 1, description: 'First.' },
          b: { type: 'string' },
          c: { secret: true, default: 's' },
        },
      },
      '#k:\n#  # First.\n#  a: 1\n#  #b: <text>\n#  #c: ${SHOP_K_C}',
    ],
    [
      'an object that requires something',
      { type: 'object', required: ['b'], properties: { a: { default: 1 }, b: { type: 'string' } } },
      '#k:\n#  b: <text>\n#  #a: 1',
    ],
    [
      'an object whose default says more than those of its keys',
      {
        type: 'object',
        default: { a: 5, in: { b: 6 }, c: 'hush' },
        properties: {
          a: { type: 'integer', default: 1 },
          in: { type: 'object', properties: { b: { type: 'integer' } } },
          c: { secret: true },
        },
      },
      '#k:\n#  a: 5\n#  in:\n#    b: 6\n#  #c: ${SHOP_K_C}',
    ],
    ['what is said elsewhere', { $ref: '#/$defs/port' }, '# Its port.\n#k: 80'],
    ['nonsense', { type: 5, enum: 'x', description: 7, properties: [], items: 3 }, '#k: <value>'],
  ])('show %s, off', (_what, property, off) => {
    const $defs = { port: { type: 'integer', default: 80, description: 'Its port.' } };
    // Something is required, so that no secret is on for want of it.
    const text = written({ k: property, id: { const: 1 } }, { required: ['id'], $defs });
    expect(text.replace(/^id: 1\n/, '')).toBe(off);
  });

  it('begin with what is required, on, whatever the order in the schema', () => {
    const text = written(
      {
        a: { default: 1 },
        token: { type: 'string', secret: true },
        account: { type: 'string' },
        region: { default: 'eu' },
      },
      { allOf: [{ required: ['account'] }], required: ['token'] },
    );
    expect(text).toBe('token: ${SHOP_TOKEN}\naccount: <text>\n#a: 1\n#region: eu');
  });

  it('take of several forms the first', () => {
    const forms = [
      {
        required: ['user', 'password'],
        properties: { user: { type: 'string' }, password: { type: 'string', secret: true } },
      },
      { required: ['token'], properties: { token: { type: 'string', secret: true } } },
    ];
    expect(written({}, { anyOf: forms })).toBe('user: <text>\npassword: ${SHOP_PASSWORD}\n#token: ${SHOP_TOKEN}');
  });

  it('have a secret on where nothing is required, unless one is given already', () => {
    const properties = {
      schema: { default: 'public' },
      url: { type: 'string', secret: true },
      key: { type: 'string', secret: true },
    };
    expect(written(properties)).toBe('url: ${SHOP_URL}\n#schema: public\n#key: ${SHOP_KEY}');
    expect(written(properties, {}, { key: '${KEY}' })).toBe('#schema: public\n#url: ${SHOP_URL}\nkey: ${KEY}');
    expect(written(properties, {}, { key_file: 'key.txt' })).toBe(
      '#schema: public\n#url: ${SHOP_URL}\nkey_file: key.txt',
    );
  });

  it('are on where they are given, at any depth, and stay where they are', () => {
    const limits = { type: 'object', properties: { size: { default: 1 }, time: { default: 2 } } };
    const given = { limits: { time: 9 }, map: { x: 1 }, other: [1] };
    expect(written({ a: { default: 0 }, limits, map: { type: 'object' } }, {}, given)).toBe(
      '#a: 0\nlimits:\n  #size: 1\n  time: 9\nmap:\n  x: 1\nother:\n  - 1',
    );
  });

  it('never leave a required object empty, which would be null', () => {
    const required = { required: ['auth'] };
    const properties = (key: object) => ({ auth: { type: 'object', properties: { key } } });
    expect(written(properties({ type: 'string' }), required)).toBe('# Its keys: key.\nauth: {}');
    expect(written(properties({ default: 1 }), required)).toBe('auth:\n  key: 1');
  });

  it('end somewhere when a schema is in itself', () => {
    const schema = {
      required: ['id'],
      properties: { id: { default: 1 }, more: { $ref: '#' }, list: { type: 'array', items: { $ref: '#' } } },
    };
    expect(settingLines(configSettings(schema, {}, 'x')).length).toBeLessThan(200);
  });

  it.each<JsonSchema>([
    {},
    { type: 'string' },
    { properties: null },
    { required: 'x', properties: 3, anyOf: [4], $ref: '#/nowhere' },
  ])('are none where the schema has none: %j', (schema) => expect(configSettings(schema, {}, 'x')).toEqual([]));

  it('name variables as a shell can take them', () => {
    const properties = { 'api-key.v2': { secret: true }, ключ: { secret: true } };
    const settings = configSettings({ properties, required: Object.keys(properties) }, {}, '3d-shop');
    expect(settings.map(({ value }) => value)).toEqual(['${_3D_SHOP_API_KEY_V2}', '${_3D_SHOP_____}']);
  });
});
