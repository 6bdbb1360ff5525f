import { destinationSyncModeSchema, syncModeSchema, timestampSchema } from '@penstock/protocol';
import * as z from 'zod';
import { describeUnknownKey } from './unknown-key.ts';

/** An object that refuses keys it doesn't know, and says which it knows. */
function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys as string[]).map((key) => describeUnknownKey(key, Object.keys(shape))).join('; ')
        : undefined,
  });
}

/** How a pipeline names one of its connectors. */
export type ConnectorChoice =
  | { readonly kind: 'type'; readonly type: string; readonly config: Record<string, unknown> }
  | {
      readonly kind: 'command';
      readonly command: readonly [string, ...string[]];
      readonly config: Record<string, unknown>;
    }
  | { readonly kind: 'image'; readonly image: string; readonly config: Record<string, unknown> }
  /** It has been started by somebody else; its files and named pipes are in this folder. */
  | { readonly kind: 'pipes'; readonly pipes: string; readonly config: Record<string, never> };

/** A type of connector. */
export const typeNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]*$/, { error: 'expected a name such as "stripe"' })
  .describe(
    'Which connector, for example `stripe`: the installed package `@penstock/source-stripe`, a program `source-stripe` on ' +
      'PATH, or the image `source-stripe`. Its config stands under the same name.',
  );

const configSchema = z.record(z.string(), z.unknown());
// An empty key (`config:` and nothing below it) is null in YAML.
const configUnderConfig = configSchema
  .nullish()
  .describe("The connector's own config; `penstock spec` lists its keys.");

/** A program, `{command: […], config: {…}}`. */
export const commandChoiceSchema = strict({
  command: z
    .array(z.string().min(1))
    .min(1, { error: 'expected a program and its arguments' })
    .describe('A program that speaks the protocol, and its arguments.'),
  config: configUnderConfig,
});

/** An image, as `docker run` takes it. What else may stand in one is the registry's business. */
const imageName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:@-]*(?:\/[A-Za-z0-9][\w.:@-]*)*$/, {
    error: 'expected an image such as "ghcr.io/example/source-shop:2"',
  })
  .describe('A container image, as `docker run` takes it.');

/** A container, `{image: …, config: {…}}`. */
export const imageChoiceSchema = strict({ image: imageName, config: configUnderConfig });

/** One that somebody else has started, `{pipes: FOLDER}`. */
export const pipesChoiceSchema = strict({
  pipes: z
    .string()
    .min(1)
    .describe('The folder with the named pipes of a connector that somebody else has started, with its config.'),
});

/** `{type: stripe, stripe: {…}}`, `{command: […], config: {…}}`, `{image: …, config: {…}}` or `{pipes: FOLDER}`. */
const connectorChoiceSchema = z.unknown().transform((value, context): ConnectorChoice => {
  const object = z.record(z.string(), z.unknown()).safeParse(value).data;
  const kinds = ['type', 'command', 'image', 'pipes'].filter(
    (key) => object !== undefined && Object.hasOwn(object, key),
  );
  if (object === undefined || kinds.length !== 1) {
    context.addIssue('expected exactly one of: type (with its config under that name), command, image, pipes');
    return z.NEVER;
  }
  // Before a type that is misspelt makes its config look like an unknown key.
  const { type, ...rest } = object;
  const [under, ...others] = Object.keys(rest);
  if (typeof type === 'string' && under !== undefined && under !== type && others.length === 0) {
    const message = `the type is "${type}", but the config stands under "${under}": both have to be the same name`;
    context.addIssue({ code: 'custom', path: ['type'], message });
    return z.NEVER;
  }
  const parsed = schemaOfKind(kinds[0]!, object).safeParse(object);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.addIssue({ ...issue } as Parameters<typeof context.addIssue>[0]);
  return z.NEVER;
});

