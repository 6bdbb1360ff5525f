import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import type Docker from 'dockerode';
import { within } from './client.ts';
import { statusOf } from './docker-error.ts';

/** Marks the containers that an engine has made; its value is the way they are run. */
export const LAUNCHER_LABEL = 'penstock.launcher';
/** Of which engine a container is: `MACHINE/PROCESS SPACE/PID/START`. */
export const ENGINE_LABEL = 'penstock.engine';
/** The container that this engine runs in, where it does: `ID/START`. */
export const ENGINE_CONTAINER_LABEL = 'penstock.engine.container';
/** `source/stripe` */
export const SIDE_LABEL = 'penstock.side';
/** `read` */
export const COMMAND_LABEL = 'penstock.command';

/** An engine, as the labels of its containers name it. */
export interface EngineIdentity {
  /** The machine since its last start, and the space in which process ids count. */
  readonly space: string;
  readonly pid: number;
  /** Tells the process from a later one with the same id; empty where that can't be known. */
  readonly start: string;
  /** The container it runs in, when that is one of this Docker Engine. */
  readonly container?: { readonly id: string; readonly startedAt: string; readonly network: string | undefined };
}

/** Who this engine is. */
export async function identifyEngine(docker: Docker): Promise<EngineIdentity> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const boot = (await read('/proc/sys/kernel/random/boot_id')).trim();
  const processes = await readlink('/proc/self/ns/pid').catch(() => '');
  const container = await findOwnContainer(docker, await read('/proc/self/mountinfo'));
  return {
    space: `${boot === '' ? nameOfMachine() : boot}/${processes.replace(/\D/g, '')}`,
    pid: process.pid,
    start: await startOf(process.pid),
    ...(container !== undefined && { container }),
  };
}

/**
 * A name for a machine that doesn't tell its starts. Host names are not enough: two laptops of the same name may use one
 * Docker, and each would take the other's processes for its own, and for gone.
 */
function nameOfMachine(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ mac }) => mac));
  return createHash('sha256')
    .update([hostname(), ...new Set(addresses)].join())
    .digest('hex')
    .slice(0, 32);
}

/** When a process began, in ticks of its machine; empty where there is no /proc or no such process. */
export async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name, which may hold blanks and parentheses; the start is the 22nd.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The container whose files are mounted here: Docker gives each its own /etc/hostname. Pure. */
export function ownContainerId(mountinfo: string): string | undefined {
  return /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf) /.exec(mountinfo)?.[1];
}

async function findOwnContainer(docker: Docker, mountinfo: string): Promise<EngineIdentity['container']> {
  const id = ownContainerId(mountinfo);
  if (id === undefined) return undefined;
  try {
    const { State, HostConfig } = await docker.getContainer(id).inspect(within());
    return { id, startedAt: State.StartedAt, network: HostConfig.NetworkMode };
  } catch (error) {
    // A container of another Docker Engine than the one that is used here.
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** The labels that name an engine. Pure. */
export function engineLabels({ space, pid, start, container }: EngineIdentity): Record<string, string> {
  return {
    [LAUNCHER_LABEL]: 'docker',
    [ENGINE_LABEL]: `${space}/${pid}/${start}`,
    ...(container !== undefined && { [ENGINE_CONTAINER_LABEL]: `${container.id}/${container.startedAt}` }),
  };
}

/** The engine that labels name; undefined when they name none. Pure. */
export function engineOf(labels: Readonly<Record<string, string>>): EngineIdentity | undefined {
  const [machine, processes, pid, start] = labels[ENGINE_LABEL]?.split('/') ?? [];
  if (machine === undefined || pid === undefined || !/^\d+$/.test(pid)) return undefined;
  const [id, startedAt] = labels[ENGINE_CONTAINER_LABEL]?.split('/') ?? [];
  return {
    space: `${machine}/${processes}`,
    pid: Number(pid),
    start: start ?? '',
    ...(id && startedAt && { container: { id, startedAt, network: undefined } }),
  };
}

/**
 * The network in which the connectors of an engine are by default: its own, when it is in a container; else Docker's
 * default. Pure.
 */
export function defaultNetwork({ container }: EngineIdentity): string | undefined {
  const network = container?.network;
  return network === undefined || network === 'default' || network === 'none' ? undefined : network;
}
