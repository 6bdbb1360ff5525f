import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

/** A mistake that has a sentence for whoever made it; no stack trace is shown. */
export class ImageError extends Error {}

/** Runs `docker` and shows what it says. @throws ImageError when it ends with another code than 0 */
export async function showDocker(args: readonly string[]): Promise<void> {
  const child = spawn('docker', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new ImageError(`docker ${args[0]} ended with exit code ${code}.`);
}

/** What `docker` printed, or undefined when it ended with another code than 0. */
export async function askDocker(args: readonly string[]): Promise<string | undefined> {
  return promisify(execFile)('docker', args, { maxBuffer: 64 * 1024 * 1024 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** @throws ImageError saying what to do, when there is no Docker engine to be used */
export async function requireDocker(): Promise<void> {
  const failure = await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}']).then(
    () => undefined,
    (error: NodeJS.ErrnoException & { stderr?: string }) => error,
  );
  if (failure === undefined) return;
  const reason =
    failure.code === 'ENOENT' ? 'there is no program `docker`' : (failure.stderr ?? failure.message).trim();
  throw new ImageError(`No Docker engine: ${reason}. Install Docker (Debian: apt-get install docker.io) and start it.`);
}
