/**
 * Makes `dist/NAME/`, a package that needs no others: `main.mjs` and the chunks that it loads when they are needed, bundled of
 * all that the program imports; the licences of what is in them, and what it reads beside that. `npm run bundle -w @penstock/images`
 * makes them all; `node docker/src/bundle.ts FOLDER` makes them elsewhere.
 */
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build, type Metafile, type Plugin, transform } from 'esbuild';
import { licencesOf } from './licences.ts';
import { type Program, programs } from './programs.ts';

const root = join(import.meta.dirname, '../..');

/** Where the bundles are, a folder for each program. */
export const distFolder = join(root, 'dist');

/** What packages would use if it were there; none of it is needed. */
const optional = ['pg-native', 'cpu-features', '*.node'];

/** What packages import for something that is never asked of them: to debug a display, to build images. It stays out. */
const unused = ['react-devtools-core', '@grpc/grpc-js', '@grpc/proto-loader'];

/** What CommonJS packages find missing in an ES module. */
const banner = [
  "import { createRequire as $createRequire } from 'node:module';",
  'const require = $createRequire(import.meta.url);',
].join('\n');

/** See string-width.ts. */
const lazyStringWidth: Plugin = {
  name: 'lazy-string-width',
  setup(context) {
    const path = join(import.meta.dirname, 'string-width.ts');
    context.onResolve({ filter: /^string-width$/ }, ({ pluginData }) =>
      pluginData === 'whole' ? undefined : { path },
    );
    context.onResolve({ filter: /^string-width\/whole$/ }, ({ kind }) =>
      context.resolve('string-width', { kind, resolveDir: root, pluginData: 'whole' }),
    );
  },
};

/** Sizes in bytes: of what every start of a program reads, and of all its code. */
interface Sizes {
  readonly main: number;
  readonly all: number;
}

/** Bundles one program; those that it brings must have been. @param to the folder that its own is made in */
export async function bundle(program: Program, to = distFolder): Promise<Sizes> {
  const packageFolder = join(root, program.folder);
  const target = join(to, program.name);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(packageFolder, 'src/main.ts')],
    outdir: target,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported by `await import()` is a file of its own, read only then; in one file it would all be parsed at each start.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Not minified: Node shows the line of an error, and a line should be one.
    legalComments: 'external',
    absWorkingDir: root,
    metafile: true,
    plugins: [lazyStringWidth],
    external: optional,
    alias: Object.fromEntries(unused.map((name) => [name, join(import.meta.dirname, 'absent-package.ts')])),
    define: {
      __dirname: 'import.meta.dirname',
      __filename: 'import.meta.filename',
      'process.env.NODE_ENV': '"production"',
      'process.env.DEV': '"false"',
    },
    banner: { js: banner },
    logLevel: 'warning',
  });
  const chunks = (await readdir(target)).filter((file) => file.endsWith('.mjs')).map((file) => join(target, file));
  for (const chunk of chunks) await keepToAscii(chunk);
  await gatherNotices(target, await licencesOf(metafile, root));
  const packageJson = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as Record<string, string>;
  const { name, version, description, license } = packageJson;
  const own = { name, version, description, license, type: 'module', bin: { [program.name]: 'main.mjs' } };
  await writeFile(join(target, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
  for (const asset of program.assets ?? [])
    await cp(join(packageFolder, asset), join(target, asset), { recursive: true });
  for (const other of program.brings ?? [])
    await cp(join(to, other), join(target, 'node_modules/@penstock', other), { recursive: true });
  await openToAll(target);
  const sizes = await Promise.all(chunks.map(async (chunk) => (await stat(chunk)).size));
  return {
    main: sizeOfStart(metafile, relative(root, join(target, 'main.mjs'))),
    all: sizes.reduce((sum, size) => sum + size),
  };
}

/** Bytes of an output and of all that it imports at once. */
function sizeOfStart({ outputs }: Metafile, main: string): number {
  const read = new Set([main]);
  // A set that grows while it is gone through.
  for (const path of read)
    for (const { path: imported, kind } of outputs[path]!.imports)
      if (kind === 'import-statement' && imported in outputs) read.add(imported);
  return [...read].reduce((sum, path) => sum + outputs[path]!.bytes, 0);
}

/** Puts the notices that each chunk's code asks for, and the licences, into one file. */
async function gatherNotices(target: string, licences: string): Promise<void> {
  const notices = (await readdir(target))
    .filter((file) => file.endsWith('.LEGAL.txt'))
    .map((file) => join(target, file));
  const texts = await Promise.all(notices.map((file) => readFile(file, 'utf8')));
  for (const file of notices) await rm(file);
  await writeFile(join(target, 'LEGAL.txt'), [...texts, licences].join('\n'));
}

/**
 * Takes what is not ASCII out of comments; in code the bundler has escaped it. V8 holds a text with a single character beyond
 * Latin-1 at two bytes each: 4 MB of memory more for the engine.
 *
 * @throws Error when such a character stands anywhere else
 */
async function keepToAscii(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const ascii = text.replace(/[^\0-\x7f]/g, '?');
  const code = async (source: string) => (await transform(source, { minifyWhitespace: true, charset: 'utf8' })).code;
  if ((await code(ascii)) !== (await code(text)))
    throw new Error(`${file} has characters in its code that are not ASCII`);
  await writeFile(file, ascii);
}

/** In an image the files belong to root and another user reads them, whatever this machine's umask is. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else await chmod(path, entry.name === 'main.mjs' ? 0o755 : 0o644);
  }
}

if (import.meta.main) {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  const to = resolve(process.argv[2] ?? distFolder);
  for (const program of programs) {
    const { main, all } = await bundle(program, to);
    process.stdout.write(
      `${relative(root, join(to, program.name))}: ${megabytes(all)}, of which each start reads ${megabytes(main)}\n`,
    );
  }
}
