import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildConfig } from './connector-config.ts';
import { takeDottedFlags } from './dotted-flags.ts';
import { loadPipeline } from './prepare.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    rate: { type: 'integer', default: 20 },
    key: { type: 'string', secret: true },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: { bytes: { type: 'integer' }, records: { type: 'integer' } },
    },
  },
};

/** The config of a side `shop`; flags are as on a command line. */
function configOf(file: Record<string, unknown>, flags: readonly string[], environment: Record<string, string> = {}) {
  const { flags: dotted } = takeDottedFlags(flags);
  return buildConfig({
    schema,
    place: 'source.shop',
    config: file,
    flags: dotted.map((flag) => ({ ...flag, path: flag.path.slice(1) })),
    environmentPrefix: 'SHOP',
    environment,
  });
}

describe('a key of a connector', () => {
  const layers = [false, true];
  const table = layers.flatMap((flag) =>
    layers.flatMap((file) => layers.map((environment) => ({ flag, file, environment }))),
  );

  it.each(table)('is taken from the strongest that says it: %o', ({ flag, file, environment }) => {
    const config = configOf(
      file ? { rate: 2 } : {},
      flag ? ['--shop.rate', '1'] : [],
      environment ? { SHOP_RATE: '3' } : {},
    );
    // Where nobody says it, it is the connector's to fill in its default.
    expect(config.rate).toBe(flag ? 1 : file ? 2 : environment ? 3 : undefined);
  });

  it('is set within an object of the file, whose other keys stay', () => {
    const file = { limits: { bytes: 1, records: 2 }, rate: 3 };
    expect(configOf(file, ['--shop.limits.records', '9'])).toEqual({ limits: { bytes: 1, records: 9 }, rate: 3 });
    expect(file.limits.records).toBe(2);
  });

  it('displaces its other form, a file or a value, wherever that was said', () => {
    expect(configOf({ key_file: '/a' }, [], { SHOP_KEY: 'k' })).toEqual({ key_file: '/a' });
    expect(configOf({ key: 'k' }, ['--shop.key-file', '/b'])).toEqual({ key_file: '/b' });
  });

  it.each([
    ['a flag', {}, ['--shop.rat', '1']],
    ['the file', { rat: 1 }, []],
    ['a nested key', { limits: { record: 1 } }, []],
  ])('that is unknown is refused with the nearest valid one: %s', (_where, file, flags) => {
    expect(() => configOf(file, flags)).toThrow(
      /unknown key "(rat|record)"\. Did you mean "(rate|records)"\? Valid keys: /,
    );
  });

  it('that is secret is refused as a flag, unless the flag names a variable or a file', () => {
    expect(() => configOf({}, ['--shop.key', 'sk_1'])).toThrow(/^--shop\.key is a secret/);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the user's syntax
    expect(configOf({}, ['--shop.key', '${MINE}'], { MINE: 'sk_2' })).toEqual({ key: 'sk_2' });
    expect(configOf({}, ['--shop.key-file', '/k'])).toEqual({ key_file: '/k' });
  });
});

describe('a key of the pipeline', () => {
  let folder: string;
  let config: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'penstock-precedence-'));
    config = join(folder, 'orders.yaml');
    const content = {
      source: { type: 'shop', shop: { rate: 2 } },
      destination: { type: 'postgres', postgres: {} },
      streams: [{ name: 'a', backfill_limit: 5 }, { name: 'b' }],
      state: { file: 'file.json' },
      launcher: 'process',
    };
    await writeFile(config, JSON.stringify(content));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const load = (flags: Partial<Parameters<typeof loadPipeline>[0]> = {}) =>
    loadPipeline({ config, flags: [], environment: {}, ...flags });

  it('is the word of the file where no flag says otherwise, and then all the others stay', async () => {
    const plain = await load();
    expect(plain).toMatchObject({ name: 'orders', state: { file: 'file.json' }, launcher: 'process' });
    const cases = [
      [{ name: 'n' }, { name: 'n' }],
      [{ state: 's.json' }, { state: { file: 's.json' } }],
      [{ launcher: 'docker' }, { launcher: 'docker' }],
      [{ streams: ['a'] }, { streams: [{ name: 'a', backfill_limit: 5 }] }],
      [{ source: 'shop' }, { source: plain.source }],
      [{ source: 'other' }, { source: { kind: 'type', type: 'other', config: {} } }],
      [{ destination: 'other' }, { destination: { kind: 'type', type: 'other', config: {} } }],
    ] as const;
    for (const [flags, changed] of cases)
      expect(await load(flags), JSON.stringify(flags)).toEqual({ ...plain, ...changed });
  });

  it('that is unknown is refused with the nearest valid one', async () => {
    const path = join(folder, 'bad.yaml');
    await writeFile(path, 'source: {type: shop}\nstrems: []\n');
    await expect(load({ config: path })).rejects.toThrow(
      /bad\.yaml:2:1: unknown key "strems"\. Did you mean "streams"\?/,
    );
  });
});
