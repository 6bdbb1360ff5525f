// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import type { JsonSchema } from '@penstock/protocol';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findConfigProblems } from './connector-config.ts';
import { withOwnReferences } from './environment.ts';
import { type NewPipeline, type NewSide, newPipelineFile } from './new-pipeline-file.ts';
import { parsePipeline } from './pipeline-file.ts';
import { pipelineJsonSchema } from './pipeline-json-schema.ts';
import { pipelineKeys } from './pipeline-schema.ts';
import { allOn } from './testing.ts';

const side = (type: string, schema: JsonSchema = {}, given = {}): NewSide => {
  return { choice: { kind: 'type', type, config: {} }, schema, given };
};
const write = (pipeline: Partial<NewPipeline>) =>
  newPipelineFile({ name: 'p', source: side('shop'), destination: side('postgres'), docker: {}, ...pipeline });
/** As the engine reads it, with every variable that it names set. */
const read = (text: string) => parsePipeline(text, 'p.yaml', withOwnReferences({}));

/** With everything on, but for the sections whose values are for their reader to make up. */
const turnedOn = (text: string) => allOn(text).replace(/^(docker|metrics):\n(?: .*\n)*/gm, '');

const made: Readonly<Record<string, JsonSchema>> = {
  nothing: { type: 'object', additionalProperties: false },
  'all that YAML knows as a word': {
    type: 'object',
    properties: Object.fromEntries(
      ['null', 'true', 'no', 'on', 'y', '~', '<<', '-', '#', 'a: b', '1', '', 'name', '${X}'].map((key) => [
        key,
        { default: key },
      ]),
    ),
    additionalProperties: false,
  },
  'words that look like a file': {
    type: 'object',
    properties: {
      a: {
        default: 1,
        description: 'Two lines:\n  - "one": \'#2\' # 3\r\n\r\n#key: value\n---\n...\n%YAML 1.1\n\t{[\u0007',
      },
      b: { default: '# x: "y"\nz', description: '# already a comment' },
      c: { default: ['a, b', '- c', { d: '${E' }], description: '   ' },
    },
    additionalProperties: false,
  },
  'objects in objects': {
    type: 'object',
    properties: {
      auth: {
        type: 'object',
        required: ['token'],
        properties: { token: { type: 'string', secret: true }, ttl: { default: 60 } },
      },
      retry: {
        type: 'object',
        properties: { tries: { default: 3 }, wait: { type: 'object', properties: { s: { default: 1.5 } } } },
      },
      lists: { type: 'array', default: [{ a: [1, null, 'x'] }] },
    },
    required: ['auth'],
    additionalProperties: false,
  },
};

