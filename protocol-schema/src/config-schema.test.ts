import { expect, it } from 'vitest';
import { keysAt, schemasAt, typesAt } from './config-schema.ts';

const schema = {
  $defs: { tls: { type: 'object', properties: { ca: { type: ['string', 'null'] } } } },
  properties: {
    url: { anyOf: [{ type: 'string' }, { const: false }] },
    tls: { $ref: '#/$defs/tls' },
    hosts: { items: { properties: { port: { type: 'integer' } } } },
    labels: { additionalProperties: { enum: ['a', null] } },
    0: { type: 'boolean' },
  },
};

it('finds keys through references, lists and unions', () => {
  expect(keysAt(schema, [])).toEqual(['0', 'url', 'tls', 'hosts', 'labels']);
  expect(keysAt(schema, ['tls'])).toEqual(['ca']);
  expect(keysAt(schema, ['hosts', '3'])).toEqual(['port']);
  expect(keysAt(schema, ['nothing', 'there'])).toEqual([]);
});

it('names the types that a value may have', () => {
  expect(typesAt(schema, ['url'])).toEqual(['string', 'boolean']);
  expect(typesAt(schema, ['tls', 'ca'])).toEqual(['string', 'null']);
  expect(typesAt(schema, ['labels', 'any'])).toEqual(['string', 'null']);
  expect(typesAt(schema, ['0'])).toEqual(['boolean']);
});

it('ends with schemas that refer to themselves', () => {
  const circular = { $ref: '#', properties: { child: { $ref: '#' } } };
  expect(schemasAt(circular, ['child', 'child', 'child'])).toEqual([circular.properties.child, circular]);
});
