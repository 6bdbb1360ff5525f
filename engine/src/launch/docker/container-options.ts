import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { DockerSettings } from '../../pipeline/pipeline-schema.ts';
import type { LaunchRequest } from '../launcher.ts';
import { argumentsOf, FILES_FOLDER } from './config-archive.ts';

/** Processes and threads in a container; Node has a dozen. */
const PIDS_MAX = 512;

/** The only folder that a connector may write to, in memory. */
const TEMPORARY_FOLDER = '/tmp';
const TEMPORARY_BYTES_MAX = 64 * 1024 * 1024;

/** What a container is made from. */
export interface ContainerPlan {
  /** `source/stripe` */
  readonly name: string;
  readonly image: string;
  /** Of the image: `linux/arm64`. */
  readonly platform: string;
  readonly request: LaunchRequest;
  readonly settings: DockerSettings;
  /** Docker's default when undefined. */
  readonly network: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** A new name that tells who reads `docker ps` what it is: `penstock-source-stripe-read-3fa9c1d2`. */
export function containerName(name: string, command: string): string {
  const plain = name.replace(/[^A-Za-z0-9_.]+/g, '-');
  return `penstock-${plain}-${command}-${randomBytes(4).toString('hex')}`;
}

const unitBytes: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `512m` in bytes; the units are those of `docker run --memory`. Pure. */
export function memoryBytes(text: string): number {
  const [, number, unit] = /^([\d.]+)([bkmg]?)$/i.exec(text)!;
  return Math.floor(Number(number) * unitBytes[unit!.toLowerCase() || 'b']!);
}

/**
 * How a connector's container is made: no rights, nothing to write to, nothing that stays. No value of the request is in
 * it: `docker inspect` shows all of this (P7). Pure.
 */
export function containerOptions(plan: ContainerPlan): Docker.ContainerCreateOptions {
  const { settings, request, network } = plan;
  const memory = settings.memory === undefined ? undefined : memoryBytes(settings.memory);
  return {
    Image: plan.image,
    Cmd: argumentsOf(request),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // The container's stdin ends with the connection that feeds it: with this engine, however that goes.
    StdinOnce: true,
    // The volume is not named, so it goes when the container does. A read-only root takes no files, and a tmpfs isn't
    // there before the start.
    Volumes: { [FILES_FOLDER]: {} },
    Labels: { ...plan.labels },
    HostConfig: {
      // By the daemon itself: also when nobody is left to do it.
      AutoRemove: true,
      // Other drivers write all records to the disk of the daemon, and halve the speed.
      LogConfig: { Type: 'none', Config: {} },
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: PIDS_MAX,
      Tmpfs: { [TEMPORARY_FOLDER]: `rw,nosuid,nodev,noexec,mode=1777,size=${TEMPORARY_BYTES_MAX}` },
      ...(network !== undefined && { NetworkMode: network }),
      // A name for this machine, as Docker Desktop has it; not in a network of another container.
      ...(network?.startsWith('container:') !== true && { ExtraHosts: ['host.docker.internal:host-gateway'] }),
      // The same with swap: what is over the limit is over it.
      ...(memory !== undefined && { Memory: memory, MemorySwap: memory }),
      ...(settings.cpus !== undefined && { NanoCpus: Math.round(settings.cpus * 1e9) }),
    },
  };
}
