import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { firstFileOf, needsPasswd, ownerOf } from './user.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1234:50::/:\nbroken\n';

describe('the owner of the files of a container', () => {
  it.each([
    ['', 0, 0o400],
    ['0', 0, 0o400],
    ['root', 0, 0o400],
    ['root:staff', 0, 0o400],
    ['1000', 1000, 0o400],
    ['1000:2000', 1000, 0o400],
    ['app', 1234, 0o400],
    ['app:staff', 1234, 0o400],
    ['nobody-knows', 0, 0o444],
    ['broken', 0, 0o444],
  ])('of the user "%s" is %d, mode %o', (user, uid, mode) => {
    expect(ownerOf(user, PASSWD)).toEqual({ uid, gid: 0, mode });
  });

  it('is looked up in the image only for a name', () => {
    expect(['', '0', '1000:1000', 'root', 'root:root'].filter(needsPasswd)).toEqual([]);
    expect(['app', 'app:50'].filter(needsPasswd)).toHaveLength(2);
    expect(ownerOf('app', undefined).mode).toBe(0o444);
  });
});

describe('the first file of an archive', () => {
  it('is found behind folders', async () => {
    const archive = pack();
    archive.entry({ name: 'etc', type: 'directory' });
    archive.entry({ name: 'etc/passwd' }, PASSWD);
    archive.finalize();
    expect(await firstFileOf(archive as unknown as NodeJS.ReadableStream)).toBe(PASSWD);
  });

  it('is undefined where there is none', async () => {
    const archive = pack();
    archive.entry({ name: 'passwd', type: 'symlink', linkname: 'elsewhere' });
    archive.finalize();
    expect(await firstFileOf(archive as unknown as NodeJS.ReadableStream)).toBeUndefined();
  });
});
