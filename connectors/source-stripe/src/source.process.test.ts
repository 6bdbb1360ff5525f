import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Message, parseLine } from '@penstock/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredStreams } from './testing/read-source.ts';
import { type SimulatorProcess, startSimulator } from './testing/simulator.ts';

const program = fileURLToPath(new URL('./main.ts', import.meta.url));
const apiKey = 'sk_test_verySecret1234567890';

let folder: string;
let simulator: SimulatorProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'source-stripe-'));
  simulator = await startSimulator('--objects', '4000', '--pretty', '--api-key', apiKey);
});
afterAll(async () => {
  await simulator.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

async function run(args: readonly string[], whenLine: (count: number, pid: number) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let count = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    count += text.split('\n').length - 1;
    if (child.pid !== undefined) whenLine(count, child.pid);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: stdout.split('\n'), stderr };
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(content));
  return path;
}

function config(extra: Record<string, unknown> = {}): Promise<string> {
  return file('config.json', { api_key: apiKey, base_url: simulator.url, rate_limit: 10_000, ...extra });
}

function messages(ended: Ended): Message[] {
  return ended.lines
    .filter((line) => line !== '')
    .map((line) => {
      const parsed = parseLine(line);
      if (parsed.kind !== 'message') throw new Error(`no message: ${line.slice(0, 200)}`);
      return parsed.message;
    });
}

describe('the program', () => {
  it('prints nothing but valid messages when it reads everything, each checkpoint with its count', async () => {
    const catalog = await file('catalog.json', { streams: await configuredStreams() });
    const ended = await run(['read', '--config', await config(), '--catalog', catalog]);
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
    expect(ended.lines.at(-1)).toBe('');
    const printed = messages(ended);
    const counted = new Map<string, number>();
    for (const printedMessage of printed) {
      if (printedMessage.type === 'record') {
        const { stream } = printedMessage.record;
        counted.set(stream, (counted.get(stream) ?? 0) + 1);
      } else if (printedMessage.type === 'source_state' && printedMessage.source_state.state_type === 'stream') {
        const { stream, record_count } = printedMessage.source_state;
        expect(record_count, stream).toBe(counted.get(stream) ?? 0);
        counted.set(stream, 0);
      }
    }
    expect([...counted.values()].every((count) => count === 0)).toBe(true);
    const completed = printed.filter((m) => m.type === 'stream_status' && m.stream_status.status === 'complete');
    expect(completed).toHaveLength((await configuredStreams()).length);
    expect(ended.lines.join()).not.toContain(apiKey);
  });

  it('stops at once after a whole line on SIGTERM, without an error status', async () => {
    const catalog = await file('catalog.json', { streams: await configuredStreams() });
    await simulator.admin('faults', { latency_ms: 200 });
    const path = await config();
    let stoppedAt = 0;
    const ended = await run(['read', '--config', path, '--catalog', catalog], (count, pid) => {
      if (count === 0 || stoppedAt !== 0) return;
      stoppedAt = Date.now();
      process.kill(pid, 'SIGTERM');
    });
    await simulator.admin('faults', { latency_ms: 0 });
    expect(ended.code).toBe(10);
    expect(ended.lines.at(-1)).toBe('');
    expect(Date.now() - stoppedAt).toBeLessThan(5000);
    const statuses = messages(ended).flatMap((m) => (m.type === 'stream_status' ? [m.stream_status.status] : []));
    expect(statuses).not.toContain('error');
    expect(statuses).not.toContain('skip');
  });

  it('checks a key and says whose it is, or that it was refused, without showing it', async () => {
    const good = await run(['check', '--config', await config()]);
    expect(messages(good).find((m) => m.type === 'connection_status')).toMatchObject({
      connection_status: { status: 'succeeded', message: expect.stringContaining('acct_') },
    });
    const bad = await run(['check', '--config', await config({ api_key: 'sk_live_notAValidKey' })]);
    expect(bad.code).toBe(0);
    expect(messages(bad).find((m) => m.type === 'connection_status')).toMatchObject({
      connection_status: {
        status: 'failed',
        failure_type: 'config',
        message: expect.stringContaining('refused the API key'),
      },
    });
    expect(bad.lines.join() + bad.stderr).not.toContain('notAValidKey');
  });

  it('ends a read with a refused key by one connection status and exit code 20', async () => {
    const catalog = await file('catalog.json', { streams: await configuredStreams('customers') });
    const ended = await run([
      'read',
      '--config',
      await config({ api_key: 'sk_live_notAValidKey' }),
      '--catalog',
      catalog,
    ]);
    expect(ended.code).toBe(20);
    expect(messages(ended).map((m) => m.type)).toEqual(['connection_status']);
  });
});
