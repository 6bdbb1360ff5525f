import { CodedError } from '@penstock/protocol';
import type { DottedFlag } from './dotted-flags.ts';
import {
  type DockerSettings,
  dockerSchema,
  type LauncherName,
  launcherSchema,
  type Pipeline,
} from './pipeline-schema.ts';

/** How the connectors of a pipeline are run. */
export interface LaunchSettings {
  /** For connectors given by type; undefined: the installed program, else the image. */
  readonly launcher: LauncherName | undefined;
  /** For those that run as containers. */
  readonly docker: DockerSettings;
}

/** The settings, and the flags that are about something else. */
export interface ReadLaunchSettings extends LaunchSettings {
  readonly rest: DottedFlag[];
}

/**
 * What `--launcher` and the flags `--docker.KEY VALUE` say, over what the pipeline file says. Pure.
 *
 * @throws CodedError `usage` for an unknown key or a bad value
 */
export function readLaunchSettings(
  launcher: string | undefined,
  flags: readonly DottedFlag[],
  file: Pick<Pipeline, 'launcher' | 'docker'> | undefined,
): ReadLaunchSettings {
  const ours = flags.filter(({ path }) => path[0] === 'docker');
  const given: Record<string, unknown> = {};
  for (const { flag, path, value } of ours) {
    if (path.length !== 2 || value === undefined) {
      const keys = Object.keys(dockerSchema.shape).map((key) => `--docker.${key}`);
      throw new CodedError('usage', { message: `${flag}: expected one of ${keys.join(', ')} with its value.` });
    }
    given[path[1]!] = path[1] === 'cpus' ? Number(value) : value;
  }
  const docker = dockerSchema.safeParse(given);
  if (!docker.success) {
    const [issue] = docker.error.issues;
    const flag = ours.find(({ path }) => path[1] === issue!.path[0])?.flag ?? '--docker';
    throw new CodedError('usage', { message: `${flag}: ${issue!.message}.` });
  }
  const name = launcherSchema.safeParse(launcher);
  if (launcher !== undefined && !name.success) {
    throw new CodedError('usage', { message: `--launcher: expected ${launcherSchema.options.join(' or ')}.` });
  }
  return {
    launcher: name.data ?? file?.launcher,
    docker: { ...file?.docker, ...docker.data },
    rest: flags.filter((flag) => !ours.includes(flag)),
  };
}

const LOCALHOST = /(?:^|[@/])(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/?]|$)/i;

/** The first key of a config whose value leads to `localhost`, which in a container is the container itself. Pure. */
export function findLocalhost(config: unknown, path: readonly string[] = []): string | undefined {
  if (typeof config === 'string') return LOCALHOST.test(config) ? path.join('.') : undefined;
  if (typeof config !== 'object' || config === null) return undefined;
  for (const [key, value] of Object.entries(config)) {
    const found = findLocalhost(value, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
