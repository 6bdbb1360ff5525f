import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { IContainer, IPodSpec, ISecret } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { repositoryRoot } from './program.ts';

/** Where the manifests are. */
export const manifestFolder = path.join(repositoryRoot, 'docker/kubernetes');

/** The YAML of a file of that folder. */
export async function readManifest(file: string): Promise<unknown> {
  return parse(await readFile(path.join(manifestFolder, file), 'utf8'));
}

/** A kustomization, as far as ours go. */
export interface Kustomization {
  readonly resources?: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly labels?: readonly {
    readonly pairs: Readonly<Record<string, string>>;
    readonly includeTemplates?: boolean;
  }[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
}

/** A Job, its config map and the secrets that the example names: a layout of ours. */
export interface Layout {
  readonly job: IJob;
  readonly pod: IPodSpec;
  /** Content of the config map, by key. */
  readonly config: Readonly<Record<string, string>>;
}

/** The layout in a folder, `three-containers` or `one-container`. */
export async function readLayout(folder: string): Promise<Layout> {
  const job = (await readManifest(`${folder}/job/job.yaml`)) as IJob;
  const { configMapGenerator } = (await readManifest(`${folder}/base/kustomization.yaml`)) as Kustomization;
  const entries = configMapGenerator![0]!.files.map(async (file): Promise<[string, string]> => {
    return [file, await readFile(path.join(manifestFolder, folder, 'base', file), 'utf8')];
  });
  return { job, pod: job.spec!.template.spec!, config: Object.fromEntries(await Promise.all(entries)) };
}

/** The secrets of the example, by name and key. */
export async function exampleSecrets(): Promise<Record<string, Record<string, string>>> {
  const text = await readFile(path.join(manifestFolder, 'secrets.example.yaml'), 'utf8');
  const secrets = parseAllDocuments(text).map((document) => document.toJS() as ISecret);
  return Object.fromEntries(secrets.map(({ metadata, stringData }) => [metadata!.name!, { ...stringData }]));
}

/** All containers of a pod, in the order in which they are started. */
export function containersOf(pod: IPodSpec): readonly IContainer[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

/** What the Job controller makes of a failed pod: the first rule whose container and exit code fit, else `Count`. */
export function actionFor(job: IJob, exitCodes: Readonly<Record<string, number>>, isDisrupted = false): string {
  for (const { action, onExitCodes, onPodConditions } of job.spec!.podFailurePolicy!.rules) {
    if (isDisrupted && onPodConditions?.some(({ type }) => type === 'DisruptionTarget')) return action;
    if (onExitCodes === undefined) continue;
    const code = exitCodes[onExitCodes.containerName!];
    // Containers that ended with 0 are not looked at (Kubernetes API, PodFailurePolicyOnExitCodesRequirement).
    if (code !== undefined && code !== 0 && onExitCodes.values.includes(code)) return action;
  }
  return 'Count';
}
