/**
 * A source for the relay's benchmark: writes canonical records of {@link customer} with a checkpoint after each hundred, as fast as
 * its output takes them. `config.work` is `none`, or `parse`: then each record is parsed before it is written, as a page is by a
 * connector that has to know what is in it.
 */
import { once } from 'node:events';
import { encodeMessage, message, RECORD_LINE_TAIL, recordLineHead } from '@penstock/protocol';
import { customer } from './customer.ts';
import { beginCommand, type RelayEndConfig, reportAtExit } from './relay-end.ts';

/** Between two checkpoints. */
const RECORDS_PER_BLOCK = 100;

/** Enough that the caches of a processor don't hold them all. */
const BLOCKS = 60;

const streams = ['customers', 'invoices', 'subscription_schedules'];
const asOf = 1_700_000_000;
const emittedAt = '2026-01-31T12:00:00Z';

interface Block {
  /** The objects' JSON. */
  readonly objects: readonly string[];
  readonly lines: Buffer;
}

function makeBlock(index: number): Block {
  const stream = streams[index % streams.length]!;
  const head = recordLineHead(stream, emittedAt);
  const indexes = Array.from({ length: RECORDS_PER_BLOCK }, (_, i) => index * RECORDS_PER_BLOCK + i);
  const objects = indexes.map((at) => JSON.stringify(customer(at, asOf)));
  const state = { state_type: 'stream' as const, stream, data: { at: index }, record_count: RECORDS_PER_BLOCK };
  const records = objects.map((object) => head + object + RECORD_LINE_TAIL).join('');
  return { objects, lines: Buffer.from(records + encodeMessage(message.sourceState(state))) };
}

async function read({ bytes, work }: RelayEndConfig): Promise<void> {
  const blocks = Array.from({ length: BLOCKS }, (_, i) => makeBlock(i));
  const write = async (chunk: Buffer | string): Promise<void> => {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  };
  for (const stream of streams) await write(encodeMessage(message.streamStatus({ stream, status: 'start' })));
  for (let written = 0, i = 0; written < bytes; i++) {
    const block = blocks[i % BLOCKS]!;
    if (work === 'parse') for (const object of block.objects) JSON.parse(object);
    written += block.lines.length;
    await write(block.lines);
  }
  for (const stream of streams) await write(encodeMessage(message.streamStatus({ stream, status: 'complete' })));
}

const { command, config } = beginCommand();
if (command === 'spec') {
  process.stdout.write(encodeMessage(message.spec({ config: { type: 'object' }, protocol_version: 1 })));
} else if (command === 'discover') {
  const catalog = { streams: streams.map((name) => ({ name, primary_key: [['id']] })) };
  process.stdout.write(encodeMessage(message.catalog(catalog)));
} else {
  reportAtExit(config, {});
  await read(config);
}