function schemaOfKind(kind: string, object: Record<string, unknown>): z.ZodType<ConnectorChoice> {
  if (kind === 'command') {
    return commandChoiceSchema.transform(({ command, config }) => {
      return { kind: 'command', command: command as [string, ...string[]], config: config ?? {} };
    });
  }
  if (kind === 'image')
    return imageChoiceSchema.transform(({ image, config }) => ({ kind: 'image', image, config: config ?? {} }));
  if (kind === 'pipes') return pipesChoiceSchema.transform(({ pipes }) => ({ kind: 'pipes', pipes, config: {} }));
  const type = typeof object.type === 'string' ? object.type : 'type';
  return strict({ type: typeNameSchema, [type]: type === 'type' ? typeNameSchema : configSchema.nullish() }).transform(
    (choice): ConnectorChoice => ({
      kind: 'type',
      type,
      config: ((choice as Record<string, unknown>)[type] as Record<string, unknown> | null | undefined) ?? {},
    }),
  );
}

const streamChoiceSchema = strict({
  name: z
    .string()
    .min(1)
    .describe(
      'Its name; `penstock discover` lists them. `*` is every stream that is not optional: what another entry says of one of ' +
        'them goes before, wherever it stands.',
    ),
  sync_mode: syncModeSchema
    .optional()
    .describe(
      '`incremental` reads what is new since the last run (the default, but with `overwrite`), `full_refresh` everything again.',
    ),
  destination_sync_mode: destinationSyncModeSchema
    .optional()
    .describe(
      'How it is written: `append_dedup` merges by primary key (the default where there is one), `append` adds rows, ' +
        '`overwrite` replaces all rows at the end.',
    ),
  fields: z.array(z.string().min(1)).min(1).optional().describe('Only these top-level fields; all when absent.'),
  backfill_limit: z.int().positive().optional().describe('So many records of the past are enough.'),
  time_range: strict({
    gte: timestampSchema.optional().describe('From this time on, such as 2026-01-31T12:00:00Z.'),
    lt: timestampSchema.optional().describe('Before this time.'),
  })
    .refine(
      (range) => range.gte === undefined || range.lt === undefined || Date.parse(range.gte) < Date.parse(range.lt),
      {
        error: 'gte must be before lt',
      },
    )
    .optional()
    .describe('Only what was created in this time.'),
}).refine((stream) => stream.destination_sync_mode !== 'overwrite' || stream.sync_mode !== 'incremental', {
  error: 'overwrite replaces all rows, so it needs sync_mode full_refresh',
  path: ['destination_sync_mode'],
});

/** What a pipeline says about one stream, or about all the usual ones. */
export type StreamChoice = z.infer<typeof streamChoiceSchema> & {
  /** It only says how the stream is read where something else names it: the file's word on a stream that the flags don't name. */
  readonly namesNothing?: true;
};

const text = z.string().min(1);
const fileOf = (key: string) => text.optional().describe(`The path of a file that holds \`${key}\`.`);
const statePostgresSchema = strict({
  url: text.optional().describe('Where the database is: postgres://USER:PASSWORD@HOST:5432/DATABASE.'),
  url_file: fileOf('url'),
  ssl_ca_pem: text.optional().describe('Certificate of the authority that signed the server certificate, as PEM text.'),
  ssl_ca_pem_file: fileOf('ssl_ca_pem'),
  ssl_cert_pem: text.optional().describe('Our own certificate, for a server that asks for one, as PEM text.'),
  ssl_cert_pem_file: fileOf('ssl_cert_pem'),
  ssl_key_pem: text.optional().describe('The key of `ssl_cert_pem`, as PEM text.'),
  ssl_key_pem_file: fileOf('ssl_key_pem'),
})
  .refine((postgres) => (postgres.url === undefined) !== (postgres.url_file === undefined), {
    error: 'expected either url or url_file',
  })
  .meta({ description: 'A Postgres; schema `penstock`.', oneOf: [{ required: ['url'] }, { required: ['url_file'] }] });

const stateFileSchema = text.describe('The path of a file, for those without a state database.');

