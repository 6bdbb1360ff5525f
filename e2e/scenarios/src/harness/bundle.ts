import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './program.ts';
import type { ScenarioFolder } from './workspace.ts';

/**
 * Makes one file of a connector, as users have it: from its sources, Node needs memory to read the types in them.
 *
 * @returns its path
 */
export async function bundleConnector(
  name: 'source-stripe' | 'destination-postgres',
  folder: ScenarioFolder,
): Promise<string> {
  const file = folder.file(`${name}.mjs`);
  const require = "import { createRequire as $of } from 'node:module'; const require = $of(import.meta.url);";
  await promisify(execFile)(
    path.join(repositoryRoot, 'node_modules/.bin/esbuild'),
    [
      `connectors/${name}/src/main.ts`,
      ...['--bundle', '--platform=node', '--target=node24', '--format=esm', `--banner:js=${require}`],
      ...['--log-level=warning', '--external:pg-native', `--outfile=${file}`],
    ],
    { cwd: repositoryRoot },
  );
  return file;
}
