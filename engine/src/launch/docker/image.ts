import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { CodedError } from '@penstock/protocol';
import type Docker from 'dockerode';
import type { DockerSettings } from '../../pipeline/pipeline-schema.ts';
import { openStream, within } from './client.ts';
import { dockerAddress, dockerError, reasonOf, statusOf } from './docker-error.ts';
import { type FileOwner, firstFileOf, needsPasswd, ownerOf } from './user.ts';

/** An image that is there. */
export interface PresentImage {
  readonly user: string;
  /** `linux/arm64` */
  readonly platform: string;
}

/** How an image is got. */
export interface ImageRequest {
  /** For messages: `source/stripe`. */
  readonly name: string;
  readonly image: string;
  readonly pull: NonNullable<DockerSettings['pull']>;
  readonly onNote: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** `docker pull` without a tag is `latest`; the Engine takes it for all tags that there are. Pure. */
export function withTag(image: string): string {
  return /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
}

/**
 * Sees to it that an image is there.
 *
 * @throws CodedError `connector_not_found` when it isn't and can't be had, `stopped`, and those of a dead Engine
 */
export async function provideImage(docker: Docker, request: ImageRequest): Promise<PresentImage> {
  const { name, image, pull } = request;
  const found = pull === 'always' ? undefined : await inspectImage(docker, request);
  if (found !== undefined) return found;
  if (pull === 'never') {
    throw new CodedError('connector_not_found', {
      message: `There is no image ${image} here, and none is pulled (docker.pull: never).`,
      remedy: 'Build or pull it.',
    });
  }
  request.onNote(`Pulling the image ${image} for ${name}.`);
  await pullImage(docker, request);
  const pulled = await inspectImage(docker, request);
  if (pulled !== undefined) return pulled;
  throw new CodedError('connector_not_found', { message: `There is no image ${image}, though it was pulled.` });
}

/** What Docker knows of an image; undefined when it doesn't have it. Throws what the call does. */
export async function findImage(docker: Docker, image: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    // Not `image.inspect`: that can't be limited.
    const call = { path: `/images/${image}/json`, method: 'GET', options: {}, statusCodes: { 200: true } };
    return (await json(await openStream<IncomingMessage>(docker, call))) as Docker.ImageInspectInfo;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function inspectImage(docker: Docker, { name, image }: ImageRequest): Promise<PresentImage | undefined> {
  try {
    const found = await findImage(docker, image);
    if (found === undefined) return undefined;
    const { Config, Os, Architecture } = found;
    if ((Config.Entrypoint ?? []).length === 0) {
      throw new CodedError('connector_not_found', {
        message: `${name}: the image ${image} has no entrypoint, so it is no connector.`,
        remedy: "Give the image an ENTRYPOINT that starts the connector's program.",
      });
    }
    return { user: Config.User ?? '', platform: `${Os}/${Architecture}` };
  } catch (error) {
    throw dockerError(name, dockerAddress(docker), error);
  }
}

async function pullImage(docker: Docker, { name, image, signal }: ImageRequest): Promise<void> {
  try {
    const options = signal === undefined ? {} : { abortSignal: signal };
    const progress = (await docker.pull(withTag(image), options)) as IncomingMessage;
    let line = '';
    progress.setEncoding('utf8');
    for await (const text of progress) {
      const lines = (line + String(text)).split('\n');
      line = lines.pop()!;
      // What went wrong after the first byte is in the answer.
      for (const step of lines) {
        const { error } = JSON.parse(step) as { error?: string };
        if (error !== undefined) throw Object.assign(new Error(error), { statusCode: 500 });
      }
    }
  } catch (error) {
    if (signal?.aborted === true) throw new CodedError('stopped', { message: `${name} was stopped.` });
    if (statusOf(error) === undefined) throw dockerError(name, dockerAddress(docker), error);
    throw new CodedError('connector_not_found', {
      message: `There is no image ${image} here and it could not be pulled: ${reasonOf(error)}.`,
      remedy: 'Build or pull it, or check its name.',
      cause: error,
    });
  }
}

/** To whom the files of a container of this image must belong, so that its user and nobody else can read them. */
export async function findOwner(
  docker: Docker,
  image: string,
  { user }: PresentImage,
  labels: Readonly<Record<string, string>>,
): Promise<FileOwner> {
  if (!needsPasswd(user)) return ownerOf(user, undefined);
  // Only a container's files can be asked for, not an image's: this one is never started.
  const { id } = await docker.createContainer({ Image: image, Cmd: ['none'], Labels: { ...labels }, ...within() });
  const container = docker.getContainer(id);
  try {
    const archive = await container.getArchive({ path: '/etc/passwd', ...within() });
    return ownerOf(user, await firstFileOf(archive));
  } catch (error) {
    if (statusOf(error) === 404) return ownerOf(user, undefined);
    throw error;
  } finally {
    await container.remove({ force: true, v: true, ...within() }).catch(() => undefined);
  }
}
