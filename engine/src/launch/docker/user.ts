import { extract } from 'tar-stream';

/** To whom the files of a container belong, and who may read them. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const OWNER_ONLY = 0o400;
/** For a user that can't be found out. The folder is in no other container. */
const EVERYBODY = 0o444;

/**
 * The owner of files that only the user of an image can read. Pure.
 *
 * @param user as in the image's config: `1000`, `1000:1000`, `node`, `node:staff`, or nothing for root
 * @param passwd content of the image's `/etc/passwd`, where it has one
 */
export function ownerOf(user: string, passwd: string | undefined): FileOwner {
  const name = user.split(':')[0]!;
  // Without capabilities not even root can read what belongs to others.
  if (name === '') return { uid: 0, gid: 0, mode: OWNER_ONLY };
  if (/^\d+$/.test(name)) return { uid: Number(name), gid: 0, mode: OWNER_ONLY };
  const fields = passwd?.split('\n').map((line) => line.split(':'));
  const found = fields?.find((entry) => entry[0] === name)?.[2];
  if (found !== undefined && /^\d+$/.test(found)) return { uid: Number(found), gid: 0, mode: OWNER_ONLY };
  return name === 'root' ? { uid: 0, gid: 0, mode: OWNER_ONLY } : { uid: 0, gid: 0, mode: EVERYBODY };
}

/** Whether an image's user can only be told with its `/etc/passwd`. Pure. */
export function needsPasswd(user: string): boolean {
  const name = user.split(':')[0]!;
  return name !== '' && name !== 'root' && !/^\d+$/.test(name);
}

/** The content of the first file in a tar archive; undefined when there is none. */
export async function firstFileOf(archive: NodeJS.ReadableStream): Promise<string | undefined> {
  const entries = extract();
  archive.on('error', (error) => entries.destroy(error)).pipe(entries);
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === 'file') return Buffer.concat(chunks).toString('utf8');
  }
  return undefined;
}
