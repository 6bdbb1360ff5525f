import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

/** Images with the benchmark's connectors in them; those of the product below. */
export interface BenchImages {
  readonly source: string;
  readonly destination: string;
  /** Has both. */
  readonly engine: string;
}

/** Whether the product's images are here; without a Docker engine none is. */
export async function hasImages(): Promise<boolean> {
  const names = ['penstock', 'source-stripe', 'destination-postgres'];
  return run('docker', ['image', 'inspect', '--format', 'ok', ...names]).then(
    () => true,
    () => false,
  );
}

/** Builds them on the product's. @throws Error with what Docker said */
export async function buildBenchImages(): Promise<BenchImages> {
  const images = {
    source: 'penstock-bench-source',
    destination: 'penstock-bench-destination',
    engine: 'penstock-bench',
  };
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-images-'));
  try {
    for (const name of ['source.mjs', 'destination.mjs'])
      await copyFile(join(import.meta.dirname, name), join(folder, name));
    // With as many layers as the product's images have, and started in the same way.
    const common = 'FROM penstock\nCOPY *.mjs /bench/\n';
    const node = (program: string): string => `ENTRYPOINT ["/usr/local/bin/node", "/bench/${program}.mjs"]\n`;
    await build(folder, images.engine, common);
    await build(folder, images.source, common + node('source'));
    await build(folder, images.destination, common + node('destination'));
    return images;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function build(folder: string, image: string, dockerfile: string): Promise<void> {
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
  await run('docker', ['build', '--quiet', '--tag', image, folder]);
}

/** Removes them. */
export async function removeBenchImages(images: BenchImages): Promise<void> {
  await run('docker', ['image', 'rm', '--force', ...Object.values(images)]);
}

/**
 * What images take together, in MB: the layers that all of them share, Node and what is below it, count once.
 */
export async function imageMegabytes(images: readonly string[]): Promise<number> {
  if (images.length === 0) return 0;
  const sizes = await Promise.all(
    images.map(async (image) => Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image]))),
  );
  const sum = sizes.reduce((total, size) => total + size, 0);
  return (sum - (images.length - 1) * (await sharedBytes(images[0]!))) / 1e6;
}

/** The newest layer comes first. */
async function sharedBytes(image: string): Promise<number> {
  const format = ['--no-trunc', '--human=false', '--format', '{{.Size}} {{.CreatedBy}}'];
  const layers = (await run('docker', ['history', ...format, image])).trim().split('\n');
  const node = layers.findIndex((layer) => /^[1-9].*COPY.* \/usr\/local\/bin\/node\b/.test(layer));
  if (node < 0) throw new Error(`There is no layer with Node in ${image}`);
  return layers.slice(node).reduce((sum, layer) => sum + Number.parseInt(layer, 10), 0);
}
