import { describe, expect, test } from 'vitest';
import { type JsonSchemaNode, jsonSchemaDocuments, sharedShapeSchemas, wireFormatHash } from './json-schema.ts';
import { PROTOCOL_VERSION } from './limit.ts';
import { messageKinds } from './message.ts';

/** Fingerprint of the wire format as it was last decided on. */
const DECIDED = { version: 1, hash: 'ea05860246ad9099afb4c1226ccfae37cfd9da3acd3eaa52dab4d4fe8559188d' };

test('the wire format is the one that was decided on', () => {
  expect(
    { version: PROTOCOL_VERSION, hash: wireFormatHash() },
    [
      'The wire format has changed: a line is now accepted or refused that was not before. That is a decision.',
      'An old reader would misread a new line, or a new reader an old one: raise PROTOCOL_VERSION in limit.ts.',
      'Otherwise (a new optional field, a new kind): leave it. In both cases say it in CHANGELOG.md, add golden lines,',
      'run `make generate`, and put the new hash into DECIDED in this test.',
    ].join('\n'),
  ).toEqual(DECIDED);
});

describe('wireFormatHash', () => {
  const document = (node: JsonSchemaNode) => wireFormatHash(new Map([['x', node]]));

  test('does not change with descriptions, titles and the order of keys', () => {
    const plain = document({ type: 'object', properties: { a: { type: 'string' } } });
    expect(document({ title: 'T', properties: { a: { description: 'D', type: 'string' } }, type: 'object' })).toBe(
      plain,
    );
  });

  test('changes with a field, also one that is called like an annotation', () => {
    const plain = document({ properties: { a: { type: 'string' } } });
    expect(document({ properties: { a: { type: 'string' }, title: {} } })).not.toBe(plain);
    expect(document({ properties: { a: { type: 'string' } }, required: ['a'] })).not.toBe(plain);
  });
});

describe('the JSON Schema documents', () => {
  const documents = jsonSchemaDocuments();

  test('are one for each kind of message, one for any line, and the files and shapes around them', () => {
    expect(documents.size).toBe(messageKinds.length + 6);
    expect([...documents.keys()]).toEqual(
      expect.arrayContaining(['message', 'record-message', 'configured-catalog', 'sync-state']),
    );
  });

  test('have an id of their own, a title, and refer to nothing outside', () => {
    const ids = new Set<string | undefined>();
    for (const [name, document] of documents) {
      const text = JSON.stringify(document);
      ids.add((document as { $id?: string }).$id);
      expect(document.title, name).toBeTruthy();
      for (const [, ref] of text.matchAll(/"\$ref":"([^"]*)"/g)) {
        expect(Object.keys(document.$defs ?? {}), `${name}: ${ref}`).toContain(ref?.replace('#/$defs/', ''));
      }
    }
    expect(ids.size).toBe(documents.size);
  });

  test('describe every field but those whose value is fixed or whose shape says it', () => {
    const silent: string[] = [];
    const visit = (node: JsonSchemaNode, path: string): void => {
      for (const [name, field] of Object.entries(node.properties ?? {})) {
        const here = `${path}.${name}`;
        if (field.description === undefined && field.const === undefined && field.$ref === undefined) silent.push(here);
        visit(field, here);
      }
      for (const [i, variant] of (node.oneOf ?? []).entries()) visit(variant, `${path}[${i}]`);
      if (node.items !== undefined) visit(node.items, `${path}[]`);
    };
    for (const [name, node] of [...documents, ...sharedShapeSchemas()]) visit(node, name);
    expect(silent.filter((path) => !/-message\.\w+$/.test(path))).toEqual([]);
  });
});
