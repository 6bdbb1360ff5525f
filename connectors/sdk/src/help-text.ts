import { type JsonSchema, secretPaths } from '@penstock/protocol';
import { configJsonSchema } from './config-file.ts';
import type { AnyConnector } from './connector.ts';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(schema: Record<string, unknown>): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.type === 'array') return isObject(schema.items) ? `list of ${typeName(schema.items)}` : 'list';
  if (typeof schema.type === 'string') return schema.type;
  const branches = schema.anyOf ?? schema.oneOf;
  return Array.isArray(branches) ? branches.filter(isObject).map(typeName).join(' or ') : 'any';
}

/** The keys of a config as lines of text: name, type, marks, description. */
export function describeConfigKeys(schema: JsonSchema): string {
  const secrets = new Set(secretPaths(schema));
  const lines: string[] = [];
  const visit = (node: Record<string, unknown>, prefix: string): void => {
    const required = Array.isArray(node.required) ? node.required : [];
    const named = isObject(node.properties) ? node.properties : {};
    // Keys that a user chooses.
    if (isObject(node.additionalProperties)) visit(node.additionalProperties, `${prefix}NAME.`);
    for (const [key, child] of Object.entries(named)) {
      if (!isObject(child)) continue;
      const path = prefix + key;
      const marks = [typeName(child)];
      if (required.includes(key)) marks.push('required');
      if ('default' in child) marks.push(`default ${JSON.stringify(child.default)}`);
      if (secrets.has(path)) marks.push('secret');
      const description = typeof child.description === 'string' ? `\n      ${child.description}` : '';
      lines.push(`  ${path}  (${marks.join(', ')})${description}`);
      visit(child, `${path}.`);
    }
  };
  visit(schema, '');
  return lines.length === 0 ? '  (none)' : lines.join('\n');
}

/** What `--help` says below the flags: the config's keys and how to write them. */
export function configHelp(connector: AnyConnector): string {
  return [
    'Config keys (a JSON object):',
    describeConfigKeys(configJsonSchema(connector.config)),
    '',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how it is written in a config
    'Inside any string, ${NAME} is the environment variable NAME. Instead of KEY,',
    'KEY_file may name a file that holds the value. So secrets need not stand in the',
    'config; they can not be flags.',
  ].join('\n');
}
