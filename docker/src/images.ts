/**
 * Builds the images. Names after it: only those. `--push REGISTRY` builds for several platforms and pushes them there in
 * place of keeping them on this machine; the bases are then always the public ones.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { busyboxBase, nodeBase, postgresBase, provideBase, runtimeBase } from '../base/bases.ts';
import { bundle, distFolder } from './bundle.ts';
import { askDocker, ImageError, requireDocker, showDocker } from './docker-cli.ts';
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
  // The engine's image holds the others' bundles too.
  for (const program of programs) await bundle(program);
  if (options.registry === undefined) {
    for (const base of [nodeBase, runtimeBase, busyboxBase, postgresBase]) await provideBase(base);
  }
  for (const program of programs)
    if (names.length === 0 || names.includes(program.name)) await buildImage(program, options);
}

async function buildImage(program: Program, { registry, platforms }: BuildOptions): Promise<void> {
  const labels = await labelsOf(program);
  const version = labels['org.opencontainers.image.version']!;
  const repository = registry === undefined ? program.name : `${registry}/${program.name}`;
  const file = program.name === 'penstock' ? 'engine.Dockerfile' : 'connector.Dockerfile';
  await showDocker([
    ...(registry === undefined ? ['build', '--quiet'] : ['buildx', 'build', '--platform', platforms, '--push']),
    ...['--file', join(import.meta.dirname, '..', file)],
    ...['--build-arg', `NODE_IMAGE=${nodeBase.image}`],
    ...(program.name === 'penstock' ? [] : ['--build-arg', `PROGRAM=${program.name}`]),
    ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    ...['--tag', `${repository}:${version}`, '--tag', `${repository}:latest`],
    distFolder,
  ]);
  if (registry !== undefined) return;
  const bytes = Number(await askDocker(['image', 'inspect', '--format', '{{.Size}}', program.name]));
  process.stdout.write(`${repository}:${version}, ${(bytes / 1e6).toFixed(0)} MB\n`);
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
