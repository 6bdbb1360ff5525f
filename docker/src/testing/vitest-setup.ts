import { nodeBase, postgresBase } from '../../base/bases.ts';
import { askDocker, ImageError, requireDocker } from '../docker-cli.ts';
import { programs } from '../programs.ts';

/**
 * Vitest global set-up for tests with containers: an engine and the images must be there. Where they aren't, one line says
 * so and the run ends, since no test could say anything better.
 */
export default async function setup(): Promise<void> {
  try {
    await requireDocker();
    const wanted = [...programs.map(({ name }) => name), nodeBase.image, postgresBase.image];
    const present = await Promise.all(wanted.map((image) => askDocker(['image', 'inspect', '--format', 'ok', image])));
    const missing = wanted.filter((_, index) => present[index] === undefined);
    if (missing.length > 0) throw new ImageError(`Missing: ${missing.join(', ')}. Run: make images`);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    // Thrown, it would come with a stack trace.
    process.stderr.write(`Tests with containers can't run. ${error.message}\n`);
    process.exit(1);
  }
}
