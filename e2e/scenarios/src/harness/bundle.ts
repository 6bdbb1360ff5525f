import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './program.ts';

/** Bundles all programs as users have them, into `FOLDER/NAME/main.mjs`. */
export async function bundlePrograms(folder: string): Promise<void> {
  const bundler = path.join(repositoryRoot, 'docker/src/bundle.ts');
  await promisify(execFile)(process.execPath, [bundler, folder], { cwd: repositoryRoot });
}
