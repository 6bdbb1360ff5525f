import { message as make } from '@penstock/protocol';
import { expect, it } from 'vitest';
import type { PreparedSide } from '../pipeline/prepare.ts';
import { showMessage } from './show-message.ts';

const side = {
  secrets: ['sk_live_123456'],
  spec: { config: { properties: { api_key: { type: 'string', secret: true } } } },
} as unknown as PreparedSide;

it('masks the secrets of a config, and cuts them out of every text', () => {
  const control = make.control({ control_type: 'source_config', source_config: { api_key: 'new_key', page: 5 } });
  const log = make.log({ level: 'info', message: 'with sk_live_123456', data: { at: ['https://u:hunter2@h/', 5] } });
  const status = make.connectionStatus({ status: 'failed', message: 'sk_live_123456 was refused' });
  const shown = JSON.stringify([control, log, status].map((message) => showMessage(message, side)));
  for (const secret of ['new_key', 'sk_live', 'hunter2']) expect(shown).not.toContain(secret);
  expect(shown).toContain('"page":5');
});

it('leaves the names that programs go by, also where a secret is the same word', () => {
  const secretive = { ...side, secrets: ['customers', 'complete'] };
  const status = make.streamStatus({ stream: 'customers', status: 'complete' });
  expect(showMessage(status, secretive)).toEqual(status);
});
