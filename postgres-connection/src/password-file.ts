import { readFile } from 'node:fs/promises';
import { CodedError } from '@penstock/protocol';

/** What a line of a password file is chosen by. */
export type PasswordPlace = {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
};

/**
 * Reads a file of passwords in libpq's format: lines of `HOST:PORT:DATABASE:USER:PASSWORD`, `*` for any, a backslash
 * before `:` and `\`.
 *
 * @param named the file that was asked for; it has to be there
 * @param usual where it usually is; not being there is well
 * @returns finds the password of a place
 * @throws CodedError `file_unreadable` for the one that was asked for
 */
export async function readPasswordFile(
  named: string | undefined,
  usual: string,
): Promise<(place: PasswordPlace) => string | undefined> {
  try {
    const text = await readFile(named ?? usual, 'utf8');
    return (place) => findPassword(text, place);
  } catch (cause) {
    if (named === undefined) return () => undefined;
    throw new CodedError('file_unreadable', {
      message: `The password file ${named} can't be read (${(cause as NodeJS.ErrnoException).code}).`,
      cause,
    });
  }
}

/** Finds the password of the first line that fits. Pure. */
export function findPassword(text: string, { host, port, database, user }: PasswordPlace): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = (line.match(/(?:\\.|[^:\\])*(?::|$)/g) ?? []).map((field) =>
      field.replace(/:$/, '').replaceAll(/\\(.)/g, '$1'),
    );
    const [lineHost = '', linePort, lineDatabase, lineUser, password] = fields;
    // libpq says localhost for the socket folder that it was built with; we have none, so any will do.
    const isHost = lineHost === host || (lineHost === 'localhost' && host.startsWith('/'));
    const fits = (wanted: string | undefined, value: string) => wanted === '*' || wanted === value;
    if (
      (lineHost === '*' || isHost) &&
      fits(linePort, String(port)) &&
      fits(lineDatabase, database) &&
      fits(lineUser, user) &&
      password
    )
      return password;
  }
  return undefined;
}
