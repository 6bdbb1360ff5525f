import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A mistake that has a sentence for whoever made it; no stack trace is shown. */
export class ImageError extends Error {}

const run = promisify(execFile);

type Failure = NodeJS.ErrnoException & { readonly stdout?: string; readonly stderr?: string };

/**
 * Runs `docker` and keeps to itself what it says, unless it fails: the older builder prints a warning each time.
 *
 * @param what for the message, for example `Building source-stripe`
 * @returns what it printed
 * @throws ImageError after showing its output
 */
export async function runDocker(what: string, args: readonly string[]): Promise<string> {
  try {
    return (await run('docker', args, { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
  } catch (cause) {
    const { stdout = '', stderr = '', code } = cause as Failure;
    process.stderr.write([stdout, stderr].filter((text) => text !== '').join('\n'));
    throw new ImageError(`${what} failed: docker ${args[0]} ended with ${code}.`, { cause });
  }
}

/** What `docker` printed, or undefined when it ended with another code than 0. */
export async function askDocker(args: readonly string[]): Promise<string | undefined> {
  return run('docker', args).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** Pulls an image. @returns why it can't be pulled, in one line; undefined when it was */
export async function pullImage(image: string): Promise<string | undefined> {
  return run('docker', ['pull', '--quiet', image]).then(
    () => undefined,
    (error: Failure) => lastLine(error.stderr) ?? error.message,
  );
}

/** @throws ImageError saying what to do, when there is no Docker engine to be used */
export async function requireDocker(): Promise<void> {
  const failure = await run('docker', ['version', '--format', '{{.Server.Version}}']).then(
    () => undefined,
    (error: Failure) => error,
  );
  if (failure === undefined) return;
  if (failure.code === 'ENOENT') {
    throw new ImageError('There is no program `docker`. Install Docker (Debian: apt-get install docker.io).');
  }
  const reason = lastLine(failure.stderr) ?? failure.message;
  throw new ImageError(`No Docker engine answers: ${reason} Start it, or see that this user may use it.`);
}

/** @throws ImageError when the part of Docker that builds for other platforms is missing */
export async function requireBuildx(): Promise<void> {
  if ((await askDocker(['buildx', 'version'])) !== undefined) return;
  throw new ImageError(
    'Pushing needs the docker plugin buildx, which is not there: https://docs.docker.com/go/buildx/',
  );
}

function lastLine(text = ''): string | undefined {
  const line = text.trim().split('\n').at(-1)!;
  return line === '' ? undefined : line.replace(/[^.?!]$/, '$&.');
}
