import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isConnector } from './labels.ts';
import { programs } from './programs.ts';
import { docker, endOfDocker } from './testing/docker.ts';

/** In MiB, as Node alone is 121; the public base has some 20 more than the one that is made here. */
const IMAGE_MIB_MAX = 160;

/** Code that a start reads, whatever it is to do: most of what it takes besides Node's own. Measured by `npm run bench:start`. */
const START_MB_MAX: Readonly<Record<string, number>> = { penstock: 1.8 };
const START_MB_MAX_OTHERS = 1.2;

/** As strict as `docker run` can be. */
const locked = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--network', 'none'];
const run = ['run', '--rm', '--log-driver', 'none'];
const repository = join(import.meta.dirname, '../..');

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** What an image has in /app, copied to this machine once, by path. */
function appOf(image: string): Promise<ReadonlyMap<string, Buffer>> {
  const app = apps.get(image) ?? copyApp(image);
  apps.set(image, app);
  return app;
}

const apps = new Map<string, Promise<ReadonlyMap<string, Buffer>>>();

async function copyApp(image: string): Promise<ReadonlyMap<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-image-'));
  folders.push(folder);
  const container = await docker('create', image);
  await docker('cp', `${container}:/app`, folder);
  await docker('rm', container);
  const entries = await readdir(join(folder, 'app'), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const contents = await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const));
  return new Map(contents.map(([path, content]) => [path.slice(join(folder, 'app/').length), content]));
}

/** Code that `main.mjs` or another chunk beside it loads. */
function isChunk(path: string): boolean {
  return /^(node_modules\/@penstock\/[\w-]+\/)?[\w-]+-[0-9A-Z]{8}\.mjs$/.test(path);
}

describe.each(programs)('image $name', (program) => {
  const { name } = program;

  it('is small, runs as user 1000 and has nothing in its environment but where programs are', async () => {
    const [image] = JSON.parse(await docker('image', 'inspect', name)) as [
      { Size: number; Config: { User: string; Env: string[]; Labels: Record<string, string> } },
    ];
    expect(image.Size / 1024 / 1024).toBeLessThanOrEqual(IMAGE_MIB_MAX);
    expect(image.Config.User).toBe('1000:1000');
    // The public base names the file of the certificates.
    const names = image.Config.Env.map((variable) => variable.replace(/=.*/s, ''));
    expect(names.filter((variable) => variable !== 'SSL_CERT_FILE')).toEqual(['PATH', 'NODE_ENV']);
    expect(image.Config.Labels).toMatchObject({
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.description': expect.stringMatching(/\w/),
    });
    expect('penstock.connector' in image.Config.Labels).toBe(isConnector(program));
  });

  it('works with a read-only root, no capabilities and no network, as any user', async () => {
    const users = ['1000:1000', '65532:65532', '0:0'];
    const start = (user: string) => endOfDocker(...run, ...locked, '--user', user, name, '--version');
    for (const { code, stdout, stderr } of await Promise.all(users.map(start))) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/\d+\.\d+\.\d+\n$/);
    }
  });

  it('has no shell', async () => {
    const shells = ['sh', 'bash', '/bin/sh', '/bin/busybox', '/busybox/sh', '/usr/local/bin/sh'];
    const start = async (shell: string) => ({
      shell,
      ...(await endOfDocker(...run, '--entrypoint', shell, name, '-c', 'true')),
    });
    for (const { shell, code, stderr } of await Promise.all(shells.map(start))) {
      expect({ shell, code }).toEqual({ shell, code: 127 });
      expect(stderr).toMatch(/not found|no such file/);
    }
  });

  it('holds its bundle, the licences and what the program reads, and nothing of the machine that built it', async () => {
    const app = await appOf(name);
    const brought = (program.brings ?? []).map((other) => `node_modules/@penstock/${other}/`);
    const expected = ['', ...brought].flatMap((folder) =>
      ['main.mjs', 'LEGAL.txt', 'package.json'].map((file) => folder + file),
    );
    const others = [...app.keys()].filter((path) => !path.startsWith('migrations/') && !isChunk(path));
    expect(others.toSorted()).toEqual(expected.toSorted());
    expect(app.get('LEGAL.txt')!.toString()).toMatch(/Permission is hereby granted/);
    for (const [path, content] of app) expect({ path, at: content.indexOf(repository) }).toEqual({ path, at: -1 });
    const history = await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', name);
    expect(history).not.toContain(repository);
    expect(history).not.toMatch(/password|secret|token|sk_(test|live)|rk_(test|live)/i);
  });

  it('reads no more code to start than every command needs', async () => {
    const app = await appOf(name);
    const read = new Set(['main.mjs']);
    // A set that grows while it is gone through.
    for (const path of read)
      for (const [, imported] of app
        .get(path)!
        .toString()
        .matchAll(/^(?:import|\} from) (?:\{[^}]*\} from )?"\.\/([^"]+)"/gm))
        read.add(imported!);
    const bytes = [...read].reduce((sum, path) => sum + app.get(path)!.length, 0);
    expect(bytes / 1e6).toBeGreaterThan(0.3);
    expect(bytes / 1e6).toBeLessThan(START_MB_MAX[name] ?? START_MB_MAX_OTHERS);
  });

  it('imports only what is in the bundle or in Node', async () => {
    const app = await appOf(name);
    const files = [...app.keys()].filter((path) => path === 'main.mjs' || (isChunk(path) && !path.includes('/')));
    const text = files.map((path) => app.get(path)!.toString()).join('\n');
    // Those in comments and in code that is kept as text don't count.
    const code = text.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
    const imports = code.matchAll(
      /(?:^import (?:[^'"\n]*? from )?|(?<!['"`])\b(?:__)?require\d*\(|\bimport\()(["'])([^"'\n]+)\1/gm,
    );
    const names = new Set([...imports].map(([, , imported]) => imported!));
    expect(names.size).toBeGreaterThan(5);
    // Each is tried, and does without.
    const optional = ['pg-native', 'cpu-features', 'supports-color', './crypto/build/Release/sshcrypto.node'];
    const chunks = files.map((path) => `./${path}`);
    const known = (imported: string): boolean => isBuiltin(imported) || [...optional, ...chunks].includes(imported);
    expect([...names].filter((imported) => !known(imported))).toEqual([]);
  });
});

