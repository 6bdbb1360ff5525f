// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonSchema } from '@penstock/protocol';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type KnownConnector, pipelineJsonSchema } from './pipeline-json-schema.ts';
import { pipelinePage } from './pipeline-page.ts';
import { pipelineKeys, pipelineSchema } from './pipeline-schema.ts';

const root = join(import.meta.dirname, '../../..');
const ajv = new Ajv({ strict: false, validateFormats: false });
const compile = (schema: JsonSchema) => {
  const { $id: _, ...rest } = schema;
  return ajv.compile(rest);
};
const accepts = compile(pipelineJsonSchema());

/** Every pipeline file, or part of one, that the docs show and the repository has. */
function examples(): [where: string, pipeline: Record<string, unknown>][] {
  const files = ['docs', 'docker', 'README.md'].flatMap((place) =>
    place.endsWith('.md')
      ? [place]
      : readdirSync(join(root, place), { recursive: true, encoding: 'utf8' }).map((name) => join(place, name)),
  );
  const texts = files.flatMap((file): [string, string][] => {
    if (/\/pipeline[^/]*\.yaml$/.test(file)) return [[file, readFileSync(join(root, file), 'utf8')]];
    if (!file.endsWith('.md')) return [];
    const page = readFileSync(join(root, file), 'utf8');
    const blocks = /^```yaml\n(.*?)^```$|^cat > \S*\.yaml <<'END'\n(.*?)^END$/gms;
    return [...page.matchAll(blocks)].map((match) => [file, (match[1] ?? match[2])!]);
  });
  return texts.flatMap(([file, text]): [string, Record<string, unknown>][] => {
    const value: unknown = parse(text);
    if (typeof value !== 'object' || value === null || Object.keys(value).some((key) => !pipelineKeys.includes(key)))
      return [];
    return [[`${file}: ${text.split('\n')[0]}`, { source: { type: 'stripe' }, ...value }]];
  });
}

describe('the schema of the pipeline file', () => {
  it('is the one that is checked in (npm run generate -w @penstock/engine)', () => {
    const file = JSON.parse(readFileSync(join(root, 'engine/schema/pipeline.json'), 'utf8')) as unknown;
    expect(file).toEqual(pipelineJsonSchema());
  });

  it('has every key in the reference page, which is checked in as well', () => {
    const page = readFileSync(join(root, 'docs/reference/pipeline-file.md'), 'utf8');
    expect(page).toBe(pipelinePage());
    const keys = ['`source` (needed)', '`type`', '`streams[].name` (needed)', '`streams[].time_range.gte`'];
    for (const key of [...keys, '`state.postgres.url_file`', '`state.file`', '`docker.pull`', '`metrics.port`']) {
      expect(page).toContain(`\n| ${key} |`);
    }
    expect(page).not.toContain('undefined');
  });

  it('accepts every example in the docs and every pipeline file of the repository', () => {
    const found = examples();
    expect(found.length).toBeGreaterThan(12);
    for (const [where, pipeline] of found) {
      expect(accepts(pipeline), `${where} ${ajv.errorsText(accepts.errors)}`).toBe(true);
    }
  });

  const source = { type: 'stripe', stripe: { api_key: '${KEY}' } };
  it.each<[verdict: 'good' | 'bad', pipeline: object]>([
    ['good', { source }],
    ['good', { $schema: './pipeline.json', name: 'x', source, destination: { image: 'a/b:1', config: null } }],
    ['good', { source: { type: 'stripe', stripe: null } }],
    [
      'good',
      { source: { command: ['node', 'x.mjs'] }, destination: { pipes: '/pipes' }, state: { file: 'state.json' } },
    ],
    ['good', { source, state: { postgres: { url_file: 'x', ssl_ca_pem: 'PEM' } } }],
    ['good', { source, streams: [{ name: '*' }, { name: 'a', fields: ['id'], backfill_limit: 1 }] }],
    [
      'good',
      {
        source,
        streams: [{ name: 'a', time_range: { gte: '2026-01-01T00:00:00Z', lt: '2026-02-01T00:00:00.5+00:00' } }],
      },
    ],
    ['good', { source, launcher: 'docker', docker: { memory: '512M', cpus: 1.5, pull: 'never', network: 'x' } }],
    ['bad', {}],
    ['bad', { source: {} }],
    ['bad', { source, nmae: 'x' }],
    ['bad', { source, name: '' }],
    ['bad', { source, name: 'x'.repeat(201) }],
    ['bad', { source: { ...source, strip: {} } }],
    ['bad', { source: { ...source, command: ['x'] } }],
    ['bad', { source: { type: 'Stripe!' } }],
    ['bad', { source: { command: [] } }],
    ['bad', { source: { command: 'node x.mjs' } }],
    ['bad', { source: { command: ['x'], confg: {} } }],
    ['bad', { source: { image: 'a b' } }],
    ['bad', { source: { pipes: '/pipes', config: {} } }],
    ['bad', { source, streams: [] }],
    ['bad', { source, streams: [{ sync_mode: 'incremental' }] }],
    ['bad', { source, streams: [{ name: 'a', sync_mode: 'all' }] }],
    ['bad', { source, streams: [{ name: 'a', filter: {} }] }],
    ['bad', { source, streams: [{ name: 'a', backfill_limit: 0 }] }],
    ['bad', { source, streams: [{ name: 'a', time_range: { gt: '2026-01-01T00:00:00Z' } }] }],
    ['bad', { source, streams: [{ name: 'a', time_range: { gte: '2026-01-01' } }] }],
    ['bad', { source, state: {} }],
    ['bad', { source, state: { file: 'x', postgres: { url: 'x' } } }],
    ['bad', { source, state: { postgres: { url: 'x', url_file: 'y' } } }],
    ['bad', { source, state: { postgres: { uri: 'x' } } }],
    ['bad', { source, launcher: 'podman' }],
    ['bad', { source, docker: { memory: 'lots' } }],
    ['bad', { source, docker: { cpu: 1 } }],
  ])('calls %s what the engine does: %j', (verdict, pipeline) => {
    expect([accepts(pipeline), pipelineSchema.safeParse(pipeline).success]).toEqual(Array(2).fill(verdict === 'good'));
  });

  it('lets a reference to the environment stand for any text', () => {
    const streams = [{ name: '${A}', sync_mode: '${B}', time_range: { gte: '${C}' } }];
    const pipeline = { source: { type: '${T}' }, name: '${N}', streams, launcher: '${L}', docker: { memory: '${M}' } };
    expect(accepts(pipeline), ajv.errorsText(accepts.errors)).toBe(true);
    expect(accepts({ source, docker: { cpus: '${NO_TEXT}' } })).toBe(false);
  });

  it('says of every key what it is', () => {
    const silent: string[] = [];
    const look = (part: unknown, path: string): void => {
      if (typeof part !== 'object' || part === null) return;
      const { properties } = part as { properties?: Record<string, { description?: string }> };
      for (const [key, below] of Object.entries(properties ?? {})) {
        if (typeof below.description !== 'string') silent.push(`${path}.${key}`);
      }
      for (const [key, below] of Object.entries(part)) look(below, `${path}.${key}`);
    };
    look(pipelineJsonSchema(), '');
    expect(silent).toEqual([]);
  });
});

