import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Where the JSON Schema of the pipeline file is in a project that has installed the engine. */
const INSTALLED = join('node_modules', '@penstock', 'engine', 'schema', 'pipeline.json');

/**
 * The path by which an editor finds the schema of a pipeline file in a folder: in the project around it, so that it is the same for
 * everybody who has the project. There is none where the engine is installed for the whole machine.
 */
export function installedSchema(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const path = join(at, INSTALLED);
    if (existsSync(path)) {
      const way = relative(resolve(folder), path).replaceAll('\\', '/');
      return way.startsWith('.') ? way : `./${way}`;
    }
    if (dirname(at) === at) return undefined;
  }
}
