import { type JsonSchema, type Message, scrubText, secretValues } from '@penstock/protocol';

const DEPTH_MAX = 20;

/** Cuts the secrets of a config out of whatever is shown to people (P7). Knows none before it is given the config. */
export class SecretScrubber {
  #secrets: readonly string[] = [];

  /** @param plain the config with its references resolved; may be one that the schema refuses */
  learn(plain: Record<string, unknown>, schema: JsonSchema): void {
    this.#secrets = secretValues(plain, schema);
  }

  text(text: string): string {
    return scrubText(text, this.#secrets);
  }

  /** A copy of a JSON value with every string in it scrubbed. */
  value(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Error) return this.text(value.message);
    if (depth > DEPTH_MAX) return '…';
    if (Array.isArray(value)) return value.map((item) => this.value(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.value(inner, depth + 1)]));
  }

  /** The message with its human text scrubbed. Records, state and `control` are data and stay as they are. */
  message<Kind extends Message>(message: Kind): Kind {
    if (message.type !== 'log' && message.type !== 'connection_status' && message.type !== 'stream_status')
      return message;
    return this.value(message) as Kind;
  }
}
