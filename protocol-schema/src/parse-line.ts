import { isUtf8 } from 'node:buffer';
import type * as z from 'zod';
import { toDotPath } from 'zod/v4/core';
import { mayBeInexact, parseExactly } from './exact-json.ts';
import { type Message, type MessageKind, messageSchemas, type SourceStateMessage } from './message.ts';

/** What a line turned out to be. */
export type ParsedLine =
  | { readonly kind: 'message'; readonly message: Message }
  /** Nothing but white space: accepted and passed over. */
  | { readonly kind: 'blank' }
  /** A message of a kind that this version doesn't know: passed over. */
  | { readonly kind: 'unknown_type'; readonly type: string }
  /** Not JSON, or no message. `reason` says what was expected and where. */
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Reads one line, without its newline. Any order of fields and any spacing is accepted. Numbers become doubles, but for those
 * in the data of a checkpoint, which come out of {@link encodeMessage} as they are written. For a record whose digits matter
 * see `parseRecordLine`. Never throws.
 */
export function parseLine(line: Buffer | string): ParsedLine {
  // Decoding would put U+FFFD in the place of what is broken, and a changed value would be stored as if it were real (P9).
  if (typeof line !== 'string' && !isUtf8(line)) return { kind: 'invalid', reason: 'not UTF-8' };
  const text = line.toString();
  if (text.trim() === '') return { kind: 'blank' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'invalid', reason: `not JSON: ${(error as Error).message}` };
  }
  const parsed = parseMessage(value);
  return parsed.kind === 'message' && parsed.message.type === 'source_state' && mayBeInexact(text)
    ? { kind: 'message', message: withExactData(parsed.message, text) }
    : parsed;
}

/** What a source keeps is its own: a cursor of 64 bits has to come back to it as it was. */
function withExactData(checkpoint: SourceStateMessage, text: string): SourceStateMessage {
  const { source_state: exact } = parseExactly(text) as SourceStateMessage;
  const { source_state } = checkpoint;
  const { data } = exact;
  if (source_state.state_type === 'stream') return { ...checkpoint, source_state: { ...source_state, data } };
  const { streams } = exact as typeof source_state;
  const exactState = { ...source_state, data, ...(streams === undefined ? {} : { streams }) };
  return { ...checkpoint, source_state: exactState as typeof source_state };
}

/** Checks a value that is already parsed. Never throws. */
export function parseMessage(value: unknown): Exclude<ParsedLine, { kind: 'blank' }> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'invalid', reason: 'a message is a JSON object' };
  }
  const type = 'type' in value ? value.type : undefined;
  if (typeof type !== 'string') return { kind: 'invalid', reason: 'type: expected a string that names the kind' };
  if (!Object.hasOwn(messageSchemas, type)) return { kind: 'unknown_type', type };
  const parsed = messageSchemas[type as MessageKind].safeParse(value);
  if (!parsed.success) return { kind: 'invalid', reason: describeIssues(parsed.error) };
  return { kind: 'message', message: parsed.data as Message };
}

/** The issues of a failed check in one line: `path: what was expected`, at most three of them. */
export function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 3).map((issue) => {
    const path = toDotPath(issue.path);
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  const more = error.issues.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** A message as its line, newline included. It is canonical when the message comes from the factory. */
export function encodeMessage(message: Message): string {
  return `${JSON.stringify(message)}\n`;
}
