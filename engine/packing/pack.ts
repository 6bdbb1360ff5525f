/**
 * Packs the engine and the packages that it needs as built JavaScript with types: `npm run pack -w @penstock/engine` writes
 * tarballs into `dist/npm/`. The sources themselves run without a build, but not inside `node_modules` (decision 0001), so what is
 * packed is a copy whose package.json names the built files.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Where the tarballs are put by default. */
export const packedFolder = join(root, 'dist/npm');

/** What packages have beside their sources: from where to where. */
const assets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '@penstock/protocol': { schema: 'schema', golden: 'golden' },
  // Where a built engine looks for them: beside the file that reads them.
  '@penstock/engine': { migrations: 'src/store/migrations', schema: 'schema' },
};

interface PackageJson {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
  readonly scripts?: unknown;
}

/** The package.json of a built package: no scripts, and the built files in place of the sources. Pure. */
export function builtPackageJson(source: PackageJson): Record<string, unknown> {
  const { scripts: _scripts, devDependencies: _devDependencies, bin, ...rest } = source;
  const entries = Object.entries(source.exports)
    .filter(([key]) => !key.includes('testing'))
    .map(([key, file]) =>
      file.endsWith('.ts')
        ? [key, { types: file.replace(/\.ts$/, '.d.ts'), default: file.replace(/\.ts$/, '.js') }]
        : [key, file],
    );
  const built = Object.entries(bin ?? {}).map(([name, file]) => [name, file.replace(/\.ts$/, '.js')]);
  return {
    ...rest,
    ...(bin && { bin: Object.fromEntries(built) }),
    exports: Object.fromEntries(entries),
    files: ['src', 'schema', 'golden'],
    engines: { node: '>=24' },
  };
}

async function readPackageJson(folder: string): Promise<PackageJson> {
  return JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as PackageJson;
}

/** Folders of the engine and of the packages in this repository that it needs, itself last. */
async function neededFolders(): Promise<string[]> {
  const { workspaces } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  const folders = new Map<string, string>();
  for (const folder of workspaces) folders.set((await readPackageJson(folder)).name, folder);
  const needed = new Set<string>();
  const add = async (folder: string): Promise<void> => {
    for (const name of Object.keys((await readPackageJson(folder)).dependencies ?? {})) {
      const other = folders.get(name);
      if (other !== undefined && !needed.has(other)) await add(other);
    }
    needed.add(folder);
  };
  await add('engine');
  return [...needed];
}

/** Compiles the packages into a tree like that of the repository. */
async function build(folders: readonly string[], target: string): Promise<void> {
  const project = join(target, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    allowImportingTsExtensions: false,
    rewriteRelativeImportExtensions: true,
    declaration: true,
    rootDir: root,
    outDir: target,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  // Each by name: what is imported through node_modules is not compiled, though it is a link into the repository.
  const files = [...folders.map((folder) => join(root, folder, 'src/index.ts')), join(root, 'engine/src/main.ts')];
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] };
  await writeFile(project, JSON.stringify(config));
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
  await run(process.execPath, [join(dirname(typescript), 'bin/tsc'), '-p', project]);
}

/** Builds and packs. @param target folder for the tarballs @returns their paths */
export async function packEngine(target: string): Promise<string[]> {
  const built = join(target, 'built');
  await rm(built, { recursive: true, force: true });
  await mkdir(built, { recursive: true });
  const folders = await neededFolders();
  await build(folders, built);
  const tarballs: string[] = [];
  for (const folder of folders) {
    const from = join(root, folder);
    const to = join(target, 'package', folder.replaceAll('/', '-'));
    await rm(to, { recursive: true, force: true });
    await cp(join(built, folder, 'src'), join(to, 'src'), { recursive: true });
    const source = await readPackageJson(folder);
    for (const [asset, place] of Object.entries(assets[source.name] ?? {})) {
      await cp(join(from, asset), join(to, place), { recursive: true });
    }
    await writeFile(join(to, 'package.json'), `${JSON.stringify(builtPackageJson(source), null, 2)}\n`);
    const { stdout } = await run('npm', ['pack', '--offline', '--json', '--pack-destination', target], { cwd: to });
    const listed: unknown = JSON.parse(stdout);
    // A list up to npm 11, an object by name after that.
    const [packed] = Object.values(listed as Record<string, { filename: string }>);
    tarballs.push(join(target, packed!.filename));
  }
  return tarballs;
}

if (import.meta.main) {
  for (const tarball of await packEngine(packedFolder)) process.stdout.write(`${tarball}\n`);
}
