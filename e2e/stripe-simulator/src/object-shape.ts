import type { Resource } from './endpoint-table.ts';
import { slotFor } from './slot-rules.ts';
import { type TextWriter, textOf, utf8 } from './text-writer.ts';

/** What has happened to an object since the simulator started. */
export type Change = {
  /** 0 at first, one more with each update. */
  version: number;
  /** Second of the last change. */
  at: number;
  /** Second of the cancellation, for subscriptions. */
  canceledAt?: number;
};

/** What an object is made from. */
export type Subject = {
  /** Number of the object in its id space. */
  index: number;
  id: string;
  /** Seconds since the epoch. */
  created: number;
  change: Change | undefined;
  /** Id of the object that a list under a parent belongs to. */
  parentId: string | undefined;
  given?: Given | undefined;
};

/** Top-level fields whose values are not the example's, as JSON text. */
export type Given = ReadonlyMap<string, string>;

/** What a field is called in another look of the same object; undefined where that has no such field. */
export type FieldNaming = (field: string) => string | undefined;

/** Writes a value of one object as JSON text. */
export type Slot = (subject: Subject, out: TextWriter) => void;

/** What the rules for single fields may ask of their surroundings. */
export type ShapeSurroundings = {
  /** Seed of the stream. */
  seed: number;
  resource: Resource;
  /** `object` value of the parent, for lists under one. */
  parentObject: string | undefined;
  /** The field that holds the parent's id because a query parameter of that name asks for it. */
  parentField: string | undefined;
  accountId: string;
  /** Id of some object of the kind, by a hash; undefined where the simulator has none. */
  idOf(object: string, hash: number): string | undefined;
  /** First page of a list inside the object, as JSON text; undefined where the list isn't simulated. */
  embeddedList(url: string): Slot | undefined;
};

/** Makes objects of one kind as JSON text. */
export type Shape = {
  /** @param naming other names for the top-level fields; their own where it is left out */
  write(subject: Subject, out: TextWriter, naming?: FieldNaming): void;
  /** JSON text of one top-level field, without making the rest; undefined where objects have no such field. */
  field(name: string, subject: Subject): string | undefined;
  fieldNames: readonly string[];
};

type Part = string | Slot;
/** A part with its fixed text as the bytes that it is written as. */
type Piece = Uint8Array | Slot;

/** Turns an example object into a maker of objects: fixed text between slots, so that making one is copying bytes. */
export function compileShape(around: ShapeSurroundings): Shape {
  const fields = new Map<string, Piece[]>();
  const all: Part[] = [];
  for (const [name, value] of Object.entries(around.resource.example)) {
    const parts = compile(value, name, around);
    if (!parts) continue;
    append(all, [`${all.length === 0 ? '{' : ','}${JSON.stringify(name)}:`, ...parts]);
    fields.set(name, parts.map(pieceOf));
  }
  const whole = append(all, ['}']).map(pieceOf);
  const fieldOf = (name: string, subject: Subject) => {
    const given = subject.given?.get(name);
    if (given !== undefined) return name === 'metadata' ? withRevision(given, subject.change) : given;
    const pieces = fields.get(name);
    return pieces && textOf((out) => writePieces(pieces, subject, out));
  };
  const writeByField = (subject: Subject, out: TextWriter, naming: FieldNaming) => {
    let before = '{';
    for (const field of fields.keys()) {
      const name = naming(field);
      if (name === undefined) continue;
      out.text(`${before}${JSON.stringify(name)}:${fieldOf(field, subject)}`);
      before = ',';
    }
    out.text(before === '{' ? '{}' : '}');
  };
  return {
    write(subject, out, naming) {
      if (naming || subject.given) writeByField(subject, out, naming ?? ((field) => field));
      else writePieces(whole, subject, out);
    },
    field: fieldOf,
    fieldNames: [...fields.keys()],
  };
}

/** A shape that is compiled with its first object: there are 140 lists, and of most of them no object is ever asked for. */
export function shapeWhenNeeded(compile: () => Shape): Shape {
  let compiled: Shape | undefined;
  const shape = (): Shape => {
    compiled ??= compile();
    return compiled;
  };
  return {
    write: (subject, out, naming) => shape().write(subject, out, naming),
    field: (name, subject) => shape().field(name, subject),
    get fieldNames() {
      return shape().fieldNames;
    },
  };
}

/** Given metadata shows its updates as the metadata of examples does. */
function withRevision(metadata: string, change: Change | undefined): string {
  return change?.version ? JSON.stringify({ ...JSON.parse(metadata), revision: String(change.version) }) : metadata;
}

/** Undefined leaves the field out. */
function compile(value: unknown, path: string, around: ShapeSurroundings): Part[] | undefined {
  const slot = slotFor(value, path, around);
  if (slot === 'omit') return undefined;
  if (slot) return [slot];
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)];
  const parts: Part[] = [];
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      append(parts, [i === 0 ? '[' : ',', ...(compile(item, `${path}.${i}`, around) ?? ['null'])]);
    }
    return parts.length === 0 ? ['[]'] : append(parts, [']']);
  }
  for (const [key, item] of Object.entries(value)) {
    const inner = compile(item, `${path}.${key}`, around);
    if (inner) append(parts, [`${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`, ...inner]);
  }
  return parts.length === 0 ? ['{}'] : append(parts, ['}']);
}

/** Adds parts, melting neighbouring fixed texts into one. */
function append(to: Part[], parts: Part[]): Part[] {
  for (const part of parts) {
    const last = to.at(-1);
    if (typeof part === 'string' && typeof last === 'string') to[to.length - 1] = last + part;
    else to.push(part);
  }
  return to;
}

function pieceOf(part: Part): Piece {
  return typeof part === 'string' ? utf8(part) : part;
}

function writePieces(pieces: readonly Piece[], subject: Subject, out: TextWriter): void {
  for (const piece of pieces) {
    if (typeof piece === 'function') piece(subject, out);
    else out.bytes(piece);
  }
}
