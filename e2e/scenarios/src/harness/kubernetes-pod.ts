/**
 * Runs a pod of a manifest under Docker as a kubelet would: a container that keeps the network and the volumes, the init
 * containers one after the other, then all others at once, each with the command, mounts, user and limits that stand there.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { IContainer, IPodSpec, IVolume } from 'kubernetes-models/v1';
import { docker, dockerLines, runShell } from './shell.ts';
import type { ScenarioFolder } from './workspace.ts';

/** Begins the names of this run's containers and volumes. */
const prefix = `penstock-pod-${randomBytes(4).toString('hex')}`;

/** What a pod gets from its cluster. */
export interface Cluster {
  /** Docker network. */
  readonly network: string;
  /** Holds secrets and config maps as files. */
  readonly folder: ScenarioFolder;
  /** By name and key. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A pod under way. */
export interface RunningPod {
  /** Exit codes by container, when all have ended; an init container that failed is the last one. */
  readonly ended: Promise<Readonly<Record<string, number>>>;
  /** Sends a signal to some of its main containers at once; one that is gone is passed over. */
  signal(signal: string, ...containers: string[]): Promise<void>;
  logs(container: string): Promise<string>;
  /** What `docker inspect` says of a container, as JSON text. */
  inspect(container: string): Promise<string>;
  /** Removes its containers and volumes. */
  remove(): Promise<void>;
}

/** Starts a pod; resolves when its main containers run, or an init container has failed. */
export async function startPod(pod: IPodSpec, cluster: Cluster): Promise<RunningPod> {
  const id = `${prefix}-${randomBytes(4).toString('hex')}`;
  const mounts = new Map<string, string>();
  for (const volume of pod.volumes ?? []) mounts.set(volume.name, await provide(volume, id, pod, cluster));
  const memoryVolumes = [...mounts.values()].filter((source) => !source.startsWith('/'));
  // Docker forgets a tmpfs that no running container has.
  const keep = memoryVolumes.flatMap((source) => ['--mount', `type=volume,source=${source},target=/kept/${source}`]);
  await docker(
    'run',
    '--detach',
    '--name',
    id,
    '--network',
    cluster.network,
    ...keep,
    'busybox:1.35.0-musl',
    'sleep',
    '3600',
  );
  const nameOf = (container: string): string => `${id}-${container}`;
  const started = new Set<string>();
  const run = async (container: IContainer): Promise<void> => {
    started.add(container.name);
    await docker('run', '--detach', '--name', nameOf(container.name), ...flagsOf(pod, container, id, mounts));
  };
  const codeOf = async (name: string): Promise<number> => Number(await docker('wait', nameOf(name)));

  const codes: Record<string, number> = {};
  let failed = false;
  for (const container of pod.initContainers ?? []) {
    await run(container);
    codes[container.name] = await codeOf(container.name);
    failed = codes[container.name] !== 0;
    if (failed) break;
  }
  if (!failed) await Promise.all(pod.containers.map(run));
  const main = failed ? [] : pod.containers.map(({ name }) => name);
  const ended = Promise.all(main.map(async (name) => [name, await codeOf(name)] as const)).then((entries) => ({
    ...codes,
    ...Object.fromEntries(entries),
  }));
  return {
    ended,
    signal: async (signal, ...containers) => {
      const sent = containers.map((name) => docker('kill', '--signal', signal, nameOf(name)).catch(() => ''));
      await Promise.all(sent);
    },
    logs: async (container) => (await runShell(`docker logs ${nameOf(container)}`, cluster.folder.path)).output,
    inspect: (container) => docker('inspect', nameOf(container)),
    remove: async () => {
      await docker('rm', '--force', '--volumes', id, ...[...started].map(nameOf));
      if (memoryVolumes.length > 0) await docker('volume', 'rm', ...memoryVolumes);
    },
  };
}

/** Names of what the pods of this run have left behind. */
export async function leftovers(): Promise<string[]> {
  const filter = ['--filter', `name=${prefix}`];
  const containers = await dockerLines('ps', '--all', ...filter, '--format', '{{.Names}}');
  return [...containers, ...(await dockerLines('volume', 'ls', ...filter, '--format', '{{.Name}}'))];
}

/** `64Mi` as Docker writes it. */
const size = (quantity: unknown): string => String(quantity).replace(/i$/, '').toLowerCase();

/** Makes a volume. @returns the name of a Docker volume, or the path of a folder */
async function provide(volume: IVolume, id: string, pod: IPodSpec, cluster: Cluster): Promise<string> {
  const group = pod.securityContext?.fsGroup;
  if (volume.emptyDir !== undefined) {
    const options = `size=${size(volume.emptyDir.sizeLimit)},gid=${group},mode=2770`;
    const type = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', `o=${options}`];
    return docker('volume', 'create', ...type, `${id}-${volume.name}`);
  }
  const { secret, configMap } = volume;
  const content = secret === undefined ? cluster.configMaps[configMap!.name!] : cluster.secrets[secret.secretName!];
  if (content === undefined) throw new Error(`there is nothing for the volume ${volume.name}`);
  const items = (secret ?? configMap)!.items ?? Object.keys(content).map((key) => ({ key, path: key }));
  const folder = path.join(cluster.folder.path, `${id}-${volume.name}`);
  await mkdir(folder, { mode: 0o755 });
  for (const item of items) {
    const file = path.join(folder, item.path);
    await writeFile(file, content[item.key]!);
    if (secret !== undefined) await giveToGroup(file, group!, secret.defaultMode!);
  }
  return folder;
}

async function giveToGroup(file: string, group: number, mode: number): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(file, 0, group);
  // Who is not root can't give a file to the group of the pod.
  await chmod(file, isRoot ? mode : mode | 0o004);
}

function flagsOf(
  pod: IPodSpec,
  { image, command, args, volumeMounts, resources, securityContext }: IContainer,
  id: string,
  mounts: ReadonlyMap<string, string>,
): string[] {
  const { runAsUser, runAsGroup, fsGroup } = pod.securityContext!;
  const flags = [
    '--network',
    `container:${id}`,
    '--user',
    `${runAsUser}:${runAsGroup}`,
    '--group-add',
    String(fsGroup),
  ];
  flags.push('--memory', size(resources!.limits!.memory));
  if (securityContext?.readOnlyRootFilesystem === true) flags.push('--read-only');
  if (securityContext?.allowPrivilegeEscalation === false) flags.push('--security-opt', 'no-new-privileges');
  for (const capability of securityContext?.capabilities?.drop ?? []) flags.push('--cap-drop', capability);
  for (const { name, mountPath, readOnly } of volumeMounts ?? []) {
    const source = mounts.get(name);
    if (source === undefined) throw new Error(`there is no volume ${name}`);
    const type = source.startsWith('/') ? 'bind' : 'volume';
    flags.push('--mount', `type=${type},source=${source},target=${mountPath}${readOnly === true ? ',readonly' : ''}`);
  }
  const [program, ...first] = command ?? [];
  if (program !== undefined) flags.push('--entrypoint', program);
  return [...flags, image!, ...first, ...(args ?? [])];
}
