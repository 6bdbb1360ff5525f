/**
 * Writes the tables that the simulator serves from: `generate.ts OPENAPI_JSON FIXTURES_JSON [--check]`.
 *
 * The inputs are Stripe's API description (`openapi.json`) and its fixtures (`fixtures.json`), both published by Stripe,
 * and the installed `stripe` package. With `--check` nothing is written, and the exit code is 1 where the checked-in
 * files differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type EventTypes, eventTypes } from './event-types.ts';
import { completeExample, type Facts, isRecord, type Json, objectName } from './example.ts';
import { type ListMethod, listMethods, type Parameter } from './list-methods.ts';
import { describedExample, describedFields, describedLists } from './openapi.ts';
import { endpointsSchema, resourcesSchema } from './table-schema.ts';
import { view } from './type-view.ts';

type Endpoint = {
  path: string;
  object: string;
  origin: 'package' | 'description' | 'both';
  params: Record<string, Parameter>;
};
type Resource = Facts & { example: Json; fields: string[]; events?: EventTypes };

/** A union in the types names an account first; what such lists really hold are cards. */
const itemOverrides: Record<string, string> = { '/v1/customers/{parent}/sources': 'card' };
/** Parents of lists that have no list of their own: they can be retrieved only. */
const unlisted = ['tax.calculation', 'tax.transaction', 'source'];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean' } } });
const [openapiFile, fixturesFile] = positionals;
if (!openapiFile || !fixturesFile) {
  console.error('Usage: generate.ts OPENAPI_JSON FIXTURES_JSON [--check]');
  process.exit(2);
}
const document = JSON.parse(readFileSync(openapiFile, 'utf8'));
const fixtures: Record<string, { [key: string]: Json }> = JSON.parse(readFileSync(fixturesFile, 'utf8')).resources;
const packageFolder = dirname(dirname(createRequire(import.meta.url).resolve('stripe')));

const methods = listMethods(packageFolder);
const typed = new Map<string, ListMethod>();
const endpoints = new Map<string, Endpoint>();
for (const method of methods) {
  const object = itemOverrides[method.path] ?? objectName(view(method.item));
  if (!object) throw new Error(`${method.path}: the listed object has no name`);
  if (!itemOverrides[method.path]) typed.set(object, method);
  endpoints.set(method.path, { path: method.path, object, origin: 'package', params: method.params });
}
for (const described of describedLists(document)) {
  const known = endpoints.get(described.path);
  if (known) endpoints.set(described.path, { ...known, origin: 'both' });
  else endpoints.set(described.path, { ...described, origin: 'description' });
}

const events = eventTypes(packageFolder);
const resources: Record<string, Resource> = {};
for (const object of [...new Set([...[...endpoints.values()].map((e) => e.object), ...unlisted])].sort()) {
  const method = typed.get(object);
  const fixture = fixtures[object];
  const type = method ? view(method.item) : undefined;
  const start =
    fixture ?? (type ? undefined : (describedExample(document, object) as { [key: string]: Json } | undefined));
  const { example, facts } = completeExample(start, type ?? { kind: 'map', nullable: false });
  if (!isRecord(example)) throw new Error(`${object}: no fixture, no type and no description to make an example from`);
  const typedFields = type?.kind === 'object' ? type.members.map((m) => m.name) : [];
  const fields = [
    ...new Set([...typedFields, ...describedFields(document, object), ...Object.keys(fixture ?? start ?? {})]),
  ].sort();
  const ordered: { [key: string]: Json } = { id: example.id || 'obj_123', object: example.object ?? null };
  for (const key of Object.keys(example).sort()) if (key !== 'id') ordered[key] = example[key] ?? null;
  resources[object] = { example: ordered, fields, ...facts, ...(events[object] ? { events: events[object] } : {}) };
}

const sorted = [...endpoints.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
endpointsSchema.parse(sorted);
resourcesSchema.parse(resources);
const outputs = {
  'endpoints.json': `[\n${sorted.map((e) => JSON.stringify(e)).join(',\n')}\n]\n`,
  'resources.json': `{\n${Object.entries(resources)
    .map(([name, r]) => `${JSON.stringify(name)}: ${JSON.stringify(r)}`)
    .join(',\n')}\n}\n`,
};
for (const [name, text] of Object.entries(outputs)) {
  const file = join(import.meta.dirname, '../generated', name);
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what its inputs give; run this again without --check.`);
    process.exitCode = 1;
  }
}
