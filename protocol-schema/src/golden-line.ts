import { readFileSync } from 'node:fs';
import type { badInput } from './bad-input.ts';
import { type MessageKind, messageKinds } from './message.ts';

/** A line that is no message, and what is wrong with it. */
export interface BadLine {
  /** The line without its newline; broken UTF-8 stands in `line_base64` instead. */
  readonly line?: string;
  readonly line_base64?: string;
  /** What is wrong, for people. */
  readonly reason: string;
  /** The row of the table of bad input that says what happens. */
  readonly answer: keyof typeof badInput;
  /** JSON Schema has no words for this rule: `message.json` accepts the line. */
  readonly beyond_schema?: true;
}

/** A line that is accepted or passed over although it is not what our own writers put out. */
export interface ToleratedLine {
  readonly line: string;
  readonly reason: string;
  readonly answer: keyof typeof badInput;
  /** What {@link parseLine} says it is. */
  readonly kind: 'message' | 'blank' | 'unknown_type';
}

const folder = new URL('../golden/', import.meta.url);

function readLines(name: string): string[] {
  return readFileSync(new URL(name, folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The good lines of one kind of message, the shortest spelling first. */
export function goodLines(kind: MessageKind): string[] {
  return readLines(`${kind.replaceAll('_', '-')}.ndjson`);
}

/** Lines that are no messages. */
export function badLines(): BadLine[] {
  return readLines('bad-lines.ndjson').map((line) => JSON.parse(line) as BadLine);
}

/** Lines that are accepted or passed over. */
export function toleratedLines(): ToleratedLine[] {
  return readLines('tolerated-lines.ndjson').map((line) => JSON.parse(line) as ToleratedLine);
}

/** For the reference page: the first line of each kind, and of each variant where there are several. */
export function exampleLines(): Map<MessageKind, string[]> {
  return new Map(
    messageKinds.map((kind) => {
      const byVariant = new Map<unknown, string>();
      for (const line of goodLines(kind)) {
        const payload = (JSON.parse(line) as Record<string, unknown>)[kind] as Record<string, unknown> | null;
        const variant =
          payload?.state_type ?? payload?.control_type ?? (kind === 'stream_status' ? payload?.status : undefined);
        if (!byVariant.has(variant)) byVariant.set(variant, line);
      }
      return [kind, [...byVariant.values()]];
    }),
  );
}
