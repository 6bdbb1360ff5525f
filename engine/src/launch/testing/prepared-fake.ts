import { join } from 'node:path';
import { loadPipeline, type PreparedSide, prepareSide } from '../../pipeline/prepare.ts';
import { type SecretsFile, secretsFile } from '../../store/secrets-file.ts';
import { fakePipeline } from './penstock.ts';

/** What a run in this process needs of the fake pipeline; a store and a listener are the test's own. */
export interface PreparedFake {
  readonly name: string;
  readonly source: PreparedSide;
  readonly destination: PreparedSide;
  readonly secretsFile: SecretsFile;
}

/** The pipeline of `fakePipeline`, with both connectors asked for their specs. */
export async function preparedFake(folder: string, source: Record<string, unknown>): Promise<PreparedFake> {
  const { file } = await fakePipeline(folder, source);
  const pipeline = await loadPipeline({ config: file, flags: [], environment: {} });
  const context = { places: { folders: [], environment: {} } };
  const sides = [prepareSide(pipeline, 'source', context), prepareSide(pipeline, 'destination', context)] as const;
  const [prepared, destination] = await Promise.all(sides);
  const { name } = pipeline;
  const secrets = secretsFile(join(folder, 'secrets'), name, 'a test');
  return { name, source: prepared!, destination: destination!, secretsFile: secrets };
}
