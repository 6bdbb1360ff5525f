// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keysAt, type SpecPayload } from '@penstock/protocol';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { buildConfig } from './pipeline/connector-config.ts';
import { readPipelineFile } from './pipeline/pipeline-file.ts';
import { allOn } from './pipeline/testing.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-init-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fake = (name: string): string =>
  JSON.stringify(['node', join(import.meta.dirname, `launch/testing/${name}.mjs`)]);
const script = (code: string): string => JSON.stringify(['node', '--input-type=module', '-e', code]);
const noVariables = { STRIPE_API_KEY: '', POSTGRES_URL: '' };
const stripeToPostgres = ['--source', 'stripe', '--destination', 'postgres'];
const inFolder = (name: string) => join(folder, name);

describe('penstock init', () => {
  it('writes a file for two connectors that the engine takes once the variables that it names are set', async () => {
    const file = inFolder('pipeline.yaml');
    const written = await callPenstock(['init', file, ...stripeToPostgres], noVariables);
    expect([written.exitCode, written.stdout]).toEqual([0, '']);
    expect(written.stderr).toBe(
      [
        `Wrote ${file}. What is next:`,
        '  1. Set STRIPE_API_KEY and POSTGRES_URL in the environment.',
        `  2. penstock check --config ${file}`,
        `  3. penstock sync --config ${file}\n`,
      ].join('\n'),
    );
    const environment = { STRIPE_API_KEY: 'sk_test_1', POSTGRES_URL: 'postgres://me@localhost/db' };
    const pipeline = await readPipelineFile(file, environment);
    expect(pipeline).toEqual({
      name: 'pipeline',
      source: { kind: 'type', type: 'stripe', config: { api_key: 'sk_test_1' } },
      destination: { kind: 'type', type: 'postgres', config: { url: 'postgres://me@localhost/db' } },
    });

    const { stdout } = await callPenstock(['spec', ...stripeToPostgres, '--json']);
    const specs = stdout.split(/^(?=\{)/m).map((text) => JSON.parse(text) as SpecPayload);
    const text = await readFile(file, 'utf8');
    const everything = parse(allOn(text)) as Record<string, Record<string, Record<string, unknown>>>;
    for (const [i, side] of (['source', 'destination'] as const).entries()) {
      const schema = specs[i]!.config;
      const { type, config } = pipeline[side] as { type: string; config: Record<string, unknown> };
      const parts = { schema, place: side, flags: [], environmentPrefix: undefined, environment: {} };
      expect(buildConfig({ ...parts, config })).toEqual(config);
      expect(Object.keys(everything[side]![type]!).sort()).toEqual(keysAt(schema, []).sort());
      for (const key of keysAt(schema, [])) expect(text).toMatch(new RegExp(`^ +# .*\\n +#?${key}:`, 'm'));
    }
  });

  it('leaves a file that is there alone, unless --force is given', async () => {
    const file = inFolder('mine.yaml');
    await writeFile(file, 'name: mine\n');
    const args = ['init', '--config', file, '--source.command', fake('fake-source')];
    const refused = await callPenstock(args);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      `penstock: ${file} exists already. Name another file, or replace it with --force.\n`,
    ]);
    expect(await readFile(file, 'utf8')).toBe('name: mine\n');
    const forced = await callPenstock([...args, '--force']);
    expect(forced.exitCode).toBe(0);
    expect(forced.stderr).toContain('  1. Put in source.config.streams.\n');
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({ name: 'mine', source: { config: { streams: {} } } });
  });

  it('prints to stdout, with what flags say, and takes no secret by a flag', async () => {
    const args = [
      'init',
      '-',
      '--source.command',
      fake('fake-source'),
      '--destination.command',
      fake('fake-destination'),
    ];
    const flags = [
      '--source.config.mode',
      'good',
      '--source.config.api-key',
      '${KEY}',
      '--streams',
      'a,b',
      '--name',
      'x y',
    ];
    const { exitCode, stdout, stderr } = await callPenstock([...args, ...flags]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Set KEY in the environment')]);
    expect(parse(stdout)).toMatchObject({
      name: 'x y',
      source: {
        command: ['node', expect.stringContaining('fake-source.mjs')],
        config: { mode: 'good', api_key: '${KEY}' },
      },
      streams: [{ name: 'a' }, { name: 'b' }],
      state: { file: 'x-y.state.json' },
    });
    const refused = await callPenstock([...args, '--source.config.api-key', 'sk_live_1']);
    expect([refused.exitCode, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('--source.config.api-key is a secret');
  });

  it('points editors at the schema of the engine that the project has', async () => {
    const project = inFolder('project');
    const schema = join(project, 'node_modules/@penstock/engine/schema');
    await mkdir(schema, { recursive: true });
    await writeFile(join(schema, 'pipeline.json'), '{}');
    await mkdir(join(project, 'pipelines'));
    const file = join(project, 'pipelines/orders.yaml');
    expect((await callPenstock(['init', file, '--source.command', fake('fake-source')])).exitCode).toBe(0);
    const [first] = (await readFile(file, 'utf8')).split('\n');
    expect(first).toBe('# yaml-language-server: $schema=../node_modules/@penstock/engine/schema/pipeline.json');
  });

  const spec = (config: unknown) =>
    script(`console.log(${JSON.stringify(JSON.stringify({ type: 'spec', spec: { config, protocol_version: 1 } }))})`);
  it.each<[what: string, args: string[], exitCode: number, says: RegExp]>([
    ['no source', [], 2, /There is no source\. Give --source TYPE/],
    ['a type that there is not', ['--source', 'strip'], 20, /no source of the type "strip": neither the package/],
    ['a program that there is not', ['--source.command', '["no-such-program"]'], 20, /no-such-program/],
    ['a program that fails', ['--source.command', script('process.exit(3)')], 30, /exit(ed)? (code|with) 3/],
    ['a program that is no connector', ['--source.command', script('console.log("hello")')], 40, /no spec message/],
    ['a config schema that is no object', ['--source.command', spec('none')], 40, /no spec message/],
    [
      'an unknown key',
      ['--source.command', fake('fake-source'), '--source.config.strems', '1'],
      2,
      /Did you mean "streams"/,
    ],
    ['flags for pipes', ['--source.pipes', '/p', '--source.config.x', '1'], 2, /config is with whoever starts it/],
    ['JSON', ['--config', 'new.json', '--source', 'stripe'], 2, /init writes YAML/],
    [
      'two files',
      ['a.yaml', '--config', 'b.yaml', '--source', 'stripe'],
      2,
      /Two files are named: a\.yaml and --config b\.yaml/,
    ],
    ['a name that is too long', ['--name', 'x'.repeat(201), '--source.pipes', '/p'], 20, /name: /],
  ])('writes nothing for %s, and says why', async (_what, args, exitCode, says) => {
    const target = args.some((arg) => arg.startsWith('--config')) ? [] : ['--config', inFolder('refused.yaml')];
    const refused = await callPenstock(['init', ...args, ...target]);
    expect([refused.exitCode, refused.stdout]).toEqual([exitCode, '']);
    expect(refused.stderr).toMatch(says);
    expect(await readdir(folder)).not.toContain('refused.yaml');
  });

  it('says it when the folder of the file does not exist', async () => {
    const refused = await callPenstock(['init', inFolder('nowhere/p.yaml'), '--source.pipes', '/p']);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      `penstock: ${inFolder('nowhere/p.yaml')} can't be written: there is no such folder.\n`,
    ]);
  });

  it('takes a connector without any settings', async () => {
    const { exitCode, stdout } = await callPenstock(['init', '-', '--source.command', spec({ type: 'object' })]);
    expect(exitCode).toBe(0);
    expect(parse(stdout).source.config).toEqual({});
  });
});

