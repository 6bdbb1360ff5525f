import { isKey, scanArray, scanObject, skipSpace, skipValue } from '../pages/scan-json.ts';

/** Where a value stands: from its first byte to the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An element of a list's `data`, as it stands there. */
export interface ListItem extends Span {
  /** Undefined where it has none that is a text of at least one character, or is no object. */
  readonly id: string | undefined;
}

/** Where a list object and its parts stand in a text. */
export interface FoundList extends Span {
  /** The array, brackets included. */
  readonly data: Span;
  readonly items: readonly ListItem[];
  /** Undefined where it is neither true nor false, or not there. */
  readonly hasMore: boolean | undefined;
  /** The value of `has_more`. */
  readonly hasMoreSpan: Span | undefined;
}

/** What is looked at of an object that may hold lists. Of a key that stands there twice, the last counts, as in JSON.parse. */
export interface FoundObject {
  readonly id: string | undefined;
  /** Undefined where there is no such property, or it is no list. */
  readonly list: FoundList | undefined;
}

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const QUOTE = 0x22;
const COLON = 0x3a;
const LETTER_T = 0x74;

const ID = Buffer.from('id');
const OBJECT = Buffer.from('object');
const DATA = Buffer.from('data');
const HAS_MORE = Buffer.from('has_more');
/**
 * The end of the key `has_more`. The search stops at every byte like its first one, and quotes and underscores are
 * everywhere: searching for the whole key takes three times as long.
 */
const HAS_MORE_END = Buffer.from('more"');

/**
 * Whether a list anywhere in the object may say that there is more. Costs next to nothing, and is right about every list
 * whose `has_more` is written without escapes, as Stripe does.
 */
export function mayBeCutOff(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(HAS_MORE_END); at !== -1; at = bytes.indexOf(HAS_MORE_END, at + 1)) {
    const colon = skipSpace(bytes, at + HAS_MORE_END.length);
    if (bytes[colon] === COLON && bytes[skipSpace(bytes, colon + 1)] === LETTER_T) return true;
  }
  return false;
}

/** A text that is not empty. */
function readText(bytes: Buffer, start: number, end: number): string | undefined {
  if (bytes[start] !== QUOTE || end - start === 2) return undefined;
  return JSON.parse(bytes.toString('utf8', start, end));
}

function readItem(bytes: Buffer, start: number): ListItem {
  if (bytes[start] !== OPEN_BRACE) return { start, end: skipValue(bytes, start), id: undefined };
  let id: string | undefined;
  const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, ID)) id = readText(bytes, valueStart, valueEnd);
    return valueEnd;
  });
  return { start, end, id };
}

/**
 * The list that begins at `at`, or undefined where something else does.
 *
 * @throws JsonScanError, SyntaxError for what is no JSON
 */
export function readListObject(bytes: Buffer, at: number): FoundList | undefined {
  if (bytes[at] !== OPEN_BRACE) return undefined;
  let object: string | undefined;
  let data: Span | undefined;
  let hasMoreSpan: Span | undefined;
  let items: ListItem[] = [];
  const end = scanObject(bytes, at, (keyStart, keyEnd, valueStart) => {
    if (isKey(bytes, keyStart, keyEnd, DATA)) {
      const found: ListItem[] = [];
      items = found;
      const isArray = bytes[valueStart] === OPEN_BRACKET;
      const dataEnd = isArray
        ? scanArray(bytes, valueStart, (start) => {
            const item = readItem(bytes, start);
            found.push(item);
            return item.end;
          })
        : skipValue(bytes, valueStart);
      data = isArray ? { start: valueStart, end: dataEnd } : undefined;
      return dataEnd;
    }
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, HAS_MORE)) hasMoreSpan = { start: valueStart, end: valueEnd };
    else if (isKey(bytes, keyStart, keyEnd, OBJECT)) object = readText(bytes, valueStart, valueEnd);
    return valueEnd;
  });
  if (object !== 'list' || data === undefined) return undefined;
  const word = hasMoreSpan === undefined ? '' : bytes.toString('latin1', hasMoreSpan.start, hasMoreSpan.end);
  const hasMore = word === 'true' || word === 'false' ? word === 'true' : undefined;
  return { start: at, end, data, items, hasMore, hasMoreSpan };
}

/**
 * The id of an object and the list that is one of its properties.
 *
 * @param bytes one object, and nothing after it but white space
 * @throws JsonScanError, SyntaxError for what is no JSON as far as it is walked
 */
export function findObject(bytes: Buffer, property: string): FoundObject {
  const name = Buffer.from(property);
  let id: string | undefined;
  let list: FoundList | undefined;
  scanObject(bytes, skipSpace(bytes, 0), (keyStart, keyEnd, valueStart) => {
    if (isKey(bytes, keyStart, keyEnd, name)) {
      list = readListObject(bytes, valueStart);
      return list?.end ?? skipValue(bytes, valueStart);
    }
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, ID)) id = readText(bytes, valueStart, valueEnd);
    return valueEnd;
  });
  return { id, list };
}

/** See {@link findObject}: only the list. */
export function findList(bytes: Buffer, property: string): FoundList | undefined {
  return findObject(bytes, property).list;
}