describe('the schema of files with known connectors', () => {
  const schema: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['token'],
    additionalProperties: false,
    properties: {
      token: { type: 'string', pattern: '^tk_', secret: true },
      port: { type: 'integer' },
      mode: { oneOf: [{ const: 'fast' }, { const: 'slow' }] },
      proxy: { $ref: '#/$defs/proxy', description: 'A proxy.' },
      pair: { type: 'array', prefixItems: [{ type: 'string' }, { $ref: '#/$defs/rule' }], items: false },
      rules: { type: 'array', items: { $ref: '#/$defs/rule' } },
      pairs: {
        type: 'array',
        items: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
      },
    },
    $defs: {
      proxy: {
        type: 'object',
        required: ['host'],
        properties: { host: { type: 'string' } },
        additionalProperties: false,
      },
      rule: { type: 'object', properties: { if: { enum: ['a', 'b'] } }, additionalProperties: false },
    },
  };
  const known = (choice: KnownConnector['choice']) => compile(pipelineJsonSchema({ source: { choice, schema } }));
  const ofType = known({ kind: 'type', type: 'shop', config: {} });
  const shop = (config: object | null) => ({ source: { type: 'shop', shop: config } });

  it.each<[verdict: boolean, config: object | null]>([
    [true, { token: 'tk_1', port: 1, mode: 'fast', proxy: { host: 'x' }, rules: [{ if: 'a' }] }],
    [true, { token: '${TOKEN}', mode: '${MODE}', rules: [{ if: '${RULE}' }] }],
    [true, { token_file: '/run/token', proxy: { host_file: 'x' } }],
    // From the environment or a flag.
    [true, {}],
    [true, null],
    [true, { proxy: {} }],
    [true, { pair: ['a', { if: 'a' }] }],
    [false, { pair: ['a', { if: 'c' }] }],
    [false, { pair: ['a', { if: 'a' }, 1] }],
    [false, { tokn: 'tk_1' }],
    [false, { token: 'other' }],
    [false, { port: '${PORT}' }],
    [false, { port_file: 'x' }],
    [false, { mode: 'other' }],
    [false, { proxy: { hots: 'x' } }],
    [false, { rules: [{ if: 'c' }] }],
    [true, { pairs: [{ a: 'x' }] }],
    [false, { pairs: [{ a_file: 'x' }] }],
  ])('is %s of a config %j', (verdict, config) => {
    expect(ofType(shop(config)), ajv.errorsText(ofType.errors)).toBe(verdict);
  });

  it('takes the connector in the form in which it was chosen, and the other side in any', () => {
    expect(ofType({ ...shop({}), destination: { command: ['x'], config: { any: 1 } } })).toBe(true);
    expect(ofType({ source: { type: 'other' } })).toBe(false);
    expect(ofType({ source: { type: 'shop', shp: {} } })).toBe(false);
    const ofCommand = known({ kind: 'command', command: ['x'], config: {} });
    expect(ofCommand({ source: { command: ['y'], config: { port: 1 } } })).toBe(true);
    expect(ofCommand({ source: { command: ['y'], config: { prt: 1 } } })).toBe(false);
    const ofImage = known({ kind: 'image', image: 'x', config: {} });
    expect(ofImage({ source: { image: 'y', config: { prt: 1 } } })).toBe(false);
    expect(known({ kind: 'pipes', pipes: 'x', config: {} })({ source: { pipes: 'y' } })).toBe(true);
  });
});
