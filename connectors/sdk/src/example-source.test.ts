/** The example of the guide: the page shows the file as it is, and its commands do what the page says. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messagesOf } from './testing/index.ts';
import { runProcess } from './testing/run-process.ts';

const guide = join(import.meta.dirname, '../../../docs/guide');
const program = join(guide, 'example-source.ts');
const folder = mkdtempSync(join(tmpdir(), 'sdk-example-'));
const [config, catalog] = [join(folder, 'config.json'), join(folder, 'catalog.json')];
let orderCount = 25;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const after = Number(new URL(request.url!, 'http://shop').searchParams.get('after'));
    if (request.headers.authorization !== 'Bearer shop-token') return response.writeHead(401).end();
    const ids = Array.from({ length: Math.max(0, Math.min(10, orderCount - after)) }, (_, i) => after + i + 1);
    return response.end(JSON.stringify({ orders: ids.map((id) => ({ id, total: id * 100 })) }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the config's own syntax
  writeFileSync(config, JSON.stringify({ base_url: `http://127.0.0.1:${port}`, token: '${SHOP_TOKEN}' }));
});
afterAll(() => server.close());

async function run(args: string[], token = 'shop-token') {
  const process = runProcess(program, args, { SHOP_TOKEN: token });
  const [stdout, stderr, exitCode] = await Promise.all([process.stdout, process.stderr, process.ended]);
  return { stdout, stderr, exitCode, messages: messagesOf(stdout) };
}

test('the page shows the file as it is, and the file has no more than 45 lines', () => {
  const source = readFileSync(program, 'utf8');
  expect(readFileSync(join(guide, 'write-a-connector.md'), 'utf8')).toContain(`\`\`\`ts\n${source}\`\`\`\n`);
  expect(source.split('\n').length).toBeLessThanOrEqual(46);
});

test('spec, check, discover, read and a second read do what the page says', async () => {
  expect((await run(['spec'])).messages).toMatchObject([
    { spec: { config: { properties: { token: { secret: true } } } } },
  ]);
  expect((await run(['check', '--config', config])).messages).toMatchObject([
    { connection_status: { status: 'succeeded', message: 'The shop answers; 10 orders on a page.' } },
  ]);
  const discovered = await run(['discover', '--config', config]);
  writeFileSync(catalog, discovered.stdout);

  const first = await run(['read', '--config', config, '--catalog', catalog]);
  expect(first.exitCode).toBe(0);
  expect(first.messages.filter((item) => item.type === 'record')).toHaveLength(25);
  const states = first.messages.flatMap((item) => (item.type === 'source_state' ? [item.source_state] : []));
  expect(states.map((state) => [state.data, state.record_count])).toEqual([
    [{ last_id: 10 }, 10],
    [{ last_id: 20 }, 10],
    [{ last_id: 25 }, 5],
  ]);

  orderCount = 27;
  const kept = join(folder, 'first.ndjson');
  writeFileSync(kept, first.stdout);
  const second = await run(['read', '--config', config, '--catalog', catalog, '--state', kept]);
  const ids = second.messages.flatMap((item) => (item.type === 'record' ? [item.record.data.id] : []));
  expect(ids).toEqual([26, 27]);
});

test('a wrong token is one clear line and exit 20', async () => {
  const refused = await run(['read', '--config', config, '--catalog', catalog], 'wrong-token');
  expect(refused.exitCode).toBe(20);
  expect(refused.stderr).toBe(
    'source-shop: The shop refused the token. Put a valid key or password into the configuration.\n',
  );
});

test('its help names the config keys', () => {
  expect(execFileSync(process.execPath, [program, '--help'], { encoding: 'utf8' })).toContain(
    'token  (string, required, secret)',
  );
});
