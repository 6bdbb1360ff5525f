import * as z from 'zod';
import {
  commandChoiceSchema,
  imageChoiceSchema,
  pipelineSchema,
  pipesChoiceSchema,
  typeNameSchema,
} from './pipeline-schema.ts';

/** What of a JSON Schema the page looks at. */
interface Part {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Part>>;
  readonly required?: readonly string[];
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
}

const kinds: Readonly<Record<string, string>> = { string: 'text', integer: 'whole number', number: 'number' };

/** `docs/reference/pipeline-file.md`, made from the descriptions in the schema. Pure. */
export function pipelinePage(): string {
  const { properties = {} } = convert(pipelineSchema);
  const whole = Object.entries(properties).map(([key, part]) => row(key, part, key === 'source'));
  const sections = Object.entries(properties).flatMap(([key, part]) => {
    const rows = rowsBelow(key, part);
    return rows.length === 0 ? [] : [`## ${key}`, `${part.description}`, table(rows)];
  });
  const sides = [
    row('type', convert(typeNameSchema), false),
    '| _TYPE_ | object | The config of the connector, under the name of its type. |',
    ...[commandChoiceSchema, imageChoiceSchema].flatMap((form) => rowsBelow('', convert(form)).slice(0, 1)),
    '| `config` | object | The config of a `command` or an `image`. |',
    ...rowsBelow('', convert(pipesChoiceSchema)),
  ].map((line) => line.replace(' (needed)', ''));
  return `${[
    '<!-- Generated from engine/src/pipeline/pipeline-schema.ts by `make generate`. -->',
    '# Pipeline file',
    'Every key that a pipeline file can have. [Write and change a pipeline file](../guide/pipeline-file.md) says how one is made.',
    table(whole),
    '## source and destination',
    'Each is exactly one of `type`, `command`, `image` and `pipes`. What the config may hold says the connector: `penstock spec`.',
    table(sides),
    ...sections,
  ].join('\n\n')}\n`;
}

function convert(schema: z.ZodType): Part {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Part;
}

function table(rows: readonly string[]): string {
  return ['| key | value | what it means |', '|---|---|---|', ...rows].join('\n');
}

/** A row for each key below, at any depth. */
function rowsBelow(path: string, part: Part): string[] {
  const prefix = path === '' ? '' : `${path}.`;
  const own = Object.entries(part.properties ?? {}).flatMap(([key, below]) => [
    row(prefix + key, below, part.required?.includes(key) === true),
    ...rowsBelow(prefix + key, below),
  ]);
  const items = part.items === undefined ? [] : rowsBelow(`${path}[]`, part.items);
  // Of several forms each is a choice, so none of their keys is needed.
  const forms = (part.anyOf ?? []).flatMap((form) => rowsBelow(path, { ...form, required: [] }));
  return [...own, ...items, ...forms];
}

function row(key: string, part: Part, isNeeded: boolean): string {
  const fallback = part.default === undefined ? '' : ` Default: \`${part.default}\`.`;
  const cells = [`\`${key}\`${isNeeded ? ' (needed)' : ''}`, kindOf(part), `${part.description}${fallback}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function kindOf(part: Part): string {
  if (part.enum !== undefined) return part.enum.map((value) => `\`${value}\``).join(', ');
  if (part.format === 'date-time') return 'time';
  if (part.items !== undefined) return `list of ${part.items.properties === undefined ? 'texts' : 'objects'}`;
  return kinds[part.type ?? ''] ?? 'object';
}
