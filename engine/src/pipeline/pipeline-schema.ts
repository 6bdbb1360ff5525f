import { destinationSyncModeSchema, syncModeSchema, timestampSchema } from '@penstock/protocol';
import { z } from 'zod';
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

const typeName = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, { error: 'expected a name such as "stripe"' });
const configSchema = z.record(z.string(), z.unknown());

const commandChoiceSchema = strict({
  command: z.array(z.string().min(1)).min(1, { error: 'expected a program and its arguments' }),
  config: configSchema.default({}),
}).transform(
  ({ command, config }): ConnectorChoice => ({ kind: 'command', command: command as [string, ...string[]], config }),
);

/** An image, as `docker run` takes it. What else may stand in one is the registry's business. */
const imageName = z.string().regex(/^[A-Za-z0-9][\w.:@-]*(?:\/[A-Za-z0-9][\w.:@-]*)*$/, {
  error: 'expected an image such as "ghcr.io/example/source-shop:2"',
});

const imageChoiceSchema = strict({ image: imageName, config: configSchema.default({}) }).transform(
  ({ image, config }): ConnectorChoice => ({ kind: 'image', image, config }),
);

const pipesChoiceSchema = strict({ pipes: z.string().min(1) }).transform(
  ({ pipes }): ConnectorChoice => ({ kind: 'pipes', pipes, config: {} }),
);

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
  if (kind === 'command') return commandChoiceSchema;
  if (kind === 'image') return imageChoiceSchema;
  if (kind === 'pipes') return pipesChoiceSchema;
  const type = typeof object.type === 'string' ? object.type : 'type';
  // An empty key (`stripe:` and nothing below it) is null in YAML.
  return strict({ type: typeName, [type]: type === 'type' ? typeName : configSchema.nullish() }).transform(
    (choice): ConnectorChoice => ({
      kind: 'type',
      type,
      config: ((choice as Record<string, unknown>)[type] as Record<string, unknown> | null | undefined) ?? {},
    }),
  );
}

const streamChoiceSchema = strict({
  /** `*` is every stream that is not optional; what another entry says of one of them goes before. */
  name: z.string().min(1),
  sync_mode: syncModeSchema.optional(),
  destination_sync_mode: destinationSyncModeSchema.optional(),
  fields: z.array(z.string().min(1)).min(1).optional(),
  backfill_limit: z.int().positive().optional(),
  time_range: strict({ gte: timestampSchema.optional(), lt: timestampSchema.optional() })
    .refine(
      (range) => range.gte === undefined || range.lt === undefined || Date.parse(range.gte) < Date.parse(range.lt),
      {
        error: 'gte must be before lt',
      },
    )
    .optional(),
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
const statePostgresSchema = strict({
  url: text.optional(),
  url_file: text.optional(),
  ssl_ca_pem: text.optional(),
  ssl_ca_pem_file: text.optional(),
  ssl_cert_pem: text.optional(),
  ssl_cert_pem_file: text.optional(),
  ssl_key_pem: text.optional(),
  ssl_key_pem_file: text.optional(),
}).refine((postgres) => (postgres.url === undefined) !== (postgres.url_file === undefined), {
  error: 'expected either url or url_file',
});

const stateChoiceSchema = z.union([strict({ postgres: statePostgresSchema }), strict({ file: text })], {
  error: 'expected {postgres: {url: …}}, {postgres: {url_file: PATH}} or {file: PATH}',
});

const SIZE_EXPECTED = { error: 'expected a size such as "512m" or "2g"' };
const CPUS_EXPECTED = { error: 'expected a number of CPUs greater than 0, such as 1.5' };

/** The section `docker` of a pipeline file. */
export const dockerSchema = strict({
  network: text.optional(),
  memory: z
    .string(SIZE_EXPECTED)
    .regex(/^\d+(\.\d+)?[bkmg]?$/i, SIZE_EXPECTED)
    .optional(),
  cpus: z.number(CPUS_EXPECTED).positive(CPUS_EXPECTED).optional(),
  pull: z.enum(['missing', 'always', 'never'], { error: 'expected missing, always or never' }).optional(),
});

/** How the containers of connectors are run; every key has a default. */
export type DockerSettings = z.infer<typeof dockerSchema>;

/** What runs a connector that is given by its type: a program of this machine, or a container. */
export const launcherSchema = z.enum(['process', 'docker']);

/** See {@link launcherSchema}. */
export type LauncherName = z.infer<typeof launcherSchema>;

/** A pipeline file. */
export const pipelineSchema = strict({
  /** The key in the state table. */
  name: z.string().min(1).max(200).optional(),
  source: connectorChoiceSchema,
  destination: connectorChoiceSchema.optional(),
  /** All streams that are not optional when absent. */
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
    .optional(),
  state: stateChoiceSchema.optional(),
  /** By default the installed program, and where there is none the image. */
  launcher: launcherSchema.optional(),
  /** For the connectors that run as images. */
  docker: dockerSchema.optional(),
});

/** A pipeline, checked, `${NAME}` replaced. */
export type Pipeline = z.infer<typeof pipelineSchema>;
