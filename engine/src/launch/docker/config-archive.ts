import { pack } from 'tar-stream';
import { configForFile } from '../config-for-file.ts';
import type { LaunchRequest } from '../launcher.ts';
import type { FileOwner } from './user.ts';

/** Where a connector's files are in its container: on a volume of its own, which goes with it. */
export const FILES_FOLDER = '/run/penstock';

const fileKeys = ['config', 'catalog', 'state'] as const;

/** The command and arguments of a request. They hold no value of it (P7). Pure. */
export function argumentsOf(request: LaunchRequest): string[] {
  const args: string[] = [request.command];
  for (const key of fileKeys) if (request[key] !== undefined) args.push(`--${key}`, `${FILES_FOLDER}/${key}.json`);
  // The lifeline: when this engine is gone, however it went, stdin closes and the source ends.
  if (request.command === 'read') args.push('--stop-on-stdin-end');
  return args;
}

/** A tar archive of the request's files; undefined when it has none. */
export async function filesOf(request: LaunchRequest, { uid, gid, mode }: FileOwner): Promise<Buffer | undefined> {
  const archive = pack();
  let count = 0;
  for (const name of fileKeys) {
    const value = request[name];
    if (value === undefined) continue;
    const content = Buffer.from(JSON.stringify(name === 'config' ? configForFile(value) : value));
    archive.entry({ name: `${name}.json`, uid, gid, mode, mtime: new Date(0) }, content);
    count++;
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return count === 0 ? undefined : Buffer.concat(chunks);
}
