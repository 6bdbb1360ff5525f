import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runDocker } from '../src/docker-cli.ts';

/** The libraries that a program of this machine is linked to, and those by which it looks up names. */
export async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]);
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, library]) => library!);
  const folder = dirname(libraries.find((library) => library.includes('/libc.so')) ?? '/lib/libc.so.6');
  const present = new Set(await readdir(folder));
  // Name lookup is loaded when it is needed, by older C libraries from files of its own.
  const lookup = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].filter((name) => present.has(name));
  return [...libraries, ...lookup.map((name) => join(folder, name))];
}

/** A folder that becomes the file system of an image, and what the image says of itself. */
export class RootFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** With what every program expects: accounts, name lookup, a place for temporary files. */
  static async create(): Promise<RootFolder> {
    const root = new RootFolder(await mkdtemp(join(tmpdir(), 'penstock-base-')));
    const accounts = ['root:x:0:0:root:/root:/sbin/nologin', 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin'];
    await root.write('etc/passwd', `${accounts.join('\n')}\n`);
    await root.write('etc/group', 'root:x:0:\nnonroot:x:65532:\n');
    await root.write('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
    await mkdir(join(root.path, 'tmp'));
    await chmod(join(root.path, 'tmp'), 0o1777);
    await chmod(root.path, 0o755);
    return root;
  }

  /** @param path from the root, without a leading slash */
  async write(path: string, content: string, mode = 0o644): Promise<void> {
    await this.#makeFolder(path);
    await writeFile(join(this.path, path), content, { mode });
  }

  /** Links are followed. @param path from the root, without a leading slash */
  async copy(from: string, path: string, mode = 0o755): Promise<void> {
    await this.#makeFolder(path);
    await copyFile(from, join(this.path, path));
    await chmod(join(this.path, path), mode);
  }

  /** A symbolic link. @param path from the root, without a leading slash */
  async link(target: string, path: string): Promise<void> {
    await this.#makeFolder(path);
    await symlink(target, join(this.path, path));
  }

  /** Copies a program of this machine, and the libraries that it is linked to. */
  async copyProgram(from: string, path: string): Promise<void> {
    await this.copy(from, path);
    await this.copyLibraries(from);
  }

  /** Copies the libraries that a program is linked to, to the places where they are here. */
  async copyLibraries(from: string): Promise<void> {
    for (const library of await librariesOf(from)) await this.copy(library, library.slice(1));
  }

  /** Makes an image of it. @param dockerfile what follows `COPY . /` */
  async toImage(name: string, dockerfile: readonly string[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-base-'));
    try {
      const file = join(folder, 'Dockerfile');
      await writeFile(file, ['FROM scratch', 'COPY . /', ...dockerfile].join('\n'));
      await runDocker(`Making ${name}`, ['build', '--quiet', '--file', file, '--tag', name, this.path]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(dirname(join(this.path, path)), { recursive: true, mode: 0o755 });
  }
}
