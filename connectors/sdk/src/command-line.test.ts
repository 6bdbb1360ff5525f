import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type Invocation, parseCommandLine } from './command-line.ts';
import type { Source } from './source.ts';
import { runConnectorForTest, testCatalog, testRecord } from './testing/index.ts';
import { smallDestination, smallSource } from './testing/small-connectors.ts';

const source = smallSource(
  async function* () {
    yield testRecord('a', {});
  },
  { sourceInput: z.unknown() },
);

async function refusal(connector: Parameters<typeof parseCommandLine>[0], line: string): Promise<string> {
  const parsed = await parseCommandLine(connector, line.split(' ').filter(Boolean));
  return parsed.kind === 'refused' ? parsed.text : JSON.stringify(parsed);
}

async function invocation(line: string): Promise<Invocation | undefined> {
  const parsed = await parseCommandLine(source, line.split(' '));
  return parsed.kind === 'run' ? parsed.invocation : undefined;
}

describe('a command line', () => {
  test('names a command and its flags', async () => {
    expect(await invocation('read --config - --catalog=c --state s --stop-on-stdin-end')).toBeUndefined();
    expect(await invocation('read --config c --catalog=d --state s --stop-on-stdin-end --output o')).toEqual({
      command: 'read',
      flags: { config: 'c', catalog: 'd', state: 's', 'stop-on-stdin-end': true, output: 'o' },
    });
    expect((await invocation('--config c read --catalog=d'))?.flags).toEqual({ config: 'c', catalog: 'd' });
    expect(await invocation('check --config -')).toEqual({ command: 'check', flags: { config: '-' } });
  });

  test.each([
    ['', 'No command. Commands: spec, check, discover, read.'],
    ['raed', 'There is no such command. Did you mean read?'],
    ['write --config c --catalog c', 'There is no such command.'],
    ['setup --config c', 'There is no such command.'],
    ['read', 'Missing: --config, --catalog.'],
    ['read --confg c', 'There is no flag --confg of read. Did you mean --config?'],
    ['check --config c --catalog c', 'There is no flag --catalog of check.'],
    ['read --config --catalog c', 'Not enough arguments following: config.'],
    ['read --config a --config b --catalog c', '--config is given more than once.'],
    ['read --config - --catalog c --source-input -', 'Only one of --config and --source-input can be read from stdin.'],
    ['read --config c --catalog -', '--catalog can not be -'],
    ['read --config - --catalog c --stop-on-stdin-end', '--stop-on-stdin-end needs stdin for itself'],
    ['read --config c --catalog d --state ./s --output s', '--output and --state name the same file'],
    ['read --text x', 'text is a key of the config file (--config FILE), not a flag.'],
  ])('"%s" is refused in one line: %s', async (line, text) => {
    const refused = await refusal(source, line);
    expect(refused).toContain(text);
    expect(refused).not.toContain('\n');
  });

  test('write refuses to read its config from stdin', async () => {
    expect(await refusal(smallDestination(), 'write --config - --catalog c')).toContain(
      '--config can not be -; give a file.',
    );
  });

  test.each([
    'read --api-key sk_live_1',
    'read --api_key=sk_live_1',
    '--api-key sk_live_1 read',
    'check --apikey sk_live_1',
    'read sk_live_1',
  ])('"%s" is refused without repeating the secret', async (line) => {
    const refused = await refusal(source, line);
    expect(refused).not.toContain('sk_live');
    if (/api[-_]key/.test(line)) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: what a user is to write
      expect(refused).toContain('"api_key": "${ENV_NAME}", or "api_key_file": "PATH"');
    }
  });
});

