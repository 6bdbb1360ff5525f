import { fileURLToPath } from 'node:url';
import { CodedError, type LogPayload } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { type AskOptions, askConnector } from './ask-connector.ts';
import { processConnector } from './process.ts';
import { scriptConnector } from './testing/script-connector.ts';
import { TextTail } from './text-tail.ts';

async function ask(code: string, options: AskOptions = {}): Promise<string> {
  return outcome(
    askConnector(scriptConnector('source/test', code), { command: 'check' }, 'connection_status', options),
  );
}

async function outcome(asked: Promise<{ connection_status: { status: string } }>): Promise<string> {
  try {
    return (await asked).connection_status.status;
  } catch (error) {
    if (error instanceof CodedError) return `${error.code} ${error.message}`;
    throw error;
  }
}

const good = `say({ type: 'connection_status', connection_status: { status: 'succeeded' } });`;

describe('asking a connector', () => {
  it('gives the answer, and the logs on the way', async () => {
    const logs: LogPayload[] = [];
    const code = `console.error('chatter'); say({ type: 'log', log: { level: 'info', message: 'hello' } }); say('rubbish'); ${good}`;
    expect(await ask(code, { onLog: (log) => logs.push(log) })).toBe('succeeded');
    expect(logs.map(({ level }) => level)).toEqual(['info', 'warn']);
  });

  it('takes an answer without a newline', async () => {
    expect(
      await ask(
        `process.stdout.write(JSON.stringify({ type: 'connection_status', connection_status: { status: 'failed' } }));`,
      ),
    ).toBe('failed');
  });

  it('fails on no answer, a crash, and too much rubbish, saying what happened', async () => {
    expect(await ask('')).toMatch(/^protocol_violated source\/test ended without an answer to `check`/);
    expect(await ask(`console.error('no memory'); process.exit(3);`)).toBe(
      'connector_failed source/test ended with exit code 3. Its last words: no memory',
    );
    expect(await ask(`process.exit(20);`)).toMatch(/^config_invalid /);
    expect(await ask(`for (;;) await write('rubbish\\n');`)).toMatch(/^protocol_violated .*101 lines/);
    expect(await ask(`say('rubbish');`)).toMatch(
      /no connection_status message\. source\/test: line 1 is not a message/,
    );
  });

  it('fails when there is no such program, and when it may not be run', async () => {
    const run = (command: [string]): Promise<string> =>
      outcome(askConnector(processConnector({ name: 'source/x', command }), { command: 'check' }, 'connection_status'));
    expect(await run(['/no/such/program'])).toMatch(/^connector_not_found source\/x could not be started/);
    expect(await run([fileURLToPath(import.meta.url)])).toMatch(/^connector_not_found source\/x could not be started/);
  });

  it('shows no secret that a connector has printed', async () => {
    for (const times of [1, 101]) {
      const program = scriptConnector(
        'source/test',
        `for (let i = 0; i < ${times}; i++) await write('key hunter2\\n');`,
      );
      const asked = askConnector(program, { command: 'check', secrets: ['hunter2'] }, 'connection_status');
      const told = await outcome(asked);
      expect(told).toMatch(/^protocol_violated .* key /);
      expect(told).not.toContain('hunter2');
    }
  });

  it('says that a program without a spec may be no connector', async () => {
    const asked = askConnector(scriptConnector('source/test', 'process.exit(1);'), { command: 'spec' }, 'spec');
    await expect(asked).rejects.toMatchObject({ remedy: 'Check that it is a connector.' });
  });

  it('gives up after its time, and when it is told to', async () => {
    expect(await ask('forever();', { timeoutMs: 200 })).toMatch(/^timed_out .*did not answer `check` within 0.2 s/);
    const abort = new AbortController();
    const asked = ask('forever();', { signal: abort.signal });
    abort.abort();
    expect(await asked).toMatch(/^stopped /);
  });
});

describe('the tail of stderr', () => {
  it('keeps the last bytes and no more', () => {
    const tail = new TextTail(10);
    for (let i = 0; i < 100; i++) tail.push(Buffer.from(`${i} `));
    expect(tail.toString()).toBe(' 97 98 99 ');
  });
});
