// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import { CodedError } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { buildConfig } from './connector-config.ts';
import { assignFlags, takeDottedFlags } from './dotted-flags.ts';

const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  required: ['api_key'],
  properties: {
    api_key: { type: 'string', pattern: '^sk_', secret: true, description: 'Key of the API.' },
    base_url: { type: 'string', format: 'uri' },
    rate_limit: { type: 'number', exclusiveMinimum: 0 },
    verbose: { type: 'boolean' },
    mode: { enum: ['fast', 'slow'] },
    tls: { type: 'object', additionalProperties: false, properties: { ca_pem: { type: 'string' } } },
  },
};
const environment = { API_KEY: 'sk_from_env' };

function build(config: Record<string, unknown>, argv: string[] = [], env: Record<string, string> = environment) {
  const flags = assignFlags(takeDottedFlags(argv).flags, { source: 'stripe', destination: 'postgres' }).source;
  return buildConfig({ schema, place: 'source.stripe', config, flags, environmentPrefix: 'STRIPE', environment: env });
}

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return `${error.exitCode} ${error.text.trim()}`;
    throw error;
  }
  throw new Error('it was accepted');
}

describe("a connector's config", () => {
  it('is the file with flags put over it, kebab for snake, and JSON where the schema wants no string', () => {
    const argv = [
      '--stripe.rate-limit',
      '50',
      '--source.stripe.base-url=123',
      '--stripe.verbose',
      '--stripe.tls.ca-pem',
      'x',
    ];
    expect(build({ api_key: 'sk_1', rate_limit: 5 }, argv)).toEqual({
      api_key: 'sk_1',
      rate_limit: 50,
      base_url: '123',
      verbose: true,
      tls: { ca_pem: 'x' },
    });
  });

  it('leaves to other flags what is theirs, and takes negative numbers and types with a hyphen', () => {
    const { flags, rest } = takeDottedFlags([
      'sync',
      '--google-ads.verbose',
      '-c',
      'p.yaml',
      '--google-ads.level',
      '-5',
    ]);
    expect(rest).toEqual(['sync', '-c', 'p.yaml']);
    const { source } = assignFlags(flags, { source: 'google-ads', destination: 'postgres' });
    expect(source.map(({ path, value }) => [path.join('.'), value])).toEqual([
      ['verbose', undefined],
      ['level', '-5'],
    ]);
  });

  it('takes from the environment what neither file nor flags give', () => {
    const env = { STRIPE_API_KEY: 'sk_2', STRIPE_RATE_LIMIT: '7', STRIPE_BASE_URL: 'u', OTHER_MODE: 'x' };
    expect(build({ base_url: 'mine' }, [], env)).toEqual({ api_key: 'sk_2', rate_limit: 7, base_url: 'mine' });
    expect(build({ api_key_file: '/key' }, [], env)).not.toHaveProperty('api_key');
  });

  it('leaves _file keys to the connector', () => {
    expect(build({ api_key_file: '/run/key', tls: { ca_pem_file: '/ca' } })).toEqual({
      api_key_file: '/run/key',
      tls: { ca_pem_file: '/ca' },
    });
    expect(build({ api_key: 'sk_1' }, ['--stripe.api-key-file', '/run/key'])).toEqual({ api_key_file: '/run/key' });
  });

  it('takes no secret from a flag, but a reference to the environment', () => {
    const refused = errorOf(() => build({}, ['--stripe.api-key', 'sk_live_1']));
    expect(refused).toMatch(/^2 .*--stripe.api-key is a secret/);
    expect(refused).toContain('${STRIPE_API_KEY}');
    expect(refused).toContain('--stripe.api-key-file');
    expect(refused).not.toContain('sk_live_1');
    expect(build({}, ['--stripe.api-key', '${API_KEY}'])).toEqual({ api_key: 'sk_from_env' });
  });

  it.each([
    [
      { api_key: 'sk_1', ratelimit: 5 },
      'source.stripe.ratelimit: unknown key "ratelimit". Did you mean "rate_limit"? Valid keys: api_key,',
    ],
    [{ api_key: 'sk_1', tls: { ca: 'x' } }, 'source.stripe.tls.ca: unknown key "ca". Valid keys: ca_pem'],
    [{}, 'source.stripe.api_key is missing (Key of the API): set STRIPE_API_KEY, or'],
    [{ api_key: 'sk_1', rate_limit: '5' }, 'source.stripe.rate_limit: must be number'],
    [{ api_key: 'sk_1', rate_limit: -1 }, 'source.stripe.rate_limit: must be > 0'],
    [{ api_key: 'sk_1', mode: 'quick' }, 'source.stripe.mode: expected one of fast, slow'],
    [{ api_key: 'sk_1', api_key_file: '/x' }, 'source.stripe.api_key_file: api_key is given too'],
    [{ api_key: 'pk_secret' }, 'source.stripe.api_key: must match pattern'],
  ])('refuses %j with path and reason, and shows no value', (config, expected) => {
    const error = errorOf(() => build(config));
    expect(error).toContain(expected);
    expect(error).toMatch(/^20 /);
    expect(error).not.toContain('pk_secret');
  });

  it.each([
    [
      ['--stripe.ratelimit', '5'],
      '2 --stripe.ratelimit: unknown key "ratelimit". Did you mean "rate_limit"? Valid keys: api_key,',
    ],
    [['--strip.rate-limit', '5'], '2 --strip.rate-limit: nothing here is called "strip"'],
    [['--source.postgres.x', '5'], '2 --source.postgres.x: expected --source.stripe.KEY'],
  ])('refuses the flags %j', (argv, expected) => {
    expect(errorOf(() => build({ api_key: 'sk_1' }, argv))).toContain(expected);
  });
});

describe('dotted flags', () => {
  it('are taken out of the command line, the rest stays in order', () => {
    const { flags, rest } = takeDottedFlags([
      'sync',
      '--a.b-c',
      '-5',
      '--plain',
      '--a.d',
      '--x',
      'y',
      '--a.e=',
      '-c',
      'f',
    ]);
    expect(flags).toEqual([
      { flag: '--a.b-c', path: ['a', 'b_c'], value: '-5' },
      { flag: '--a.d', path: ['a', 'd'], value: undefined },
      { flag: '--a.e', path: ['a', 'e'], value: '' },
    ]);
    expect(rest).toEqual(['sync', '--plain', '--x', 'y', '-c', 'f']);
  });

  it('by type are refused where both sides have that type', () => {
    const { flags } = takeDottedFlags(['--postgres.schema', 'x']);
    expect(() => assignFlags(flags, { source: 'postgres', destination: 'postgres' })).toThrow(/both sides/);
    const sided = takeDottedFlags(['--destination.postgres.schema', 'x']).flags;
    expect(assignFlags(sided, { source: 'postgres', destination: 'postgres' }).destination).toMatchObject([
      { path: ['schema'] },
    ]);
  });
});
