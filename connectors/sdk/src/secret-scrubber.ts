import {
  type JsonSchema,
  type LogPayload,
  type Message,
  scrubLog,
  scrubMessage,
  scrubText,
  secretValues,
} from '@penstock/protocol';

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

  log(payload: LogPayload): LogPayload {
    return scrubLog(payload, this.#secrets);
  }

  message<M extends Message>(message: M): M {
    return scrubMessage(message, this.#secrets);
  }
}