describe('a new pipeline file', () => {
  it.each(Object.entries(made))('of %s is one that the engine takes, also with everything on', (_what, schema) => {
    const choices = [
      side('shop', schema),
      { ...side('x', schema), choice: { kind: 'command', command: ['node', 'x'], config: {} } as const },
    ];
    for (const source of choices) {
      const { text, placeholders } = write({ source });
      expect(placeholders).toEqual([]);
      const accepts = new Ajv({ strict: false, validateFormats: false }).compile(
        pipelineJsonSchema({ source: { ...source, schema } }),
      );
      for (const variant of [text, turnedOn(text)]) {
        const { config } = read(variant).source;
        expect(findConfigProblems(config, { schema, place: 'source' }), variant).toEqual([]);
        expect(accepts(parse(variant)), variant).toBe(true);
      }
      expect(Object.keys(read(turnedOn(text)).source.config).sort()).toEqual(
        Object.keys(schema.properties ?? {}).sort(),
      );
    }
  });

  it('is one that the engine takes whatever a connector calls its schema', () => {
    const keyword = fc.constantFrom(
      ...['type', 'properties', 'required', 'default', 'enum', 'const', 'items', 'anyOf', 'oneOf', 'allOf', '$ref'],
      ...['description', 'examples', 'secret', 'additionalProperties', 'a', 'b: #'],
    );
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom(
          'object',
          'array',
          'string',
          '#',
          '#/properties/a',
          '${X}',
          'a',
          true,
          null,
          1,
          ['a'],
          'x\n#y: z',
        ),
        fc.dictionary(keyword, tie('schema'), { maxKeys: 5, noNullPrototype: true }),
        fc.array(tie('schema'), { maxLength: 3 }),
      ),
    }));
    const anySchema = fc.record({
      properties: fc.dictionary(keyword, schema, { maxKeys: 4, noNullPrototype: true }),
      required: schema,
      anyOf: schema,
    });
    fc.assert(
      fc.property(anySchema, (made) => {
        const { text } = write({ source: side('shop', made) });
        expect(read(text).source.kind).toBe('type');
        expect(Object.keys(read(turnedOn(text)).source.config)).toEqual(
          expect.arrayContaining(Object.keys(made.properties)),
        );
      }),
    );
  });

  it('says what is asked for, and has everything else at its default', () => {
    const { text } = write({});
    expect(read(text)).toEqual({
      name: 'p',
      source: { kind: 'type', type: 'shop', config: {} },
      destination: { kind: 'type', type: 'postgres', config: {} },
    });
    expect(read(text.replace('#docker:', 'docker:').replace('#  pull:', '  pull:'))).toHaveProperty('docker', {
      pull: 'missing',
    });
    for (const key of pipelineKeys) expect(text, key).toMatch(new RegExp(`^#?${key}:`, 'm'));
    expect(read(turnedOn(text))).toMatchObject({
      streams: [{ name: '*' }],
      state: { postgres: { url: '${STATE_DATABASE_URL}' } },
      launcher: 'process',
    });
  });

  it('holds what is given, and a reference to the environment only where one was meant', () => {
    const { text } = write({
      name: 'the ${NAME}',
      source: side('shop', {}, { url: '${SHOP}', text: 'a ${B}', list: ['${C}'] }),
      destination: { choice: { kind: 'image', image: 'x/y:1', config: {} }, schema: {}, given: {} },
      streams: ['a', '*'],
      state: { postgres: { url: '${STATE}' } },
      launcher: 'docker',
      docker: { cpus: 2 },
    });
    expect(parsePipeline(text, 'p.yaml', { SHOP: 'shop', STATE: 'state' })).toEqual({
      name: 'the ${NAME}',
      source: { kind: 'type', type: 'shop', config: { url: 'shop', text: 'a ${B}', list: ['${C}'] } },
      destination: { kind: 'image', image: 'x/y:1', config: {} },
      streams: [{ name: 'a' }, { name: '*' }],
      state: { postgres: { url: 'state' } },
      launcher: 'docker',
      docker: { cpus: 2 },
    });
  });

  it('says where the state is when the engine could not know', () => {
    const elsewhere = (destination: NewSide) => read(write({ name: 'my orders', destination }).text).state;
    expect(elsewhere(side('files'))).toEqual({ file: 'my-orders.state.json' });
    expect(elsewhere({ choice: { kind: 'pipes', pipes: '/p', config: {} }, schema: undefined, given: {} })).toEqual({
      file: 'my-orders.state.json',
    });
    expect(read(write({ destination: undefined }).text)).not.toHaveProperty('state');
    expect(read(write({ destination: undefined }).text)).not.toHaveProperty('destination');
  });

  it('names variables by the side where both sides have the same type', () => {
    const schema = { properties: { url: { type: 'string', secret: true } } };
    const { text } = write({ source: side('postgres', schema), destination: side('postgres', schema) });
    expect(text).toContain('url: ${SOURCE_POSTGRES_URL}');
    expect(text).toContain('url: ${DESTINATION_POSTGRES_URL}');
    const command = { choice: { kind: 'command', command: ['x'], config: {} }, schema, given: {} } as const;
    expect(write({ destination: command }).text).toContain('url: ${DESTINATION_URL}');
  });

  it('names what nobody but its author knows', () => {
    const schema = {
      required: ['a', 'b'],
      properties: { a: { type: 'string' }, b: { properties: { c: { type: 'integer' } }, required: ['c'] } },
    };
    expect(write({ source: side('shop', schema) }).placeholders).toEqual(['source.shop.a', 'source.shop.b.c']);
  });

  it('begins with the address of the schema, if there is one', () => {
    expect(write({ schemaAddress: './x.json' }).text).toMatch(/^# yaml-language-server: \$schema=\.\/x\.json\n/);
    expect(write({}).text).not.toContain('yaml-language-server');
  });
});
