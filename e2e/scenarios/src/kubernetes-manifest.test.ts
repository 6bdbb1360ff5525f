import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ICronJob, IJob } from 'kubernetes-models/batch/v1';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import {
  actionFor,
  containersOf,
  exampleSecrets,
  type Kustomization,
  manifestFolder,
  readLayout,
  readManifest,
} from './harness/kubernetes-manifest.ts';
import { findUnknownFields, type Resource, validateValues } from './harness/kubernetes-schema.ts';
import { repositoryRoot } from './harness/program.ts';

const files = (await readdir(manifestFolder, { recursive: true })).filter((file) => file.endsWith('.yaml'));
const kustomizations = files.filter((file) => file.endsWith('kustomization.yaml'));
const manifests = files.filter((file) => !file.endsWith('kustomization.yaml') && !file.endsWith('pipeline.yaml'));
const layouts = ['three-containers', 'one-container'] as const;

async function resourcesIn(file: string): Promise<Resource[]> {
  const documents = parseAllDocuments(await readFile(path.join(manifestFolder, file), 'utf8'));
  return documents.map((document) => document.toJS() as Resource);
}

describe('the manifests', () => {
  test('are what the Kubernetes API takes', async () => {
    const resources = (await Promise.all(manifests.map(resourcesIn))).flat();
    expect(resources.map(({ kind }) => kind).sort()).toEqual([
      'CronJob',
      'CronJob',
      'Job',
      'Job',
      'Secret',
      'Secret',
      'Secret',
    ]);
    for (const resource of resources) validateValues(resource);
    expect(await findUnknownFields(resources)).toEqual([]);
  });

  test('would be refused with a misspelt field or a value of another kind', async () => {
    const job = JSON.stringify(await readManifest('three-containers/job/job.yaml'));
    const misspelt = JSON.parse(job.replace('"mountPath"', '"mountpath"')) as Resource;
    expect((await findUnknownFields([misspelt])).join('\n')).toContain('mountpath');
    const misspeltToo = JSON.parse(job.replace('"podReplacementPolicy"', '"podReplacementPolice"')) as Resource;
    expect((await findUnknownFields([misspeltToo])).join('\n')).toContain('podReplacementPolice');
    expect(() =>
      validateValues(JSON.parse(job.replace('"backoffLimit":6', '"backoffLimit":"6"')) as Resource),
    ).toThrow();
  });

  test.each(layouts)('of a CronJob hold the Job of the same folder: %s', async (folder) => {
    const job = (await readManifest(`${folder}/job/job.yaml`)) as IJob;
    const cronJob = (await readManifest(`${folder}/cronjob/cronjob.yaml`)) as ICronJob;
    expect(cronJob.spec!.jobTemplate.spec).toEqual(job.spec);
    expect(cronJob.spec!.concurrencyPolicy).toBe('Forbid');
  });

  test.each(kustomizations)('are found by %s', async (file) => {
    const folder = path.join(manifestFolder, path.dirname(file));
    const { resources = [], configMapGenerator = [] } = (await readManifest(file)) as Kustomization;
    for (const resource of resources) {
      const found = await stat(path.join(folder, resource));
      if (found.isDirectory()) await stat(path.join(folder, resource, 'kustomization.yaml'));
    }
    for (const name of configMapGenerator.flatMap((generator) => generator.files)) await stat(path.join(folder, name));
    const known = ['apiVersion', 'kind', 'namespace', 'resources', 'images', 'configMapGenerator', 'labels', 'patches'];
    const written = parse(await readFile(path.join(manifestFolder, file), 'utf8')) as object;
    // So none has `generatorOptions` that take the hash from a config map's name: one folder would overwrite another's.
    expect(Object.keys(written).filter((key) => !known.includes(key))).toEqual([]);
  });

  test('carry the label that the example, which a second pipeline copies, puts anew', async () => {
    const { labels, configMapGenerator } = (await readManifest('example/kustomization.yaml')) as Kustomization;
    const label = { 'app.kubernetes.io/instance': 'stripe-to-postgres' };
    expect(labels).toEqual([{ pairs: label, includeTemplates: true }]);
    expect(configMapGenerator).toMatchObject([{ name: 'penstock', behavior: 'merge' }]);
    for (const folder of layouts) {
      const { job } = await readLayout(folder);
      expect(job.metadata!.labels).toMatchObject(label);
      expect(job.spec!.template.metadata!.labels).toMatchObject(label);
    }
  });

  test('name the images of this version, and the example replaces each of them', async () => {
    const pods = await Promise.all(layouts.map(async (folder) => (await readLayout(folder)).pod));
    const images = new Set(pods.flatMap(containersOf).map(({ image }) => image));
    const { images: replaced } = (await readManifest('example/kustomization.yaml')) as Kustomization;
    expect(new Set(replaced!.map(({ name, newTag }) => `${name}:${newTag}`))).toEqual(images);
    const { version } = packageJson;
    expect(images).toEqual(
      new Set(['penstock', 'source-stripe', 'destination-postgres'].map((name) => `${name}:${version}`)),
    );
  });
});