describe('help', () => {
  test('of the program names the commands and the config keys with their marks', async () => {
    const { stdout, exitCode } = await runConnectorForTest(smallDestination(), ['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('destination-small write');
    expect(stdout).toContain('api_key  (string, default "none-given", secret)\n      Key');
    expect(stdout).toContain('Exit codes: 0 done');
  });

  test('of a command says what it reads and prints, with examples', async () => {
    const { stdout } = await runConnectorForTest(source, ['read', '--help']);
    expect(stdout).toContain('prints records, checkpoints and statuses');
    expect(stdout).toContain('--source-input');
    expect(stdout).toContain('--state state.ndjson');
  });

  test('the version is printed alone', async () => {
    expect((await runConnectorForTest(source, ['--version'])).stdout).toBe('source-small 1.2.3\n');
  });
});

describe('commands', () => {
  test('spec prints the config schema with its secrets marked, and what the connector can do', async () => {
    const { messages } = await runConnectorForTest(smallDestination(), ['spec']);
    expect(messages).toMatchObject([
      {
        spec: {
          config: { properties: { api_key: { secret: true } }, additionalProperties: false },
          protocol_version: 1,
          connector: { name: 'small', version: '1.2.3' },
          destination_sync_modes: ['append', 'append_dedup'],
          commands: [],
        },
      },
    ]);
  });

  test('check answers with exit 0 also when the connection failed', async () => {
    const surroundings = { stdin: ['{"api_kye": "sk_live_secret"}'] };
    const result = await runConnectorForTest(source, ['check', '--config', '-'], surroundings);
    expect(result.exitCode).toBe(0);
    expect(result.messages).toMatchObject([{ connection_status: { status: 'failed', failure_type: 'config' } }]);
    const good = await runConnectorForTest(source, ['check', '--config', '-'], { stdin: ['{}'] });
    expect(good.messages).toMatchObject([{ connection_status: { status: 'succeeded', message: 'It works.' } }]);
  });

  test('config that the spec refuses is one failed connection naming each path and the valid keys, and exit 20', async () => {
    const result = await runConnectorForTest(source, ['discover', '--config', '-'], {
      stdin: ['{"api_kye":"k","text":3}'],
    });
    expect(result.exitCode).toBe(20);
    expect(result.messages).toHaveLength(1);
    const text = JSON.stringify(result.messages);
    for (const part of ['api_kye', 'did you mean api_key', 'expected string', 'Valid keys: api_key, text']) {
      expect(text).toContain(part);
    }
  });

  test('a secret from the environment is masked where the connector refuses the config in words of its own', async () => {
    const config = z.object({
      api_key: z
        .string()
        .refine((key) => key.startsWith('sk_'), { error: ({ input }) => `${input} is no key` })
        .meta({ secret: true }),
    });
    const source = { ...smallSource(async function* () {}), config } as unknown as Source;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    const surroundings = { stdin: ['{"api_key": "${KEY}"}'], env: { KEY: 'a secret from the environment' } };
    const result = await runConnectorForTest(source, ['discover', '--config', '-'], surroundings);
    expect(result.exitCode).toBe(20);
    expect(result.stdout).toContain('api_key: ******** is no key');
    expect(result.stdout + result.stderr).not.toContain('a secret');
  });

  test.each([
    ['', 'is empty'],
    ['{"a": }', 'line 1, column 7'],
  ])('a config file that holds %j is one line on stderr and exit 2', async (text, said) => {
    const result = await runConnectorForTest(source, ['discover', '--config', '-'], { stdin: [text] });
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toContain(said);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a file that is missing is one line on stderr with its path and exit 2', async () => {
    const result = await runConnectorForTest(source, ['discover', '--config', '/nowhere/config.json']);
    expect([result.exitCode, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toContain('Config file /nowhere/config.json: there is no such file.');
  });

  test.each(
    (['config', 'catalog', 'state'] as const).flatMap(
      (flag) =>
        [
          [flag, undefined, 'there is no such file'],
          [flag, '', 'it is empty'],
          [flag, '{"a": }', 'is not JSON, line 1, column 7'],
        ] as const,
    ),
  )(
    'a %s file of read that holds %j is one line on stderr with path and reason, and exit 2',
    async (flag, text, said) => {
      const folder = mkdtempSync(join(tmpdir(), 'sdk-files-'));
      const path = (name: string): string => join(folder, name);
      writeFileSync(path('config'), '{}');
      writeFileSync(path('catalog'), JSON.stringify(testCatalog('a')));
      writeFileSync(path('state'), '{}');
      if (text === undefined) rmSync(path(flag));
      else writeFileSync(path(flag), text);
      const flags = ['config', 'catalog', 'state'].flatMap((name) => [`--${name}`, path(name)]);
      const result = await runConnectorForTest(source, ['read', ...flags]);
      expect([result.exitCode, result.stdout]).toEqual([2, '']);
      expect(result.stderr).toContain(path(flag));
      expect(result.stderr).toContain(said);
      expect(result.stderr.trim().split('\n')).toHaveLength(1);
    },
  );

  test('setup and teardown exist where the connector has them; control carries the whole config', async () => {
    const config = { api_key: 'sk_live_secret', text: 'x' };
    const able = smallDestination(undefined, {
      setup: async () => ({ control_type: 'destination_config', destination_config: config }),
      teardown: async () => undefined,
    });
    const surroundings = { stdin: [JSON.stringify(config)] };
    const { messages } = await runConnectorForTest(able, ['setup', '--config', '-'], surroundings);
    expect(messages).toEqual([
      { type: 'control', control: { control_type: 'destination_config', destination_config: config } },
    ]);
    const [spec] = (await runConnectorForTest(able, ['spec'])).messages;
    expect(spec).toMatchObject({ spec: { commands: ['setup', 'teardown'] } });
    const torn = await runConnectorForTest(able, ['teardown', '--config', '-'], surroundings);
    expect([torn.exitCode, torn.stdout]).toEqual([0, '']);
  });
});
