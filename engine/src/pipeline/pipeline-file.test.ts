// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import { CodedError } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { parsePipeline } from './pipeline-file.ts';

const env = { KEY: 'sk_test_1', EMPTY: '' };
const parse = (text: string) => parsePipeline(text, 'p.yaml', env);

/** The error of a text, as its user sees it. */
function errorOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.exitCode} ${error.message}`;
    throw error;
  }
  throw new Error('it was accepted');
}

const base = 'source:\n  type: stripe\n';

describe('a pipeline file', () => {
  it('is YAML or JSON, and ${NAME} in it is the environment', () => {
    const yaml = parse('source:\n  type: stripe\n  stripe:\n    api_key: ${KEY}\n    rate_limit: 5\n');
    expect(yaml.source).toEqual({ kind: 'type', type: 'stripe', config: { api_key: 'sk_test_1', rate_limit: 5 } });
    expect(parse('{"source": {"type": "stripe", "stripe": {"api_key": "${KEY}", "rate_limit": 5}}}')).toEqual(yaml);
  });

  it('takes what a variable holds as it is, and $${NAME} as the text ${NAME}', () => {
    const text = 'source: {type: x, x: {a: "${HOLDS}", b: "$${KEY}", c: "$$${KEY}"}}';
    const { source } = parsePipeline(text, 'p.yaml', { HOLDS: 'p${KEY}d', KEY: 'k' });
    expect(source.config).toEqual({ a: 'p${KEY}d', b: '${KEY}', c: '$${KEY}' });
  });

  it('takes a connector as type, command or image', () => {
    expect(parse('source: {type: stripe, stripe: }').source).toEqual({ kind: 'type', type: 'stripe', config: {} });
    expect(parse('source: {command: [node, "my source.mjs"], config: {a: 1}}').source).toEqual({
      kind: 'command',
      command: ['node', 'my source.mjs'],
      config: { a: 1 },
    });
    expect(parse('source: {image: registry/source-x}').source).toEqual({
      kind: 'image',
      image: 'registry/source-x',
      config: {},
    });
  });

  it.each([
    ['', 'file_unreadable 2 The pipeline file p.yaml is empty.'],
    ['source: [', 'file_invalid 2 p.yaml:1:10: '],
    ['source: *nowhere', 'file_invalid 2 p.yaml: Unresolved alias'],
    [
      `a: &a [${'x,'.repeat(9)}]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [*c, *c]`,
      'file_invalid 2 p.yaml: Excessive alias count',
    ],
    ['a: 1\na: 2', 'file_invalid 2 p.yaml:2:1: Map keys must be unique.'],
    [
      'just text',
      'config_invalid 20 p.yaml: a pipeline is an object with the keys name, source, destination, streams, state, launcher, docker, metrics.',
    ],
    [
      `${base}nmae: x`,
      'p.yaml:3:1: unknown key "nmae". Did you mean "name"? Valid keys: name, source, destination, streams, state',
    ],
    [
      'source:\n  type: stripe\n  stripe: {}\n  strip: {}',
      'p.yaml:4:3: source: unknown key "strip". Did you mean "stripe"? Valid keys: type, stripe',
    ],
    [
      'source:\n  type: strpe\n  stripe: {}',
      'p.yaml:2:9: source.type: the type is "strpe", but the config stands under "stripe": both have to be the same name',
    ],
    [
      'source: {}',
      'p.yaml:1:9: source: expected exactly one of: type (with its config under that name), command, image, pipes',
    ],
    ['source: {command: node x.mjs}', 'p.yaml:1:19: source.command: '],
    ['name: x', 'p.yaml: source: expected exactly one of'],
    [`${base}streams: [{name: a}, {name: a}]`, 'p.yaml:3:29: streams[1].name: stream "a" is there twice'],
    [
      `${base}streams: [{name: a, sync_mode: incremental, destination_sync_mode: overwrite}]`,
      'overwrite replaces all rows',
    ],
    [`${base}streams: [{name: a, time_range: {gt: "2026-01-01T00:00:00Z"}}]`, 'unknown key "gt". Did you mean "gte"?'],
    [`${base}streams: [{name: a, time_range: {gte: 2026}}]`, 'streams[0].time_range.gte: '],
    [`${base}state: {postgres: {uri: x}}`, 'state'],
    [`${base}state: {postgres: {url: x, url_file: y}}`, 'state.postgres: expected either url or url_file'],
    [
      'source: {type: stripe, stripe: {api_key: "${NO_SUCH}"}}',
      'config_invalid 20 source.stripe.api_key: the environment variable NO_SUCH is not set.',
    ],
    ['source: {type: stripe, stripe: {api_key: "${EMPTY}"}}', 'the environment variable EMPTY is not set'],
  ])('refuses %j, saying where and what', (text, expected) => {
    expect(errorOf(text)).toContain(expected);
  });

  it('is never quoted in an error: a secret may stand on that line', () => {
    expect(errorOf('source: {type: stripe, stripe: {api_key: sk_live_secret')).not.toContain('sk_live_secret');
  });
});
