import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { CodedError } from '@penstock/protocol';
import type { Connector } from '../launch/launcher.ts';
import { connectorNameIn, pipeConnector } from '../launch/pipe.ts';
import { processConnector } from '../launch/process.ts';
import type { Environment } from './environment.ts';
import type { LaunchSettings } from './launch-settings.ts';
import type { ConnectorChoice } from './pipeline-schema.ts';

/** Which side of the pipeline a connector is on. */
export type Side = 'source' | 'destination';

/** Where connectors are looked for. */
export interface SearchPlaces {
  /** Folders from which `node_modules` is looked for, upwards; the first that has the package wins. */
  readonly folders: readonly string[];
  readonly environment: Environment;
}

/**
 * Finds the program of a connector. `type: stripe` is, in this order: the installed package `@penstock/source-stripe`, a
 * program `source-stripe` on PATH, and an image `source-stripe` that Docker has. With the launcher `docker` it is the image,
 * with `process` only a program (decision 0006).
 *
 * @throws CodedError `connector_not_found` saying where it was looked for
 */
export async function resolveConnector(
  side: Side,
  choice: ConnectorChoice,
  places: SearchPlaces,
  { launcher, docker }: LaunchSettings,
): Promise<Connector> {
  switch (choice.kind) {
    case 'command':
      return processConnector({ name: `${side}/${commandName(choice.command)}`, command: choice.command });
    case 'image':
      return (await loadDocker()).dockerConnector({
        name: `${side}/${imageName(choice.image)}`,
        image: choice.image,
        settings: docker,
      });
    case 'pipes':
      return pipeConnector({
        name: `${side}/${(await connectorNameIn(choice.pipes)) ?? 'pipes'}`,
        side,
        folder: choice.pipes,
      });
    case 'type': {
      const program = `${side}-${choice.type}`;
      const name = `${side}/${choice.type}`;
      const image = { name, image: program, settings: docker };
      if (launcher === 'docker') return (await loadDocker()).dockerConnector(image);
      const command =
        (await findPackageProgram(program, places.folders)) ?? (await findOnPath(program, places.environment));
      if (command !== undefined) return processConnector({ name, command });
      let inDocker = '';
      if (launcher === undefined) {
        const { dockerConnector, hasImage } = await loadDocker();
        const found = await hasImage(program);
        if (found === true) return dockerConnector(image);
        inDocker =
          found === false ? `, nor an image ${program} in Docker` : ', and no Docker answers that may have an image';
      }
      throw new CodedError('connector_not_found', {
        message: `There is no ${side} of the type "${choice.type}": neither the package @penstock/${program} nor a program ${program} on PATH${inDocker}.`,
        remedy: `Check ${side}.type, install it, or give ${side}.command or ${side}.image.`,
      });
    }
  }
}

/** On demand: its client is large, and most pipelines start programs. */
function loadDocker(): Promise<typeof import('../launch/docker.ts')> {
  return import('../launch/docker.ts');
}

/** The part of a command that tells it from others: `node connector.mjs` is `connector.mjs`. */
function commandName(command: readonly string[]): string {
  const named = command.find((part, i) => !part.startsWith('-') && (i > 0 || command.length === 1)) ?? command[0]!;
  return named.split('/').at(-1)!;
}

/** `registry.example/team/source-x:1` is `source-x`. */
function imageName(image: string): string {
  return image
    .split('/')
    .at(-1)!
    .replace(/[:@].*$/, '');
}

async function findPackageProgram(
  program: string,
  folders: readonly string[],
): Promise<readonly [string, ...string[]] | undefined> {
  for (const folder of folders) {
    for (let at = resolve(folder); ; at = dirname(at)) {
      const root = join(at, 'node_modules', '@penstock', program);
      const text = await readFile(join(root, 'package.json'), 'utf8').catch(() => undefined);
      if (text !== undefined) {
        const { bin } = JSON.parse(text) as { bin?: string | Record<string, string> };
        const file = typeof bin === 'string' ? bin : bin?.[program];
        // Node runs TypeScript as it is only outside of node_modules, which a link in a workspace leads to.
        const path = file === undefined ? undefined : await realpath(join(root, file)).catch(() => undefined);
        if (path !== undefined) return [process.execPath, path];
      }
      if (dirname(at) === at) break;
    }
  }
  return undefined;
}

async function findOnPath(program: string, environment: Environment): Promise<readonly [string] | undefined> {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, program);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return [path];
  }
  return undefined;
}
