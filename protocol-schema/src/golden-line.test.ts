import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { badInput } from './bad-input.ts';
import { badLines, goodLines, toleratedLines } from './golden-line.ts';
import { jsonSchemaDocuments, messageDocumentName } from './json-schema.ts';
import { messageKinds } from './message.ts';
import { parseLine } from './parse-line.ts';
import { parseRecordLine, RecordPeek } from './record-line.ts';

// The patterns say all that the formats do.
const ajv = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false });
for (const document of jsonSchemaDocuments().values()) ajv.addSchema(document as AnySchemaObject);

/** Whether the JSON Schema of that name accepts the line. */
function schemaAccepts(name: string, line: string): boolean {
  return ajv.validate(`urn:penstock:protocol:1:${name}`, JSON.parse(line)) === true;
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

describe.each(messageKinds)('golden lines of %s', (kind) => {
  test.each(goodLines(kind))('are accepted by the parser and by JSON Schema: %s', (line) => {
    expect(parseLine(line)).toMatchObject({ kind: 'message', message: { type: kind } });
    expect(schemaAccepts('message', line), ajv.errorsText()).toBe(true);
    expect(schemaAccepts(messageDocumentName(kind), line), ajv.errorsText()).toBe(true);
  });

  test('are refused by the JSON Schema of every other kind', () => {
    for (const other of messageKinds) {
      if (other === kind) continue;
      for (const line of goodLines(kind)) expect(schemaAccepts(messageDocumentName(other), line), line).toBe(false);
    }
  });

  test('begin with the shortest one', () => {
    const [first, ...rest] = goodLines(kind).map((line) => JSON.stringify(JSON.parse(line)));
    expect(first?.startsWith(`{"type":"${kind}"`)).toBe(true);
    expect(rest.length).toBeGreaterThan(0);
  });

  test('cover every field and every variant that its JSON Schema names', () => {
    const named = new Set<string>();
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === 'properties') for (const name of Object.keys(value as object)) named.add(name);
        if (key === 'const') named.add(String(value));
        if (key === 'enum') for (const item of value as unknown[]) named.add(String(item));
        visit(value);
      }
    };
    visit(jsonSchemaDocuments().get(messageDocumentName(kind)));
    const all = goodLines(kind).join('\n');
    // What the engine adds is the same for every kind.
    const missing = [...named].filter((name) => !name.startsWith('_') && !all.includes(`"${name}"`));
    expect(missing).toEqual([]);
  });
});

describe('golden bad lines', () => {
  test.each(badLines())('are no messages: $reason', ({ line, line_base64, beyond_schema }) => {
    const bytes = line_base64 === undefined ? Buffer.from(line ?? '') : Buffer.from(line_base64, 'base64');
    expect(parseLine(bytes).kind).toBe('invalid');
    expect(parseRecordLine(bytes)).toBeUndefined();
    if (line !== undefined && isJson(line)) expect(schemaAccepts('message', line)).toBe(beyond_schema === true);
  });

  test('are answered as refused payloads exactly when they look like canonical records', () => {
    for (const { line, line_base64, answer, reason } of badLines()) {
      const bytes = line_base64 === undefined ? Buffer.from(line ?? '') : Buffer.from(line_base64, 'base64');
      const looksCanonical = new RecordPeek().stream(bytes, 0, bytes.length) !== undefined;
      expect(looksCanonical, reason).toBe(answer === 'refused_payload');
    }
  });

  test('exist for every kind of message', () => {
    const kinds = new Set(badLines().map(({ line }) => /"type":"(\w+)"/.exec(line ?? '')?.[1]));
    expect(messageKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});

describe('golden tolerated lines', () => {
  test.each(toleratedLines())('are accepted or passed over: $reason', ({ line, kind }) => {
    expect(parseLine(line).kind).toBe(kind);
    if (kind === 'message') expect(schemaAccepts('message', line)).toBe(true);
    if (kind === 'unknown_type') expect(schemaAccepts('message', line)).toBe(false);
  });
});

test('bad and tolerated lines stand for every row of the table of bad input that one line can show', () => {
  const notOneLine = ['line_too_long', 'half_a_line', 'config_refused', 'file_refused'];
  const answers = new Set<string>([...badLines(), ...toleratedLines()].map(({ answer }) => answer));
  expect([...answers, ...notOneLine].sort()).toEqual(Object.keys(badInput).sort());
});
