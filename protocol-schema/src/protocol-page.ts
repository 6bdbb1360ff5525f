/** `docs/reference/protocol.md`, made from the schemas: nothing on it can say something else than the code does. */
import { badInput } from './bad-input.ts';
import { exitCodeTable } from './error-page.ts';
import { type JsonSchemaNode, jsonSchemaDocuments, messageDocumentName, sharedShapeSchemas } from './json-schema.ts';
import { PROTOCOL_VERSION } from './limit.ts';
import { messageKinds, payloadSchemas } from './message.ts';

function shapeLink(ref: string): string {
  const name = ref.split('/').at(-1) ?? ref;
  return `[${name}](#${name.toLowerCase()})`;
}

/** The type of a field in a few words. Literals as code. */
export function typeText(node: JsonSchemaNode): string {
  if (node.$ref !== undefined) return shapeLink(node.$ref);
  if (node.const !== undefined) return `\`"${node.const}"\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`"${value}"\``).join(', ');
  if (node.format === 'date-time') return 'time';
  if (node.type === 'array') return `list of ${node.items === undefined ? 'anything' : typeText(node.items)}`;
  if (node.type === 'object' && typeof node.additionalProperties === 'object') {
    return `object of ${typeText(node.additionalProperties)}`;
  }
  return node.type ?? 'any JSON';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function fieldRows(node: JsonSchemaNode, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const needed = node.required?.includes(name) === true ? 'yes' : '';
    const row = `| \`${prefix}${name}\` | ${typeText(field)} | ${needed} | ${cell(field.description ?? '')} |`;
    return [row, ...fieldRows(field, `${prefix}${name}.`)];
  });
}

function fieldTable(node: JsonSchemaNode): string {
  return ['| field | type | required | |', '|---|---|---|---|', ...fieldRows(node)].join('\n');
}

/** The constant that tells a variant from the others: `status: "start"`. */
function variantTitle(variant: JsonSchemaNode): string {
  const [name, field] = Object.entries(variant.properties ?? {}).find(([, node]) => node.const !== undefined) ?? [];
  return name === undefined ? 'otherwise' : `**\`${name}: "${field?.const}"\`**`;
}

function shapeText(node: JsonSchemaNode): string {
  if (node.oneOf !== undefined) {
    return node.oneOf
      .map((variant) =>
        [variantTitle(variant), variant.description ?? '', fieldTable(variant)].filter(Boolean).join('\n\n'),
      )
      .join('\n\n');
  }
  if (node.enum !== undefined) return `One of ${typeText(node)}.`;
  return node.properties === undefined ? '' : fieldTable(node);
}

/** Keys of the payload's schema stand in the document, or behind a reference of its own. */
function payloadOf(document: JsonSchemaNode, kind: string): JsonSchemaNode {
  const payload = document.properties?.[kind] ?? {};
  const name = payload.$ref?.split('/').at(-1);
  if (name === undefined) return payload;
  return {
    ...document.$defs?.[name],
    ...(payload.description === undefined ? {} : { description: payload.description }),
  };
}

/** @param examples a good line for each kind of message, the shortest and the fullest */
export function protocolPage(examples: ReadonlyMap<string, readonly string[]>): string {
  const documents = jsonSchemaDocuments();
  const shapes = sharedShapeSchemas();
  const messages = messageKinds.map((kind) => {
    const payload = payloadOf(documents.get(messageDocumentName(kind)) ?? {}, kind);
    const shown = examples.get(kind) ?? [];
    return [
      `### \`${kind}\``,
      payload.description ?? payloadSchemas[kind].description ?? '',
      shapeText(payload),
      shown.length === 0 ? '' : `\`\`\`json\n${shown.join('\n')}\n\`\`\``,
    ].filter(Boolean);
  });
  const files = ['configured-catalog', 'source-state-set'].map((name) => {
    const document = documents.get(name) ?? {};
    return [`### \`${name}.json\``, document.description ?? '', fieldTable(document)];
  });
  const shared = [...shapes].map(([name, node]) =>
    [`### ${name}`, node.description ?? '', shapeText(node)].filter(Boolean),
  );
  return `${[
    '<!-- Generated from protocol-schema/src by `make generate`. -->',
    `# The wire protocol, version ${PROTOCOL_VERSION}`,
    'One JSON object per line: UTF-8, ended by a newline, at most 32 MiB. Every message is `{"type": KIND, KIND: PAYLOAD}`; the engine may add `_emitted_by`, `_ts`, `_pipeline` and `_run_id`. Readers ignore fields that they do not know. Names are in snake_case. A time is ISO 8601 in UTC with seconds and any precision, such as `2026-01-31T12:00:00Z`. Ranges are `{gte, lt}`: inclusive, exclusive.',
    'The same as JSON Schema (draft 2020-12) is in `protocol-schema/schema`, and lines to try a program with, good ones and bad ones, are in `protocol-schema/golden`.',
    '## Messages',
    ...messages.flat(),
    '## Files',
    'Given to commands with `--catalog` and `--state`. A state file may also be the lines that an earlier run printed: their `source_state` messages are put together.',
    ...files.flat(),
    '## Shared shapes',
    ...shared.flat(),
    '## Exit codes',
    exitCodeTable(),
    'What stands behind each one: [Errors and exit codes](errors.md).',
    '## Bad input',
    [
      '| what | answer |',
      '|---|---|',
      ...Object.values(badInput).map((row) => `| ${cell(row.what)} | ${cell(row.answer)} |`),
    ].join('\n'),
  ].join('\n\n')}\n`;
}