describe.each(layouts)('a pod of %s', (folder) => {
  test('has every volume that it mounts, and the secrets and config that it names are there', async () => {
    const { pod, config } = await readLayout(folder);
    const { configMapGenerator } = (await readManifest(`${folder}/base/kustomization.yaml`)) as Kustomization;
    const configMapName = configMapGenerator![0]!.name;
    const secrets = await exampleSecrets();
    const volumes = new Map((pod.volumes ?? []).map((volume) => [volume.name, volume]));
    const mounted = new Set(containersOf(pod).flatMap(({ volumeMounts }) => volumeMounts!.map(({ name }) => name)));
    expect(mounted).toEqual(new Set(volumes.keys()));
    for (const { secret, configMap } of volumes.values()) {
      if (secret !== undefined) expect(Object.keys(secrets)).toContain(secret.secretName);
      for (const { key } of configMap?.items ?? []) expect(Object.keys(config)).toContain(key);
      // Kustomize puts the name with the hash in the place of this one alone.
      if (configMap !== undefined) expect(configMap.name).toBe(configMapName);
    }
    // Each file that an argument or a config names lies in something that the container mounts.
    for (const { args, volumeMounts } of containersOf(pod)) {
      const paths = args!.flatMap((arg) => /\/(pipes|config|secrets)\/.*/.exec(arg)?.[0] ?? []);
      for (const file of paths)
        expect(
          volumeMounts!.some(({ mountPath }) => file.startsWith(`${mountPath}/`)),
          file,
        ).toBe(true);
    }
    const secretFiles = Object.values(config).flatMap((text) => text.match(/\/secrets\/[\w/]+/g) ?? []);
    expect(secretFiles.length).toBeGreaterThan(1);
    for (const file of secretFiles) {
      const mount = containersOf(pod)
        .flatMap(({ volumeMounts }) => volumeMounts!)
        .find(({ mountPath }) => file.startsWith(`${mountPath}/`));
      const { secretName } = volumes.get(mount!.name)!.secret!;
      expect(Object.keys(secrets[secretName!]!)).toContain(file.split('/').at(-1));
    }
  });

  test('may do as little as it can, and is limited', async () => {
    const { pod } = await readLayout(folder);
    expect(pod).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
    });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const { name, securityContext, resources, env } of containersOf(pod)) {
      expect(securityContext, name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(resources!.limits, name).toHaveProperty('memory');
      // What is in the environment is shown by `kubectl describe`.
      expect(env, name).toBeUndefined();
    }
    for (const { emptyDir, secret } of pod.volumes!) {
      if (emptyDir !== undefined) expect(emptyDir).toEqual({ medium: 'Memory', sizeLimit: expect.any(String) });
      if (secret !== undefined) expect(secret.defaultMode).toBe(0o440);
    }
  });

  test('is done again, given up or not counted by what the exit code of the engine means', async () => {
    const { job } = await readLayout(folder);
    const actions = [2, 10, 20, 30, 40, 50, 137].map((engine) => actionFor(job, { engine, source: 10 }));
    expect(actions).toEqual(['FailJob', 'Ignore', 'FailJob', 'Count', 'FailJob', 'Count', 'Count']);
    expect(actionFor(job, { engine: 20 }, true)).toBe('Ignore');
    for (const { action, onExitCodes } of job.spec!.podFailurePolicy!.rules) {
      if (onExitCodes === undefined) continue;
      const { containerName, operator, values } = onExitCodes;
      // The API server refuses others (Kubernetes, validation of pod failure policies).
      expect(containersOf(job.spec!.template.spec!).map(({ name }) => name)).toContain(containerName);
      expect(values).toEqual(values.filter((code) => code > 0).toSorted((a, b) => a - b));
      // Whichever of them reads a file, a mistake in it is a mistake.
      if (action === 'FailJob') expect([operator, values]).toEqual(['In', [2, 20, 40]]);
    }
    expect(job.spec).toMatchObject({ podReplacementPolicy: 'Failed', backoffLimit: 6 });
  });
});

test('in a pod of three the secrets of a connector are in its own container alone', async () => {
  const { pod } = await readLayout('three-containers');
  const seen = containersOf(pod).map(({ name, volumeMounts }) => [
    name,
    volumeMounts!.map((mount) => mount.name).filter((mounted) => mounted.endsWith('-secret')),
  ]);
  expect(Object.fromEntries(seen)).toEqual({
    pipes: [],
    'source-spec': [],
    'source-discover': ['source-secret'],
    'destination-spec': [],
    'destination-check': ['destination-secret'],
    pipeline: [],
    source: ['source-secret'],
    destination: ['destination-secret'],
    engine: ['state-secret'],
  });
});

test('the guide names files that exist, and the names that are in the manifests', async () => {
  const guide = await readFile(path.join(repositoryRoot, 'docs/guide/kubernetes.md'), 'utf8');
  const paths = new Set(guide.match(/docker\/kubernetes\/[\w./-]*\w/g));
  expect(paths.size).toBeGreaterThan(3);
  expect(guide).toContain('cp -r docker/kubernetes/example docker/kubernetes/mine');
  for (const file of paths) await stat(path.join(repositoryRoot, file.replace(/mine$/, 'example')));
  const secrets = Object.keys(await exampleSecrets());
  const created = [...guide.matchAll(/create secret generic (\S+)\s+--from-file=(\w+)=/g)].map(([, name, key]) => [
    name,
    key,
  ]);
  expect(created.map(([name]) => name)).toEqual(secrets);
  for (const [name, key] of created) expect(Object.keys((await exampleSecrets())[name!]!)).toEqual([key]);
  for (const [, name] of guide.matchAll(/(?:job|cronjob)\/([\w-]+)/g))
    expect(['stripe-to-postgres', 'first-sync']).toContain(name);
  const { namespace } = (await readManifest('example/kustomization.yaml')) as { readonly namespace: string };
  expect(guide).toContain(`kubectl create namespace ${namespace}\n`);
  const containers = containersOf((await readLayout('three-containers')).pod).map(({ name }) => name);
  for (const [, name] of guide.matchAll(/ (?:-c|--container) ([\w-]+)/g)) expect(containers).toContain(name);
});
