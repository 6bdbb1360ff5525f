import { execFile } from 'node:child_process';

/** How a `docker` command ended. */
export interface DockerEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `docker` to its end. Rejects only when there is none. */
export function endOfDocker(...args: readonly string[]): Promise<DockerEnd> {
  return new Promise((resolve, reject) => {
    execFile('docker', args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });
}

/** What `docker` printed. @throws Error with its stderr when it failed */
export async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await endOfDocker(...args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout.trim();
}
