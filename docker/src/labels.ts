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

/** What labels are made of. */
export interface Described {
  /** Of the program and its image. */
  readonly name: string;
  readonly packageJson: { readonly version: string; readonly description: string; readonly license: string };
  /** The `spec` message of a connector. */
  readonly spec?: { readonly spec: { readonly protocol_version: number } } | undefined;
  /** Where the sources are in a repository: the commit, with `-dirty` when files differ from it, and its time. */
  readonly revision?: string | undefined;
  readonly created?: string | undefined;
}

/** The labels of an image: those that the OCI image specification names, and `penstock.connector` on connectors. Pure. */
export function describeLabels({ name, packageJson, spec, revision, created }: Described): Record<string, string> {
  return {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.description': packageJson.description,
    'org.opencontainers.image.version': packageJson.version,
    'org.opencontainers.image.licenses': packageJson.license,
    ...(revision && { 'org.opencontainers.image.revision': revision }),
    ...(created && { 'org.opencontainers.image.created': created }),
    ...(spec && { 'penstock.connector': JSON.stringify(connectorLabel(name, spec.spec.protocol_version)) }),
  };
}

function connectorLabel(program: string, protocol_version: number): ConnectorLabel {
  const [type, ...rest] = program.split('-');
  return { name: rest.join('-'), type: type as ConnectorLabel['type'], protocol_version };
}

/** Whether a program is a connector: its name says so. */
export function isConnector({ name }: Pick<Program, 'name'>): boolean {
  return /^(source|destination)-./.test(name);
}

/** The labels of a program's image. Its bundle must have been made. */
export async function labelsOf(program: Program): Promise<Record<string, string>> {
  const folder = join(distFolder, program.name);
  const packageJson = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Described['packageJson'];
  // Asked of the connector itself, so that the label can't say anything else.
  const spec = isConnector(program)
    ? JSON.parse((await promisify(execFile)(process.execPath, [join(folder, 'main.mjs'), 'spec'])).stdout)
    : undefined;
  const [revision, created] = await Promise.all([
    git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'),
    git('log', '-1', '--format=%cI'),
  ]);
  return describeLabels({ name: program.name, packageJson, spec, revision, created });
}

/** Undefined where the sources are not in a repository. */
async function git(...args: string[]): Promise<string | undefined> {
  return promisify(execFile)('git', args, { cwd: import.meta.dirname }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}
