import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { message } from '@penstock/protocol';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { checkConfig, parseJsonText, readCatalog } from './config-file.ts';
import { asLines, testCatalog, testStream } from './testing/index.ts';

const schema = z.object({
  api_key: z.string().min(3).describe('Key').meta({ secret: true }),
  rate_limit: z.number().default(20).describe('Requests a second'),
  mode: z.enum(['fast', 'slow']).optional(),
  server: z.strictObject({ host: z.string(), password: z.string().optional() }).optional(),
});

function fileWith(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sdk-config-')), 'value');
  writeFileSync(path, text);
  return path;
}

async function refusal(config: unknown, env: NodeJS.ProcessEnv = {}): Promise<string> {
  try {
    await checkConfig(config, schema, env);
  } catch (error) {
    return `${(error as { code?: string }).code} ${(error as Error).message}`;
  }
  return 'accepted';
}

describe('config', () => {
  test('defaults are filled in and references are replaced inside strings', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    const raw = { api_key: 'x-${KEY}-${KEY}', server: { host: '$${HOST}' } };
    const config = await checkConfig(raw, schema, { KEY: 'k' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the escaped reference
    expect(config).toEqual({ api_key: 'x-k-k', rate_limit: 20, server: { host: '${HOST}' } });
  });

  test('what comes from the environment is not looked at again', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    const config = await checkConfig({ api_key: '${KEY}' }, schema, { KEY: 'pass${word}' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a password that looks like a reference
    expect(config.api_key).toBe('pass${word}');
  });

  test('a variable that is not set is refused with path and name', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    const message = await refusal({ api_key: 'key', server: { host: '${NOWHERE}', passwort: 'x' } });
    expect(message).toContain('config_invalid');
    expect(message).toContain('server.host: the environment variable NOWHERE is not set');
    expect(message).toContain('server.passwort: there is no such key, did you mean password? (valid: host, password)');
  });

  test('KEY_file gives the content of the file without its last newline, at any depth', async () => {
    const raw = { api_key_file: fileWith('secret\n'), server: { host: 'h', password_file: fileWith('p w\r\n') } };
    const config = await checkConfig(raw, schema, {});
    expect(config).toMatchObject({ api_key: 'secret', server: { host: 'h', password: 'p w' } });
  });

  test('KEY and KEY_file together are refused', async () => {
    expect(await refusal({ api_key: 'key', api_key_file: fileWith('x') })).toContain('only one of them is allowed');
  });

  test('a file of a key that is missing is named', async () => {
    expect(await refusal({ api_key_file: '/nowhere/key' })).toContain(
      'file_unreadable File of config key api_key_file, /nowhere/key',
    );
  });

  test('a file whose path comes from the environment is named as it is written: the variable may hold a secret', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    const message = await refusal({ api_key_file: '${KEY}' }, { KEY: 'sk_live_1' });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
    expect(message).toBe('file_unreadable File of config key api_key_file, ${KEY}: there is no such file.');
  });

  test('every wrong path is named at once, and no value is repeated', async () => {
    const message = await refusal({ api_kye: 'sk_live_1', rate_limit: 'sk_live_2', mode: 'sk_live_3' });
    expect(message).toContain('api_key is missing');
    expect(message).toContain('did you mean api_key?');
    expect(message).toContain('rate_limit: Invalid input: expected number, received string');
    expect(message).toContain('mode: Invalid option: expected one of "fast"|"slow"');
    expect(message).not.toContain('sk_live');
  });

  test('a number can not come from a file', async () => {
    expect(await refusal({ api_key: 'key', rate_limit_file: fileWith('5') })).toContain('did you mean rate_limit');
  });

  test('a text that is not JSON is refused with its position and without its content', () => {
    const parse = () => parseJsonText('Config file c.json', Buffer.from('{\n "api_key": sk_live_1}'));
    expect(parse).toThrow('Config file c.json is not JSON, line 2, column 13: expected a value.');
  });
});

describe('catalog', () => {
  const read = (text: string) => readCatalog('Catalog file c.json', Buffer.from(text));

  test('what discover prints is taken as every stream, merged where there is a key', () => {
    const found = [
      { name: 'a', primary_key: [['id']] },
      { name: 'b', primary_key: [] },
    ];
    const printed = asLines(message.log({ level: 'info', message: 'catalog' }), message.catalog({ streams: found }));
    const modes = read(printed).streams.map((stream) => stream.destination_sync_mode);
    expect(modes).toEqual(['append_dedup', 'append']);
  });

  test('what discover prints of optional streams is left out; a configured catalog names them', () => {
    const optional = { name: 'a_lines', primary_key: [['id']], metadata: { optional: true } };
    const streams = [optional, { name: 'a', primary_key: [['id']] }];
    expect(read(JSON.stringify({ streams })).streams.map(({ stream }) => stream.name)).toEqual(['a']);
    const configured = { streams: [testStream('a_lines', { stream: optional })] };
    expect(read(JSON.stringify(configured))).toEqual(configured);
  });

  test('a configured catalog is taken as it is', () => {
    expect(read(JSON.stringify(testCatalog('a', 'b'), null, 2))).toEqual(testCatalog('a', 'b'));
  });

  test('anything else is refused with the path', () => {
    expect(() => read('{"streams": [{"stream": {"name": "a"}}]}')).toThrow(
      /Catalog file c\.json is not a catalog: streams\[0\]\.stream\.primary_key/,
    );
    expect(() => read('{"streams": [')).toThrow('Catalog file c.json is not JSON, line 1, column 14');
  });
});