describe('penstock schema', () => {
  const compile = (text: string) => {
    const { $id: _, ...schema } = JSON.parse(text) as Record<string, unknown>;
    return new Ajv({ strict: false, validateFormats: false }).compile(schema);
  };

  it('is that of any pipeline file, or with the config of the connectors of one, set variables or not', async () => {
    const any = compile((await callPenstock(['schema'])).stdout);
    expect(any({ source: { type: 'stripe', stripe: { api_kye: 'x' } } })).toBe(true);
    expect(any({ source: { type: 'stripe' }, nmae: 'x' })).toBe(false);

    const file = inFolder('known.yaml');
    await writeFile(
      file,
      'source: {type: stripe, stripe: {api_key: "${STRIPE_API_KEY}"}}\ndestination: {type: postgres}\n',
    );
    const printed = await callPenstock(['schema', file], noVariables);
    expect([printed.exitCode, printed.stderr]).toEqual([0, '']);
    const known = compile(printed.stdout);
    expect(
      known({
        source: { type: 'stripe', stripe: { api_key: '${KEY}' } },
        destination: { type: 'postgres', postgres: { url_file: 'x' } },
      }),
    ).toBe(true);
    expect(known({ source: { type: 'stripe', stripe: { api_kye: 'x' } } })).toBe(false);
    const byFlags = compile((await callPenstock(['schema', '--source', 'stripe'])).stdout);
    expect(byFlags({ source: { type: 'stripe', stripe: { api_kye: 'x' } } })).toBe(false);
    expect(byFlags({ source: { type: 'stripe' }, destination: { type: 'other', other: { any: 1 } } })).toBe(true);
  });
});
