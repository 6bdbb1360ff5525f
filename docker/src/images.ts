/**
 * Builds the images. Names after it: only those. `--push REGISTRY` builds for several platforms and pushes them there in
 * place of keeping them on this machine; the bases are then always the public ones.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { busyboxBase, nodeBase, postgresBase, provideBase, runtimeBase } from '../base/bases.ts';
import { bundle, distFolder } from './bundle.ts';
import { askDocker, ImageError, requireBuildx, requireDocker, runDocker } from './docker-cli.ts';
import { labelsOf } from './labels.ts';
import { type Program, programs } from './programs.ts';

interface BuildOptions {
  /** Where to push to, for example `ghcr.io/example`; kept on this machine when absent. */
  readonly registry: string | undefined;
  /** For example `linux/amd64,linux/arm64`. */
  readonly platforms: string;
}

async function buildImages(names: readonly string[], options: BuildOptions): Promise<void> {
  const unknown = names.filter((name) => !programs.some((program) => program.name === name));
  if (unknown.length > 0) {
    throw new ImageError(
      `There is no image ${unknown.join(', ')}; there are ${programs.map(({ name }) => name).join(', ')}.`,
    );
  }
  await requireDocker();
  if (options.registry !== undefined) await requireBuildx();
  const wanted = programs.filter(({ name }) => names.length === 0 || names.includes(name));
  // The engine's bundle holds the others'.
  for (const program of programs) await bundle(program);
  if (options.registry === undefined) {
    const bases = [nodeBase, runtimeBase];
    if (wanted.some(({ name }) => name === 'penstock')) bases.push(busyboxBase);
    // No image is made of it, but compose and the tests run one.
    if (names.length === 0) bases.push(postgresBase);
    for (const base of bases) await provideBase(base);
  }
  for (const program of wanted) await buildImage(program, options);
}

async function buildImage(program: Program, { registry, platforms }: BuildOptions): Promise<void> {
  const labels = await labelsOf(program);
  const version = labels['org.opencontainers.image.version']!;
  const image = `${registry === undefined ? '' : `${registry}/`}${program.name}`;
  await runDocker(`Building ${image}`, [
    // Pushed images never stand on a base that was made here.
    ...(registry === undefined
      ? ['build', '--quiet']
      : ['buildx', 'build', '--platform', platforms, '--push', '--pull']),
    ...['--file', join(import.meta.dirname, '..', program.dockerfile)],
    ...['--build-arg', `NODE_IMAGE=${nodeBase.image}`],
    ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    ...['--tag', `${image}:${version}`, '--tag', `${image}:latest`],
    join(distFolder, program.name),
  ]);
  if (registry !== undefined) {
    process.stdout.write(`${image}:${version} was pushed, for ${platforms}\n`);
    return;
  }
  const bytes = Number(await askDocker(['image', 'inspect', '--format', '{{.Size}}', `${image}:${version}`]));
  if (Number.isNaN(bytes)) {
    // A builder that works in a container of its own keeps what it built.
    throw new ImageError(
      `${image} was built, but Docker doesn't have it. Use its own builder: docker buildx use default`,
    );
  }
  process.stdout.write(`${image}:${version}, ${(bytes / 1e6).toFixed(0)} MB\n`);
}

try {
  const { values, positionals } = parseArgs({
    options: { push: { type: 'string' }, platforms: { type: 'string', default: 'linux/amd64,linux/arm64' } },
    allowPositionals: true,
  });
  await buildImages(positionals, { registry: values.push, platforms: values.platforms });
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
