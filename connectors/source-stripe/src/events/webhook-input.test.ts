import type { ConnectorLog } from '@penstock/connector-sdk';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventStream } from '../testing/event-streams.ts';
import { replayOptions, widgetEvent } from '../testing/event-world.ts';
import { eventText, FAKE_API_VERSION, FakeEvents } from '../testing/fake-events.ts';
import { quietLog } from '../testing/read-source.ts';
import { arrangePositions, noPositions } from './position.ts';
import { readWebhookInput, type WebhookContext, webhookInputSchema } from './webhook-input.ts';

const widgets = eventStream('widgets');
const secret = 'whsec_of_the_endpoint';
const positions = arrangePositions(new Map([['widgets', { through: 95, anchor: 'e0', seen: ['seen'] }]]), undefined);

/** What comes of an input: the records of widgets, and what was warned of. */
async function read(input: unknown, more: Partial<WebhookContext> = {}) {
  const warnings: string[] = [];
  const log: ConnectorLog = { ...quietLog, warn: (text) => warnings.push(text) };
  const client = (more.client as FakeEvents) ?? new FakeEvents(1000);
  const context = { ...replayOptions(client, [widgets], { positions }), log, ...more };
  const records = await readWebhookInput(webhookInputSchema.parse(input), context);
  return { records: (records.get('widgets') ?? []).map(String), warnings };
}

function delivery(payload: string, by = secret, timestamp = 1000) {
  return { payload, signature: Stripe.webhooks.generateTestHeaderString({ payload, secret: by, timestamp }) };
}

const raw = '{"id":"w_1","object":"widget","created":50,"n":12345678901234567890.10,"s":"\\u00e9"}';
const text = eventText(widgetEvent('e1', 100, { object: raw }));
const record = `${raw.slice(0, -1)},"_account_id":"acct_1","_as_of":100}`;

describe('readWebhookInput', () => {
  it('takes what was signed with the secret, byte for byte', async () => {
    expect(await read(delivery(text), { webhookSecret: secret })).toEqual({ records: [record], warnings: [] });
  });

  it('takes what is not signed where there is no secret', async () => {
    expect(await read({ payload: text, signature: '' })).toEqual({ records: [record], warnings: [] });
    const bare = JSON.parse(eventText(widgetEvent('e1', 100)));
    expect((await read(bare)).records.map((line) => JSON.parse(line).note)).toEqual(['e1']);
  });

  it.each([
    ['was signed with another secret', delivery(text, 'whsec_other'), 'not of this payload'],
    ['was signed long ago', delivery(text, secret, 699), '301 s old'],
    ['was changed', { ...delivery(text), payload: text.replace('w_1', 'w_2') }, 'not of this payload'],
    ['has no signature', JSON.parse(text), 'no signature'],
    ['is no JSON', delivery('hello'), 'it begins "hello"'],
    ['is of the other kind of events', delivery('{"id":"e1","object":"v2.core.event"}'), 'its `object` is not "event"'],
    ['has no object', delivery('{"id":"e1","object":"event","created":1,"type":"x","data":{}}'), 'has no object'],
  ])('refuses what %s, says why, and goes on', async (_, input, reason) => {
    const { records, warnings } = await read(input, { webhookSecret: secret });
    expect(records).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(reason)]);
    expect(warnings[0]).not.toContain('whsec');
  });

  it('shows no more than the beginning of what it can not read', async () => {
    const { warnings } = await read({ payload: `x${'y'.repeat(5000)}`, signature: '' });
    expect(warnings[0]!.length).toBeLessThan(400);
  });

  it('drops events that the stream has already, and those of other streams', async () => {
    for (const event of [
      widgetEvent('e1', 94),
      widgetEvent('seen', 96),
      widgetEvent('e1', 100, { type: 'gadget.created' }),
    ]) {
      expect(await read({ payload: eventText(event), signature: '' })).toEqual({ records: [], warnings: [] });
    }
    const first = await read({ payload: eventText(widgetEvent('e1', 94)), signature: '' }, { positions: noPositions });
    expect(first.records).toHaveLength(1);
  });

  it('says that an object is gone, and fetches one whose snapshot will not do', async () => {
    const gone = await read({ payload: eventText(widgetEvent('e1', 100, { type: 'widget.deleted' })), signature: '' });
    expect(JSON.parse(gone.records[0]!)).toMatchObject({ id: 'w_1', deleted: true });
    const client = new FakeEvents(1000);
    client.objects.set('/v1/widgets/w_1', { id: 'w_1', object: 'widget', created: 50, note: 'now', size: 1 });
    const other = {
      payload: eventText(widgetEvent('e1', 100, { apiVersion: `not ${FAKE_API_VERSION}` })),
      signature: '',
    };
    expect(JSON.parse((await read(other, { client })).records[0]!)).toMatchObject({ note: 'now', _as_of: 990 });
    client.broken.set('/v1/widgets/w_1', 500);
    expect(await read(other, { client })).toEqual({ records: [], warnings: [expect.stringContaining('HTTP 500')] });
    client.broken.set('/v1/widgets/w_1', 401);
    await expect(read(other, { client })).rejects.toThrow('HTTP 401');
  });
});

describe('webhookInputSchema', () => {
  it.each([[{}], [{ payload: '{}' }], [{ object: 'charge', id: 'ch_1' }], ['{}'], [null]])('refuses %j', (input) => {
    expect(webhookInputSchema.safeParse(input).success).toBe(false);
  });

  it('can be shown as JSON Schema, for the spec', () => {
    expect(z.toJSONSchema(webhookInputSchema)).toMatchObject({ anyOf: [{ type: 'object' }, { type: 'object' }] });
  });
});
