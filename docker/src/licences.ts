import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** The licences of all packages that are in a bundle: name, version, and the text that has to go with every copy. */
export async function licencesOf(metafile: Metafile, root: string): Promise<string> {
  const folders = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.keys(inputs))
    // The last one: a package may have others in a folder of its own.
    .flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/) ?? []);
  const texts = await Promise.all([...new Set(folders)].toSorted().map((folder) => licenceOf(join(root, folder))));
  return `Packages that are part of this program:\n\n${texts.join('\n')}`;
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const title = `${name} ${version} (${typeof license === 'string' ? license : 'see below'})`;
  return [title, '='.repeat(title.length), ...texts.map((text) => text.trim()), ''].join('\n');
}
