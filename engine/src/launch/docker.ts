import { PassThrough, Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { DockerSettings } from '../pipeline/pipeline-schema.ts';
import { connectDocker } from './docker/client.ts';
import { RunningContainer } from './docker/container.ts';
import { dockerAddress, dockerError } from './docker/docker-error.ts';
import {
  COMMAND_LABEL,
  defaultNetwork,
  type EngineIdentity,
  engineLabels,
  identifyEngine,
  SIDE_LABEL,
} from './docker/engine-identity.ts';
import { findImage, findOwner, type PresentImage, provideImage } from './docker/image.ts';
import { sweep } from './docker/sweep.ts';
import type { FileOwner } from './docker/user.ts';
import type { Connector, LaunchRequest, PrepareOptions, RunningConnector } from './launcher.ts';

/** A connector that is a container image. */
export interface ConnectorImage {
  /** `source/stripe` */
  readonly name: string;
  readonly image: string;
  readonly settings?: DockerSettings | undefined;
  /** By default that of the environment, the same for all connectors of this process. */
  readonly host?: DockerHost;
}

/** Runs connectors as containers, by the Engine API of Docker. */
export function dockerConnector(image: ConnectorImage): Connector {
  return new ContainerConnector(image);
}

/** Whether Docker has an image; undefined when there is no Docker that could say. Never rejects. */
export async function hasImage(image: string): Promise<boolean | undefined> {
  try {
    hostOfProcess ??= new DockerHost();
    return (await findImage(hostOfProcess.docker, image)) !== undefined;
  } catch {
    return undefined;
  }
}

/** A Docker Engine, as this process uses it. */
export class DockerHost {
  readonly docker: Docker;
  #ready: Promise<EngineIdentity> | undefined;

  constructor(options?: Docker.DockerOptions) {
    this.docker = connectDocker(options);
  }

  /** Once: finds out who asks, and removes what engines that are gone have left there. */
  ready(): Promise<EngineIdentity> {
    this.#ready ??= (async () => {
      const own = await identifyEngine(this.docker);
      await sweep(this.docker, own);
      return own;
    })();
    return this.#ready;
  }
}

let hostOfProcess: DockerHost | undefined;

interface Prepared {
  readonly engine: EngineIdentity;
  readonly image: PresentImage;
  readonly owner: FileOwner;
}

class ContainerConnector implements Connector {
  readonly name: string;
  readonly #image: string;
  readonly #settings: DockerSettings;
  #network: string | undefined;
  readonly #givenHost: DockerHost | undefined;
  #prepared: Promise<Prepared> | undefined;

  constructor({ name, image, settings, host }: ConnectorImage) {
    this.name = name;
    this.#image = image;
    this.#settings = settings ?? {};
    this.#givenHost = host;
    this.#network = this.#settings.network;
  }

  /** Of the network, it is known after `prepare`. */
  get isElsewhere(): { readonly hasOwnLocalhost: boolean } {
    return { hasOwnLocalhost: this.#network !== 'host' && this.#network?.startsWith('container:') !== true };
  }

  async prepare(options: PrepareOptions): Promise<void> {
    await this.#prepare(options);
  }

  async launch(request: LaunchRequest): Promise<RunningConnector> {
    try {
      const { engine, image, owner } = await this.#prepare({ signal: request.signal });
      const plan = {
        name: this.name,
        image: this.#image,
        platform: image.platform,
        request,
        settings: this.#settings,
        network: this.#network,
        labels: { ...engineLabels(engine), [SIDE_LABEL]: this.name, [COMMAND_LABEL]: request.command },
      };
      return new RunningContainer(this.#host.docker, plan, owner);
    } catch (cause) {
      return neverStarted(this.name, cause as Error);
    }
  }

  get #host(): DockerHost {
    if (this.#givenHost !== undefined) return this.#givenHost;
    hostOfProcess ??= new DockerHost();
    return hostOfProcess;
  }

  #prepare(options: PrepareOptions): Promise<Prepared> {
    this.#prepared ??= this.#prepareOnce(options);
    return this.#prepared;
  }

  async #prepareOnce({ onNote, signal }: PrepareOptions): Promise<Prepared> {
    const host = this.#host;
    const { docker } = host;
    try {
      const engine = await host.ready();
      this.#network ??= defaultNetwork(engine);
      const image = await provideImage(docker, {
        name: this.name,
        image: this.#image,
        pull: this.#settings.pull ?? 'missing',
        onNote: onNote ?? (() => undefined),
        signal,
      });
      const owner = await findOwner(docker, this.#image, image, engineLabels(engine));
      return { engine, image, owner };
    } catch (error) {
      throw dockerError(this.name, dockerAddress(docker), error);
    }
  }
}

function neverStarted(name: string, cause: Error): RunningConnector {
  return {
    name,
    stdin: new PassThrough().resume(),
    stdout: Readable.from([]),
    ended: Promise.resolve({ kind: 'never_started', cause }),
    stderrTail: () => '',
    stop: () => undefined,
    kill: () => undefined,
  };
}
