import { parseRecordLine, recordLineHead } from '@penstock/protocol';
import { reasonOf, rowOf } from '../connect/postgres-error.ts';
import type { TablePlan } from '../tables/plan-tables.ts';
import type { Batch } from './batch.ts';

/** Records without a primary key are in the stage. */
export class KeysMissing extends Error {
  readonly indexes: readonly number[];
  constructor(indexes: readonly number[]) {
    super('it has no primary key, or one that is no whole number where the schema says integer');
    this.indexes = indexes;
  }
}

/** A record that can't be stored, and why. */
export type Refused = { readonly index: number; readonly reason: string };
/** What an error tells: parts to be tried again (indexes, ascending, in the order of arrival), and records found to be bad. */
export type Culprits = { readonly rest: number[][]; readonly refused: Refused[] };

/** Narrows down which records an error is about: named by the error, or found by halving. */
export function findCulprits(error: unknown, stream: string, batch: Batch, part: readonly number[]): Culprits {
  const reasons = new Map<number, string>();
  if (error instanceof KeysMissing) for (const index of error.indexes) reasons.set(index, error.message);
  else {
    const row = rowOf(error);
    const named = row === undefined ? (part.length === 1 ? part[0] : undefined) : part[row - 1];
    if (named === undefined) {
      const half = Math.ceil(part.length / 2);
      return { rest: [part.slice(0, half), part.slice(half)], refused: [] };
    }
    // All that can be told to be bad without Postgres goes at once: a batch of bad records is not sent once for each.
    for (const index of part) {
      const reason = index === named ? reasonOf(error) : index > named ? whyUnstorable(batch.data(index)) : undefined;
      if (reason !== undefined && !mend(stream, batch, index)) reasons.set(index, reason);
    }
  }
  const rest = part.filter((index) => !reasons.has(index));
  return { rest: rest.length > 0 ? [rest] : [], refused: [...reasons].map(([index, reason]) => ({ index, reason })) };
}

/** What Postgres is known to refuse in JSON. */
function whyUnstorable(data: Buffer): string | undefined {
  let reason: string | undefined;
  const look = (text: unknown) => {
    if (typeof text !== 'string') return;
    if (text.includes('\0')) reason = 'it holds \\u0000, which Postgres has no place for';
    else if (!text.isWellFormed()) reason = 'it holds half of a surrogate pair';
  };
  try {
    JSON.parse(data.toString(), (key, value: unknown) => {
      look(key);
      look(value);
      return value;
    });
  } catch {
    return 'it is not JSON';
  }
  return reason;
}

/**
 * A line can look canonical and not be (another field after `data`, say): it is parsed as a whole before its record is called
 * bad. @returns true when that gave other data, which is sent from now on
 */
function mend(stream: string, batch: Batch, index: number): boolean {
  if (batch.isReplaced(index)) return false;
  const line = Buffer.concat([
    Buffer.from(recordLineHead(stream, '2000-01-01T00:00:00Z')),
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

/** The key of a record in words, for messages. */
export function describeKey(plan: TablePlan, data: Buffer): string {
  try {
    const record: unknown = JSON.parse(data.toString());
    const parts = plan.key.map(({ path, name }) => {
      const value = path.reduce<unknown>((at, field) => (at as Record<string, unknown> | undefined)?.[field], record);
      return `${name}=${shorten(JSON.stringify(value) ?? 'missing')}`;
    });
    return parts.join(', ') || 'without a key';
  } catch {
    return 'that is not JSON';
  }
}
