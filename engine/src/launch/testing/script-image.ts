import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { DockerSettings } from '../../pipeline/pipeline-schema.ts';
import { type DockerHost, dockerConnector } from '../docker.ts';
import type { Connector } from '../launcher.ts';
import { PRELUDE } from './script-connector.ts';

/** What an image is built from, beside the script runner. */
export interface ScriptImageOptions {
  readonly user?: string;
  readonly entrypoint?: readonly string[];
}

const RUNNER = `
import { readFileSync } from 'node:fs';
process.argv.splice(1, 1);
const at = process.argv.indexOf('--config');
const { script } = JSON.parse(readFileSync(process.argv[at + 1], 'utf8'));
await import('data:text/javascript,' + encodeURIComponent(script));
`;

/** An image whose connector runs the script in its config: for tests of what programs do wrong in containers. */
export class ScriptImage {
  readonly name: string;
  readonly #docker = new Docker();

  private constructor(name: string) {
    this.name = name;
  }

  /** Builds it on the base that the images of this repository are built on. */
  static async build(suffix: string, options: ScriptImageOptions = {}): Promise<ScriptImage> {
    const image = new ScriptImage(`penstock-script-${suffix}-${process.pid}`);
    const { user = '1000:1000', entrypoint = ['/usr/local/bin/node', '/script.mjs'] } = options;
    const context = pack();
    context.entry({ name: 'script.mjs' }, RUNNER);
    context.entry({ name: 'passwd' }, 'root:x:0:0::/:\napp:x:4321:4321::/:\n');
    context.entry(
      { name: 'Dockerfile' },
      `FROM node:24.21.0-bookworm-slim\nCOPY script.mjs /\nCOPY passwd /etc/\nUSER ${user}\nENTRYPOINT ${JSON.stringify(entrypoint)}\n`,
    );
    context.finalize();
    const building = await image.#docker.buildImage(Readable.from(context), { t: image.name });
    await new Promise<void>((resolve, reject) =>
      image.#docker.modem.followProgress(building, (error, steps: { error?: string }[]) => {
        const failed = error ?? steps.find((step) => step.error !== undefined)?.error;
        if (failed === undefined) resolve();
        else reject(new Error(`The test image could not be built: ${String(failed)}`));
      }),
    );
    return image;
  }

  /** A connector that runs this code, with what {@link PRELUDE} gives. */
  connector(code: string, settings: DockerSettings = {}, host?: DockerHost): Connector {
    const inner = dockerConnector({ name: 'source/script', image: this.name, settings, ...(host && { host }) });
    return {
      name: inner.name,
      launch: (request) =>
        inner.launch({ ...request, config: { ...(request.config as object), script: `${PRELUDE}\n${code}` } }),
    };
  }

  /** The ids of its containers, whatever state they are in. */
  async containers(): Promise<string[]> {
    const found = await this.#docker.listContainers({ all: true, filters: { ancestor: [this.name] } });
    return found.map(({ Id }) => Id);
  }

  async remove(): Promise<void> {
    // One that is being removed already refuses; the image can't go before it has.
    for (let ids = await this.containers(); ids.length > 0; ids = await this.containers()) {
      for (const id of ids)
        await this.#docker
          .getContainer(id)
          .remove({ force: true, v: true })
          .catch(() => undefined);
    }
    await this.#docker.getImage(this.name).remove({ force: true });
  }
}
