import { parseExactly, parseRecordLine, recordLineHead } from '@penstock/protocol';
import { reasonOf, rowOf } from '../connect/postgres-error.ts';
import type { TablePlan } from '../tables/plan-tables.ts';
import type { Batch } from './batch.ts';
import { whyUnstorable } from './why-unstorable.ts';

/** Records without a primary key are in the stage. */
export class KeysMissing extends Error {
  readonly indexes: readonly number[];
  constructor(indexes: readonly number[]) {
    super(
      'it has no primary key, or one that is an object or a list, or no whole number where the schema says integer',
    );
    this.indexes = indexes;
  }
}

/** A record that can't be stored, and why. */
export type Refused = { readonly index: number; readonly reason: string };
/** What an error tells: parts to be tried again (indexes, ascending, in the order of arrival), and records found to be bad. */
export type Culprits = { readonly rest: readonly (readonly number[])[]; readonly refused: readonly Refused[] };

/**
 * Narrows down which records an error is about: named by the error, or found by halving. Every record is sent only a few times,
 * however many are bad.
 *
 * @param examined records of this batch that were looked at here before; grows
 */
export function findCulprits(error: unknown, batch: Batch, part: readonly number[], examined: Set<number>): Culprits {
  if (error instanceof KeysMissing) {
    const reasons = new Map(error.indexes.map((index) => [index, error.message]));
    return without(reasons, part, [part]);
  }
  const row = rowOf(error);
  const at = row !== undefined ? row - 1 : part.length === 1 ? 0 : undefined;
  const named = at === undefined ? undefined : part[at];
  if (at === undefined || named === undefined) {
    const half = Math.ceil(part.length / 2);
    return { rest: [part.slice(0, half), part.slice(half)], refused: [] };
  }
  // All that can be told to be bad without Postgres goes at once: a batch of bad records is not sent once for each.
  const reasons = new Map<number, string>();
  let isExplained = false;
  for (const index of part.slice(at)) {
    const known = examined.has(index) ? undefined : whyUnstorable(batch.data(index));
    examined.add(index);
    const reason = index === named ? reasonOf(error) : known;
    if (reason === undefined) continue;
    isExplained ||= known !== undefined;
    if (!mend(batch, index)) reasons.set(index, reason);
  }
  return without(reasons, part, isExplained ? [part] : spread(part, at));
}

/** The parts without what is bad. */
function without(
  reasons: ReadonlyMap<number, string>,
  part: readonly number[],
  parts: (readonly number[])[],
): Culprits {
  return {
    rest: parts.map((rest) => rest.filter((index) => !reasons.has(index))).filter((rest) => rest.length > 0),
    refused: part.flatMap((index) => {
      const reason = reasons.get(index);
      return reason === undefined ? [] : [{ index, reason }];
    }),
  };
}

/**
 * Cuts a part behind a bad record that nobody could have told: what came before it is good. More of its kind may follow, the
 * next about as soon as it came, so the parts behind it begin small and double.
 */
function spread(part: readonly number[], at: number): (readonly number[])[] {
  const parts = [part.slice(0, at)];
  for (let start = at + 1, size = 2 * (at + 1); start < part.length; start += size, size *= 2)
    parts.push(part.slice(start, start + size));
  return parts;
}

/**
 * A line can look canonical and not be (another field after `data`, say): it is parsed as a whole before its record is called
 * bad. @returns true when that gave other data, which is sent from now on
 */
function mend(batch: Batch, index: number): boolean {
  if (batch.isReplaced(index)) return false;
  const line = Buffer.concat([
    Buffer.from(recordLineHead(batch.stream, '2000-01-01T00:00:00Z')),
    batch.data(index),
    Buffer.from('}}'),
  ]);
  const record = parseRecordLine(line);
  if (!record || record.data === batch.data(index).toString()) return false;
  batch.replace(index, Buffer.from(record.data));
  return true;
}

/** Enough of a key to find its record by. */
const keyCharsMax = 200;

function shorten(text: string): string {
  return text.length > keyCharsMax ? `${text.slice(0, keyCharsMax)}…` : text;
}

/** Numbers stay as they are written: a key that is looked for has to be the one that was sent (P9). */
function parseRecord(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    // Keeping the digits takes a call for each level: what is nested too deep for that is read without.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** The key of a record in words, for messages. */
export function describeKey(plan: TablePlan, data: Buffer): string {
  try {
    const record = parseRecord(data.toString());
    const parts = plan.key.map(({ path, name }) => {
      const value = path.reduce<unknown>((at, field) => (at as Record<string, unknown> | undefined)?.[field], record);
      return `${name}=${shorten(JSON.stringify(value) ?? 'missing')}`;
    });
    return parts.join(', ') || 'without a key';
  } catch {
    return 'that is not JSON';
  }
}
