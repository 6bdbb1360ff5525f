import type { Resource } from './endpoint-table.ts';
import { slotFor } from './slot-rules.ts';

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
export type Slot = (subject: Subject) => string;

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
  render(subject: Subject, naming?: FieldNaming): string;
  /** JSON text of one top-level field, without making the rest; undefined where objects have no such field. */
  field(name: string, subject: Subject): string | undefined;
  fieldNames: readonly string[];
};

type Part = string | Slot;

/** Turns an example object into a maker of objects: fixed text between slots, so that making one is joining strings. */
export function compileShape(around: ShapeSurroundings): Shape {
  const fields = new Map<string, Part[]>();
  for (const [name, value] of Object.entries(around.resource.example)) {
    const parts = compile(value, name, around);
    if (parts) fields.set(name, parts);
  }
  const all: Part[] = [];
  for (const [name, parts] of fields)
    append(all, [`${all.length === 0 ? '{' : ','}${JSON.stringify(name)}:`, ...parts]);
  append(all, ['}']);
  const fieldOf = (name: string, subject: Subject) => {
    const given = subject.given?.get(name);
    if (given !== undefined) return name === 'metadata' ? withRevision(given, subject.change) : given;
    const parts = fields.get(name);
    return parts ? join(parts, subject) : undefined;
  };
  const byField = (subject: Subject, naming: FieldNaming) => {
    const members: string[] = [];
    for (const field of fields.keys()) {
      const name = naming(field);
      if (name !== undefined) members.push(`${JSON.stringify(name)}:${fieldOf(field, subject)}`);
    }
    return `{${members.join(',')}}`;
  };
  return {
    render: (subject, naming) =>
      naming || subject.given ? byField(subject, naming ?? ((field) => field)) : join(all, subject),
    field: fieldOf,
    fieldNames: [...fields.keys()],
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

function join(parts: readonly Part[], subject: Subject): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : part(subject);
  return text;
}
