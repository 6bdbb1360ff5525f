import { describe, expect, test } from 'vitest';
import { message } from './message-factory.ts';
import { scrubLog, scrubMessage, scrubValue } from './scrub-message.ts';

const secrets = ['sk_live_secret', 'customers', 'complete'];

describe('scrubbing a message', () => {
  test('cuts secrets out of what it says to people', () => {
    const scrubbed = [
      message.log({ level: 'info', message: 'key sk_live_secret', data: { header: ['Bearer sk_live_secret'] } }),
      message.connectionStatus({ status: 'failed', message: 'not sk_live_secret' }),
      message.streamStatus({ stream: 'a', status: 'error', error: 'not sk_live_secret' }),
      message.streamStatus({ stream: 'a', status: 'skip', reason: 'not sk_live_secret' }),
    ].map((item) => JSON.stringify(scrubMessage(item, secrets)));
    for (const line of scrubbed) {
      expect(line).toContain('********');
      expect(line).not.toContain('sk_live_secret');
    }
  });

  test('leaves names and statuses alone although a secret is the same word', () => {
    const items = [
      message.streamStatus({ stream: 'customers', status: 'complete' }),
      message.log({ level: 'info', message: 'x', stream: 'customers' }),
      message.record({ stream: 'customers', emitted_at: '2026-01-31T12:00:00Z', data: { id: 'customers' } }),
      message.sourceState({ state_type: 'stream', stream: 'customers', data: 'complete' }),
      message.connectionStatus({ status: 'succeeded' }),
    ];
    expect(items.map((item) => scrubMessage(item, secrets))).toEqual(items);
    expect(
      scrubMessage(message.streamStatus({ stream: 'customers', status: 'skip', reason: 'customers' }), secrets),
    ).toEqual(message.streamStatus({ stream: 'customers', status: 'skip', reason: '********' }));
  });

  test('changes nothing that it was given', () => {
    const log = { level: 'info', message: 'sk_live_secret', data: { k: 'sk_live_secret' } } as const;
    scrubLog(log, secrets);
    expect(log).toEqual({ level: 'info', message: 'sk_live_secret', data: { k: 'sk_live_secret' } });
  });
});

test('any value becomes one that JSON can hold, also what refers to itself', () => {
  const value: Record<string, unknown> = { big: 5n, at: new Date(0), failed: new TypeError('of sk_live_secret') };
  value.self = value;
  const scrubbed = scrubValue(value, secrets);
  expect(scrubbed).toMatchObject({ big: '5', at: '1970-01-01T00:00:00.000Z', failed: 'of ********' });
  expect(JSON.stringify(scrubbed).length).toBeLessThan(5000);
});
