/** Checks manifests against a library's copy of the Kubernetes API: its JSON Schemas for values, its types for names. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as batch from 'kubernetes-models/batch/v1';
import * as core from 'kubernetes-models/v1';
import { repositoryRoot } from './program.ts';

/** A resource as it stands in a manifest. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [key: string]: unknown;
}

type Model = new (data: never) => { validate(): void };

const models: Record<string, { readonly from: string; readonly models: object }> = {
  v1: { from: 'kubernetes-models/v1', models: core },
  'batch/v1': { from: 'kubernetes-models/batch/v1', models: batch },
};

/** @throws Error naming each value of a wrong kind, and each field that is missing */
export function validateValues(resource: Resource): void {
  const model = (models[resource.apiVersion]?.models as Record<string, Model> | undefined)?.[resource.kind];
  if (model === undefined) throw new Error(`${resource.apiVersion} ${resource.kind} is not known here`);
  new model(resource as never).validate();
}

/**
 * Finds fields that the API doesn't have, which the library's schemas let pass: written as TypeScript, the compiler refuses
 * them.
 *
 * @returns the compiler's messages; empty when all is well
 */
export async function findUnknownFields(resources: readonly Resource[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penstock-manifest-'));
  try {
    await symlink(path.join(repositoryRoot, 'node_modules'), path.join(folder, 'node_modules'));
    const lines = resources.map(({ apiVersion, kind, ...rest }, i) => {
      const type = `import('${models[apiVersion]!.from}').I${kind}`;
      return `export const resource${i}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest }, undefined, 1)};`;
    });
    await writeFile(path.join(folder, 'manifests.mts'), lines.join('\n'));
    const tsc = path.join(repositoryRoot, 'node_modules/.bin/tsc');
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'esnext'];
    const checked = await promisify(execFile)(tsc, [...flags, '--pretty', 'false', 'manifests.mts'], {
      cwd: folder,
    }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
    return checked.stdout.split('\n').filter((line) => line !== '');
  } finally {
    await rm(folder, { recursive: true });
  }
}
