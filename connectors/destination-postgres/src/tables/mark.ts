/** The comments by which Penstock knows again what it made. Whoever changes one takes the table over. */

/** The comment of a schema that Penstock made. */
export const schemaMark = 'Made by Penstock';

/** The comment of a stream's table, and how the comments of all that belongs to it begin. */
export function tableMark(stream: string): string {
  return `Made by Penstock from the stream ${JSON.stringify(stream)}`;
}

/** The comment of a table of tombstones. */
export function tombstoneMark(stream: string): string {
  return `${tableMark(stream)}: keys and versions of the rows that were removed`;
}

/** What a side table holds: the next rows of a stream's table, all or some of them. */
export type SideState = {
  /** Undefined when nobody gave the refresh a number; then no other run goes on with it. */
  readonly generation: number | undefined;
  /** Whether its rows have been taken over into the stream's table. */
  readonly isTaken: boolean;
};

/** The comment of a side table. */
export function sideMark(stream: string, { generation, isTaken }: SideState): string {
  const rows = generation === undefined ? 'rows of one run' : `rows of generation ${generation}`;
  return `${tableMark(stream)}: ${rows}, ${isTaken ? 'taken over' : 'not taken over yet'}`;
}

/** What a comment says of the table that it stands at. */
export type Mark = { readonly stream: string } & (
  | { readonly kind: 'table' | 'tombstones' }
  | ({ readonly kind: 'side' } & SideState)
);

const sidePattern = /: rows of (?:one run|generation (\d+)), (not )?taken over(?: yet)?$/;

/** Reads a comment. @returns undefined when the table is not one of ours */
export function readMark(comment: string): Mark | undefined {
  const name = /^Made by Penstock from the stream ("(?:[^"\\]|\\.)*")/.exec(comment)?.[1];
  const stream = name === undefined ? undefined : parseName(name);
  if (stream === undefined) return undefined;
  if (comment === tombstoneMark(stream)) return { stream, kind: 'tombstones' };
  const [, generation, not] = sidePattern.exec(comment.slice(tableMark(stream).length)) ?? [undefined];
  const side: SideState = {
    generation: generation === undefined ? undefined : Number(generation),
    isTaken: not === undefined,
  };
  return comment === sideMark(stream, side) ? { stream, kind: 'side', ...side } : { stream, kind: 'table' };
}

function parseName(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}
