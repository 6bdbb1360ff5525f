import { spawn } from 'node:child_process';
import { once as onceEmitted } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { DestinationMessage } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { confirmedOf } from '../testing/counted-run.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import { once, says, throughProxy } from '../testing/proxy-rules.ts';
import { checkpoint, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

/** Far longer than a test may take. */
const patient = { retries_max: 100, retry_seconds_max: 3600 };

/** Lets every new connection be refused as long as the test lasts. */
const noMore = { onMessage: () => 'pass' as const, admits: () => false };

/** Writes a record, breaks the connection for good, and sends another. @param whenInTrouble is called when it is tried again */
async function writeInTrouble(
  whenInTrouble: (tries: number) => void,
  signals: { signal?: AbortSignal; stopRequested?: AbortSignal },
) {
  const stream = newName();
  const messages: DestinationMessage[] = [];
  let tries = 0;
  const failure = await throughProxy(db.url, {}, (url, proxy) =>
    writeItems({
      config: { url, limits: patient },
      streams: [testStream(stream)],
      ...signals,
      onMessage: (item) => messages.push(item),
      onLog: () => whenInTrouble(++tries),
      input: (async function* () {
        yield [record(stream, { id: 'a', v: 1 }), checkpoint(stream, 1)];
        while (confirmedOf(messages, stream).length === 0) await new Promise((resolve) => setImmediate(resolve));
        proxy.rule(noMore);
        await proxy.cutAll();
        yield [record(stream, { id: 'b', v: 1 }), checkpoint(stream, 2)];
      })(),
    }).catch((error: unknown) => error),
  );
  return { failure, tries, confirmed: confirmedOf(messages, stream) };
}

describe('between two tries', () => {
  it('an abort ends the run at once', async () => {
    const abort = new AbortController();
    const { failure, confirmed } = await writeInTrouble(() => abort.abort(new Error('enough')), {
      signal: abort.signal,
    });
    expect(failure).toMatchObject({ message: 'enough' });
    expect(confirmed).toEqual([1]);
  });

  it('a request to stop leads to one more try, and ends the run with the reason', async () => {
    const stop = new AbortController();
    const { failure, tries, confirmed } = await writeInTrouble(() => stop.abort(), { stopRequested: stop.signal });
    expect(failure).toMatchObject({ code: 'unreachable' });
    expect(tries).toBe(1);
    expect(confirmed).toEqual([1]);
  });
});

describe('the program', () => {
  it('ends within a moment of SIGTERM while it waits for a server that is away, and says what was wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-stopped-'));
    const stream = newName();
    await throughProxy(db.url, {}, async (url, proxy) => {
      const [config, catalog] = [join(folder, 'config.json'), join(folder, 'catalog.json')];
      await writeFile(config, JSON.stringify({ url, limits: patient }));
      await writeFile(catalog, JSON.stringify({ streams: [testStream(stream)] }));
      proxy.rule(once('cut', says('Q', /^begin|^copy/)));
      const program = fileURLToPath(new URL('../main.ts', import.meta.url));
      const child = spawn(process.execPath, [program, 'write', '--config', config, '--catalog', catalog]);
      const stderr = text(child.stderr);
      let said = '';
      let stoppedAt = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (/source_state/.test(said) && stoppedAt === 0) {
          proxy.rule(noMore);
          void proxy.cutAll().then(() => child.stdin.write(line(2)));
          stoppedAt = 1;
        }
        if (/tried again/.test(said) && stoppedAt === 1) {
          stoppedAt = performance.now();
          child.kill('SIGTERM');
        }
      });
      const line = (id: number) =>
        `${JSON.stringify({ type: 'record', record: { stream, emitted_at: '2026-01-01T00:00:00Z', data: { id: `${id}`, v: 1 } } })}\n${JSON.stringify({ type: 'source_state', source_state: { state_type: 'stream', stream, data: id } })}\n`;
      proxy.rule({});
      child.stdin.write(line(1));
      const [code] = await onceEmitted(child, 'close');
      expect(await stderr).toMatch(/SIGTERM/);
      expect(performance.now() - stoppedAt).toBeLessThan(10_000);
      expect(code).toBe(30);
      const messages = said
        .split('\n')
        .filter(Boolean)
        .map((text) => JSON.parse(text) as DestinationMessage);
      expect(messages.at(-1)).toMatchObject({
        connection_status: {
          status: 'failed',
          failure_type: 'transient',
          message: expect.stringContaining('Postgres'),
        },
      });
      expect(confirmedOf(messages, stream)).toEqual([1]);
    });
    await rm(folder, { recursive: true, force: true });
  });
});
