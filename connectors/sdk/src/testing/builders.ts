import {
  type ConfiguredCatalog,
  type ConfiguredStream,
  encodeMessage,
  type Message,
  message,
  parseLine,
} from '@penstock/protocol';

/** The time of every record that is built here. */
export const testTime = '2026-01-01T00:00:00Z';

/** A stream with the key `id`, merged by it. */
export function testStream(name: string, more: Partial<ConfiguredStream> = {}): ConfiguredStream {
  return {
    stream: { name, primary_key: [['id']] },
    sync_mode: 'incremental',
    destination_sync_mode: 'append_dedup',
    ...more,
  };
}

/** A catalog of such streams. */
export function testCatalog(...names: string[]): ConfiguredCatalog {
  return { streams: names.map((name) => testStream(name)) };
}

/** A record, e.g. `testRecord('customers', { id: 1 })`. */
export function testRecord(stream: string, data: Record<string, unknown>) {
  return message.record({ stream, emitted_at: testTime, data });
}

/** Messages as the lines that a program reads. */
export function asLines(...messages: Message[]): string {
  return messages.map(encodeMessage).join('');
}

/** What a program wrote, as messages. @throws Error when a line is none (P8) */
export function messagesOf(stdout: string): Message[] {
  if (stdout !== '' && !stdout.endsWith('\n')) throw new Error(`the last line is torn: ${stdout.slice(-200)}`);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const parsed = parseLine(line);
      if (parsed.kind !== 'message') throw new Error(`no message: ${line.slice(0, 200)}`);
      return parsed.message;
    });
}
