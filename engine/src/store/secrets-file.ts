import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jsonObjectSchema } from '@penstock/protocol';
import * as z from 'zod';

/** How much of a pipeline's name stands in the name of its file, in characters. */
const NAME_SHOWN_MAX = 60;

const keptSchema = z.object({ given: z.string(), config: jsonObjectSchema });
const contentSchema = z.object({ source: keptSchema.optional(), destination: keptSchema.optional() });

/** The secrets that a connector found out about its own config. */
export type KeptSecrets = z.infer<typeof keptSchema>;
/** Those of both sides of a pipeline. */
export type PipelineSecrets = z.infer<typeof contentSchema>;

/**
 * The secrets of one pipeline, in a file that only its owner can read. The state has the rest, and says in `given` which
 * secrets belong to it. Whoever writes holds the lease on the pipeline.
 */
export interface SecretsFile {
  readonly path: string;
  /** What is there; nothing where there is no file, or none that can be read. */
  load(): Promise<PipelineSecrets>;
  /** Whole or not at all; without secrets the file is removed. @throws what the file system throws */
  save(secrets: PipelineSecrets): Promise<void>;
}

/**
 * @param folder made, for its owner alone, when there is something to write
 * @param statePlace tells pipelines of the same name apart
 */
export function secretsFile(folder: string, pipeline: string, statePlace: string): SecretsFile {
  const shown = pipeline.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, NAME_SHOWN_MAX);
  const hash = createHash('sha256')
    .update(JSON.stringify([pipeline, statePlace]))
    .digest('hex')
    .slice(0, 16);
  const path = join(folder, `${shown}-${hash}.json`);
  return {
    path,
    load: async () => {
      const text = await readFile(path, 'utf8').catch(() => '{}');
      try {
        return contentSchema.catch({}).parse(JSON.parse(text));
      } catch {
        return {};
      }
    },
    save: async (secrets) => {
      if (secrets.source === undefined && secrets.destination === undefined) await rm(path, { force: true });
      else await write(path, secrets);
    },
  };
}

async function write(path: string, secrets: PipelineSecrets): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(secrets, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}