describe.each(programs.filter(isConnector))('connector $name', ({ name }) => {
  it('answers spec with one line on stdout, and its label says the same', async () => {
    const { code, stdout, stderr } = await endOfDocker(...run, ...locked, name, 'spec');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const { spec } = JSON.parse(stdout) as { spec: { protocol_version: number; connector: { name: string } } };
    const label = await docker('image', 'inspect', '--format', '{{index .Config.Labels "penstock.connector"}}', name);
    const [type, connector] = name.split('-');
    expect(JSON.parse(label)).toEqual({ name: connector, type, protocol_version: spec.protocol_version });
  });
});

it('makes named pipes in the engine’s image, in a volume of memory', async () => {
  const volume = `penstock-mkfifo-${process.pid}`;
  await docker(
    'volume',
    'create',
    '--driver',
    'local',
    '--opt',
    'type=tmpfs',
    '--opt',
    'device=tmpfs',
    '--opt',
    'o=mode=1777',
    volume,
  );
  try {
    const mounted = [...run, ...locked, '--volume', `${volume}:/pipes`];
    // A volume of memory is empty again once no container has it.
    const holder = await docker(
      'run',
      '--detach',
      ...locked,
      '--volume',
      `${volume}:/pipes`,
      '--entrypoint',
      'node',
      'penstock',
      '-e',
      'setInterval(() => {}, 1000)',
    );
    try {
      await docker(...mounted, '--entrypoint', 'mkfifo', 'penstock', '-m', '600', '/pipes/a', '/pipes/b');
      const look = "for (const name of ['a', 'b']) console.log(fs.statSync('/pipes/' + name).isFIFO())";
      expect(await docker(...mounted, '--entrypoint', 'node', 'penstock', '-e', look)).toBe('true\ntrue');
    } finally {
      await docker('rm', '--force', holder);
    }
  } finally {
    await docker('volume', 'rm', volume);
  }
});
