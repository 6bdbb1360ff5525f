import { createHash, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Connector, RunningConnector } from '../launcher.ts';

/** Far above what pipes and buffers hold on the way, far below what a program writes in the time that is given. */
const HELD_BYTES_MAX = 24 * 1024 * 1024;

/** Writes for ever, and says on stderr how much. */
const ENDLESS = `
const chunk = 'x'.repeat(65536);
for (let i = 1; ; i++) { await write(chunk); console.error(i * chunk.length); }
`;

const started = `console.error('started');`;

async function whenStderrHas(running: RunningConnector, word: string): Promise<void> {
  while (!running.stderrTail().includes(word)) await sleep(20);
}

/**
 * What every launcher of programs promises, as tests.
 *
 * @param make a connector that runs this code, with the prelude of {@link scriptConnector}
 */
export function describeConnector(make: (code: string) => Connector): void {
  it('gives the output, the exit code, and the last words without the secrets in them', async () => {
    const connector = make(`console.log('out'); console.error('the key is hunter2'); process.exitCode = 3;`);
    const running = await connector.launch({ command: 'spec', secrets: ['hunter2'] });
    expect(await text(running.stdout)).toBe('out\n');
    expect(await running.ended).toEqual({ kind: 'exited', code: 3 });
    expect(running.stderrTail()).toMatch(/^the key is (?!.*hunter2).+\n$/);
  });

  it('hands over config, catalog and state as files, to the letter', async () => {
    const config = { text: `$\{HOME} "ü" \\`, number: 1 };
    const catalog = { streams: [{ name: 'a' }] };
    const running = await make(`
      const { readFileSync } = await import('node:fs');
      const file = (key) => JSON.parse(readFileSync(process.argv[process.argv.indexOf('--' + key) + 1], 'utf8'));
      const { script, ...config } = file('config');
      console.log(JSON.stringify({ command: process.argv[1], lifeline: process.argv.at(-1), config, catalog: file('catalog'), state: file('state') }));
    `).launch({ command: 'read', config, catalog, state: { streams: {} } });
    // A connector takes a reference in its config for the environment, so that one is written in the other way.
    expect(JSON.parse(await text(running.stdout))).toEqual({
      command: 'read',
      lifeline: '--stop-on-stdin-end',
      config: { ...config, text: `$${config.text}` },
      catalog,
      state: { streams: {} },
    });
    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
  });

  it('passes the input on, byte for byte, and its end', async () => {
    const running = await make(`
      const { createHash } = await import('node:crypto');
      const hash = createHash('sha256');
      for await (const chunk of process.stdin) hash.update(chunk);
      console.log(hash.digest('hex'));
    `).launch({ command: 'write' });
    const input = randomBytes(5_000_001);
    for (let at = 0; at < input.length; at += 100_000) running.stdin.write(input.subarray(at, at + 100_000));
    running.stdin.end();
    expect(await text(running.stdout)).toBe(`${createHash('sha256').update(input).digest('hex')}\n`);
    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
  });

  it('asks it to stop, and it can end in its own way', async () => {
    const running = await make(`process.on('SIGTERM', () => process.exit(10)); forever(); ${started}`).launch({
      command: 'read',
    });
    running.stdout.resume();
    await whenStderrHas(running, 'started');
    running.stop(30_000);
    expect(await running.ended).toEqual({ kind: 'exited', code: 10 });
  });

  it('kills it when it does not stop in time', async () => {
    const running = await make(`process.on('SIGTERM', () => {}); forever(); ${started}`).launch({ command: 'read' });
    running.stdout.resume();
    await whenStderrHas(running, 'started');
    running.stop(60_000);
    running.stop(200);
    expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  it('can be killed at any moment, the first one too', async () => {
    for (const afterMs of [0, 0, 30, 100, 300]) {
      const running = await make('forever();').launch({ command: 'read' });
      running.stdout.resume();
      if (afterMs > 0) await sleep(afterMs);
      running.kill();
      expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    }
  });

  it('stops a connector whose reader stops reading, and goes on with it', async () => {
    const running = await make(ENDLESS).launch({ command: 'read' });
    const written = (): number => Number(running.stderrTail().trim().split('\n').at(-1));
    running.stdout.once('data', () => running.stdout.pause());
    await whenStderrHas(running, '\n');
    await sleep(1_500);
    const held = written();
    expect(held).toBeLessThan(HELD_BYTES_MAX);
    let read = 0;
    running.stdout.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > 2 * HELD_BYTES_MAX) running.kill();
    });
    running.stdout.resume();
    await running.ended;
    expect(read).toBeGreaterThan(2 * HELD_BYTES_MAX);
  });

  it('stops whoever writes to a connector that does not read', async () => {
    const running = await make(`forever(); ${started}`).launch({ command: 'write' });
    running.stdout.resume();
    await whenStderrHas(running, 'started');
    const chunk = Buffer.alloc(65536);
    let sent = 0;
    for (;;) {
      if (sent > HELD_BYTES_MAX) break;
      sent += chunk.length;
      if (running.stdin.write(chunk)) continue;
      const drained = new Promise<boolean>((resolve) => running.stdin.once('drain', () => resolve(true)));
      if (!(await Promise.race([drained, sleep(1_000, false)]))) break;
    }
    expect(sent).toBeLessThan(HELD_BYTES_MAX);
    running.kill();
    expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  it('loses nothing of what it said last, however late it is read', async () => {
    // Sizes around what lies on the way when the connector has already ended.
    const sizes = [100_000, 1_300_000, 1_500_000, 2_000_000];
    const all = sizes.map(async (size) => {
      const running = await make(`await write('x'.repeat(${size})); await write('end');`).launch({ command: 'read' });
      const output: Buffer[] = [];
      running.stdout.on('data', (chunk: Buffer) => output.push(chunk)).pause();
      await sleep(5_000);
      running.stdout.resume();
      expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
      expect(output.at(-1)?.subarray(-3).toString()).toBe('end');
      return Buffer.concat(output).length;
    });
    expect(await Promise.all(all)).toEqual(sizes.map((size) => size + 3));
  });

  it('closes the input when the connector has ended', async () => {
    const running = await make('').launch({ command: 'write' });
    const closed = new Promise((resolve) => running.stdin.once('close', resolve));
    running.stdout.resume();
    await running.ended;
    running.stdin.write('too late');
    await closed;
  });
}
