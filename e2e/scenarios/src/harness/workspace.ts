import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder of one scenario for its config, catalog and state files. */
export interface ScenarioFolder {
  readonly path: string;
  /** Writes a JSON file and gives its path. */
  json(name: string, content: unknown): Promise<string>;
  /** Writes a line into a file and gives its path. */
  text(name: string, line: string): Promise<string>;
  /** The path of a file in it. */
  file(name: string): string;
  remove(): Promise<void>;
}

/**
 * Makes an empty folder in the system's temporary place.
 *
 * @param mode who may enter it; by default only this user, and not that of an image
 */
export async function makeScenarioFolder(mode = 0o700): Promise<ScenarioFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penstock-scenario-'));
  await chmod(folder, mode);
  const file = (name: string): string => path.join(folder, name);
  return {
    path: folder,
    file,
    json: async (name, content) => {
      await writeFile(file(name), JSON.stringify(content, null, 2));
      return file(name);
    },
    text: async (name, line) => {
      await writeFile(file(name), `${line}\n`);
      return file(name);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
