/**
 * The public images that ours are built on, and how each is made of what is on this machine where no registry can be
 * reached: under the same name, so that nothing else has to know.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '@penstock/local-postgres';
import { askDocker, ImageError } from '../src/docker-cli.ts';
import { RootFolder } from './root-folder.ts';

/** A public image. */
export interface Base {
  readonly image: string;
  /** Makes an image of that name from what is here. */
  readonly make: (root: RootFolder) => Promise<readonly string[]>;
}

const searchPath = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The C and C++ libraries, and nothing to run. */
export const runtimeBase: Base = {
  image: 'gcr.io/distroless/cc-debian12:nonroot',
  make: async (root) => {
    await root.copyLibraries(process.execPath);
    return [searchPath, 'USER 65532'];
  },
};

/** Has the Node that the images get, at /usr/local/bin/node: the one that runs this. */
export const nodeBase: Base = {
  image: `node:${process.versions.node}-bookworm-slim`,
  make: async (root) => {
    await root.copyProgram(process.execPath, 'usr/local/bin/node');
    return [searchPath, 'CMD ["node"]'];
  },
};

/** Has a `busybox` that needs no libraries, at /bin/busybox. */
export const busyboxBase: Base = {
  image: 'busybox:1.35.0-musl',
  make: async (root) => {
    await copyBusybox(root);
    return [searchPath, 'CMD ["sh"]'];
  },
};

/** A Postgres server. */
export const postgresBase: Base = {
  image: 'postgres:18',
  make: async (root) => {
    await copyBusybox(root);
    const { folder, postgres } = await findBinaries(18);
    await root.copyLibraries(postgres);
    await root.write('etc/passwd', 'root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n');
    await root.write('etc/group', 'root:x:0:\npostgres:x:999:\n');
    const home = join(root.path, 'usr/lib/postgresql');
    await mkdir(home, { recursive: true });
    await cp(folder, home, { recursive: true, verbatimSymlinks: true });
    await root.copy(join(import.meta.dirname, 'postgres-entrypoint.sh'), 'usr/local/bin/docker-entrypoint.sh');
    // The public image has a program of this name; its users only want to know whether the server answers.
    await root.write(
      'usr/local/bin/pg_isready',
      '#!/bin/sh\nexec nc -w 2 127.0.0.1 5432 < /dev/null > /dev/null\n',
      0o755,
    );
    await mkdir(join(root.path, 'var/lib/postgresql'), { recursive: true });
    return [
      'RUN ["/bin/busybox", "chown", "-R", "999:999", "/var/lib/postgresql"]',
      `${searchPath}:/usr/lib/postgresql/bin`,
      'USER 999:999',
      'VOLUME /var/lib/postgresql',
      'EXPOSE 5432',
      'STOPSIGNAL SIGINT',
      'ENTRYPOINT ["docker-entrypoint.sh"]',
      'CMD ["postgres"]',
    ];
  },
};

/** Debian's package of it, unpacked: it runs in an empty image. */
async function copyBusybox(root: RootFolder): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-busybox-'));
  try {
    const run = promisify(execFile);
    await run('apt-get', ['download', 'busybox-static'], { cwd: folder });
    const [archive] = await readdir(folder);
    await run('dpkg-deb', ['--extract', archive!, 'unpacked'], { cwd: folder });
    const program = join(folder, 'unpacked/bin/busybox');
    await root.copy(program, 'bin/busybox');
    const { stdout } = await run(program, ['--list']);
    for (const applet of stdout.split('\n')) {
      if (applet !== '' && applet !== 'busybox') await root.link('busybox', `bin/${applet}`);
    }
  } catch (cause) {
    const reason = ((cause as { stderr?: string }).stderr || String(cause)).trim();
    throw new ImageError(`No static busybox could be had from Debian's package busybox-static: ${reason}`, { cause });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Makes sure that an image of a base's name is there: as it is, else the public one, else one made here. */
export async function provideBase(base: Base): Promise<void> {
  if ((await askDocker(['image', 'inspect', base.image])) !== undefined) return;
  if ((await askDocker(['pull', '--quiet', base.image])) !== undefined) return;
  if (process.platform !== 'linux') {
    throw new ImageError(`${base.image} can't be pulled, and it can be made only of what is on a Linux machine.`);
  }
  process.stdout.write(`${base.image} can't be pulled: making it of what is on this machine\n`);
  const root = await RootFolder.create();
  try {
    await root.toImage(base.image, await base.make(root));
  } finally {
    await root.remove();
  }
}