const stateChoiceSchema = z.union([strict({ postgres: statePostgresSchema }), strict({ file: stateFileSchema })], {
  error: 'expected {postgres: {url: …}}, {postgres: {url_file: PATH}} or {file: PATH}',
});

const SIZE_EXPECTED = { error: 'expected a size such as "512m" or "2g"' };
const CPUS_EXPECTED = { error: 'expected a number of CPUs greater than 0, such as 1.5' };

/** The section `docker` of a pipeline file. */
export const dockerSchema = strict({
  network: text.optional().describe('The network that the containers are in; `host` is that of the machine.'),
  memory: z
    .string(SIZE_EXPECTED)
    .regex(/^\d+(\.\d+)?[bkmgBKMG]?$/, SIZE_EXPECTED)
    .optional()
    .describe('The most memory that each of them may have, such as 512m.'),
  cpus: z
    .number(CPUS_EXPECTED)
    .positive(CPUS_EXPECTED)
    .optional()
    .describe('How many CPUs each of them may use, such as 1.5.'),
  pull: z
    .enum(['missing', 'always', 'never'], { error: 'expected missing, always or never' })
    .optional()
    .meta({ description: 'When images are pulled.', default: 'missing' }),
});

/** How the containers of connectors are run; every key has a default. */
export type DockerSettings = z.infer<typeof dockerSchema>;

const PORT_EXPECTED = { error: 'expected a port, a whole number from 0 to 65535' };

/** The section `metrics` of a pipeline file. */
export const metricsSchema = strict({
  port: z
    .int(PORT_EXPECTED)
    .min(0, PORT_EXPECTED)
    .max(65_535, PORT_EXPECTED)
    .optional()
    .describe('Serve metrics for Prometheus on this port while a sync runs; 0 is any free one.'),
  host: text.optional().meta({
    description: 'The address to listen on: `127.0.0.1` is this machine alone, `0.0.0.0` is all.',
    default: '127.0.0.1',
  }),
});

/** What runs a connector that is given by its type: a program of this machine, or a container. */
export const launcherSchema = z.enum(['process', 'docker']);

/** See {@link launcherSchema}. */
export type LauncherName = z.infer<typeof launcherSchema>;

/** A pipeline file. The descriptions are what editors show, and what `penstock init` writes into a new file. */
export const pipelineSchema = strict({
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The key under which the state is saved; the name of the file when absent.'),
  source: connectorChoiceSchema.describe('Where the data comes from.'),
  destination: connectorChoiceSchema
    .optional()
    .describe('Where the data goes; a Postgres in your data folder when absent.'),
  streams: z
    .array(streamChoiceSchema)
    .min(1)
    .superRefine((streams, context) => {
      streams.forEach(({ name }, i) => {
        if (streams.findIndex((other) => other.name === name) < i) {
          context.addIssue({ code: 'custom', path: [i, 'name'], message: `stream "${name}" is there twice` });
        }
      });
    })
    .optional()
    .describe('What is read; all streams that are not optional when absent.'),
  state: stateChoiceSchema
    .optional()
    .describe('Where the state is kept; in the database of a Postgres destination, schema `penstock`, when absent.'),
  launcher: launcherSchema
    .optional()
    .describe(
      'How a connector is run that is given by its type: as a program (`process`) or as a container (`docker`). When ' +
        'absent, the installed program, and the image where there is none.',
    ),
  docker: dockerSchema.optional().describe('How the connectors are run that are containers.'),
  metrics: metricsSchema.optional().describe('How `penstock sync` lets itself be watched.'),
  $schema: z.string().optional().describe('For editors: the address of this schema. The engine does not look at it.'),
});

/** The keys of a pipeline file that say something about the pipeline. */
export const pipelineKeys: readonly string[] = Object.keys(pipelineSchema.shape).filter((key) => key !== '$schema');

/** A pipeline, checked, `${NAME}` replaced. */
export type Pipeline = z.infer<typeof pipelineSchema>;
