import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { distFolder } from './bundle.ts';
import type { Program } from './programs.ts';

/** What a connector's image says of it, as JSON in the label `penstock.connector`. */
export interface ConnectorLabel {
  /** `stripe` */
  readonly name: string;
  readonly type: 'source' | 'destination';
  readonly protocol_version: number;
}

/** The labels of a program's image: those that the OCI image specification names, and `penstock.connector`. */
export async function labelsOf(program: Program): Promise<Record<string, string>> {
  const packageJson = JSON.parse(await readFile(join(distFolder, program.name, 'package.json'), 'utf8')) as {
    version: string;
    description: string;
    license: string;
  };
  const [revision, created] = await Promise.all([git('rev-parse', 'HEAD'), git('log', '-1', '--format=%cI')]);
  const connector = await connectorLabel(program);
  return {
    'org.opencontainers.image.title': program.name,
    'org.opencontainers.image.description': packageJson.description,
    'org.opencontainers.image.version': packageJson.version,
    'org.opencontainers.image.licenses': packageJson.license,
    ...(revision && { 'org.opencontainers.image.revision': revision }),
    ...(created && { 'org.opencontainers.image.created': created }),
    ...(connector && { 'penstock.connector': JSON.stringify(connector) }),
  };
}

/** Asked of the connector itself, so that the label can't say anything else. */
async function connectorLabel({ name }: Program): Promise<ConnectorLabel | undefined> {
  const [type, ...rest] = name.split('-');
  if (type !== 'source' && type !== 'destination') return undefined;
  const { stdout } = await promisify(execFile)(process.execPath, [join(distFolder, name, 'main.mjs'), 'spec']);
  const { spec } = JSON.parse(stdout) as { spec: { protocol_version: number } };
  return { name: rest.join('-'), type, protocol_version: spec.protocol_version };
}

/** Undefined where the sources are not in a repository. */
async function git(...args: string[]): Promise<string | undefined> {
  return promisify(execFile)('git', args, { cwd: import.meta.dirname }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}
