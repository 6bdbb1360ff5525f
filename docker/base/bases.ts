/**
 * The public images that ours are built on, and how each is made of what is on this machine where no registry can be
 * reached: under the same name, so that nothing else has to know.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '@penstock/local-postgres';
import { askDocker, ImageError, pullImage } from '../src/docker-cli.ts';
import { librariesOf, RootFolder } from './root-folder.ts';

/** A public image. */
export interface Base {
  readonly image: string;
  /** Files of this machine that go into it; when one of them is another, the image is made again. */
  readonly parts: () => Promise<readonly string[]>;
  /** Fills the file system of an image of that name. @returns lines of a Dockerfile that say the rest */
  readonly make: (root: RootFolder) => Promise<readonly string[]>;
}

const entrypoint = join(import.meta.dirname, 'postgres-entrypoint.sh');
const searchPath = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The C and C++ libraries, and nothing to run. */
export const runtimeBase: Base = {
  image: 'gcr.io/distroless/cc-debian12:nonroot',
  parts: () => librariesOf(process.execPath),
  make: async (root) => {
    await root.copyLibraries(process.execPath);
    return [searchPath, 'USER 65532'];
  },
};

/** Has the Node that the images get, at /usr/local/bin/node: the one that runs this. */
export const nodeBase: Base = {
  image: `node:${process.versions.node}-bookworm-slim`,
  parts: async () => [process.execPath, ...(await librariesOf(process.execPath))],
  make: async (root) => {
    await root.copyProgram(process.execPath, 'usr/local/bin/node');
    return [searchPath, 'CMD ["node"]'];
  },
};

/** Has a `busybox` that needs no libraries, at /bin/busybox. */
export const busyboxBase: Base = {
  image: 'busybox:1.35.0-musl',
  parts: async () => [],
  make: async (root) => {
    await copyBusybox(root);
    return [searchPath, 'CMD ["sh"]'];
  },
};

/** A Postgres server. */
export const postgresBase: Base = {
  image: 'postgres:18',
  parts: async () => {
    const { postgres } = await findBinaries(18);
    return [entrypoint, postgres, ...(await librariesOf(postgres))];
  },
  make: async (root) => {
    await copyBusybox(root);
    const { folder, postgres } = await findBinaries(18);
    await root.copyLibraries(postgres);
    await root.write('etc/passwd', 'root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n');
    await root.write('etc/group', 'root:x:0:\npostgres:x:999:\n');
    const home = join(root.path, 'usr/lib/postgresql');
    await mkdir(home, { recursive: true });
    await cp(folder, home, { recursive: true, verbatimSymlinks: true });
    await root.copy(entrypoint, 'usr/local/bin/docker-entrypoint.sh');
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

/** On images that were made here: what they are made of. An image without it is somebody else's. */
const madeOfLabel = 'penstock.base';

async function digestOf(base: Base): Promise<string> {
  const hash = createHash('sha256');
  const recipe = ['bases.ts', 'root-folder.ts'].map((name) => join(import.meta.dirname, name));
  for (const path of [...recipe, ...(await base.parts())]) {
    const content = await readFile(path);
    hash.update(`${path.startsWith(import.meta.dirname) ? '' : path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Makes sure that an image of a base's name is there: the one that is, unless it was made here of something else than there is
 * now; otherwise the public one; otherwise one made here.
 *
 * @throws ImageError when it can neither be pulled nor made
 */
export async function provideBase(base: Base): Promise<void> {
  const format = `{{json .Config.Labels}}`;
  const present = await askDocker(['image', 'inspect', '--format', format, base.image]);
  const labels = present === undefined ? {} : ((JSON.parse(present) ?? {}) as Record<string, string>);
  const isForeign = present !== undefined && labels[madeOfLabel] === undefined;
  if (isForeign) return;
  const isLinux = process.platform === 'linux';
  const digest = isLinux ? await digestOf(base) : undefined;
  if (digest !== undefined && labels[madeOfLabel] === digest) return;
  const reason = await pullImage(base.image);
  if (reason === undefined) return;
  if (digest === undefined) {
    throw new ImageError(
      `${base.image} can't be pulled, and it can be made only of what is on a Linux machine. ${reason}`,
    );
  }
  process.stdout.write(`${base.image} can't be pulled: making it of what is on this machine\n`);
  const root = await RootFolder.create();
  try {
    await root.toImage(base.image, [...(await base.make(root)), `LABEL ${madeOfLabel}=${digest}`]);
  } finally {
    await root.remove();
  }
}
