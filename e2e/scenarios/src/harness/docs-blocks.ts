import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { programFolder, repositoryRoot } from './program.ts';
import { runShell, type ShellResult } from './shell.ts';

/** What a clone has and a sandbox must not share: it would be written to. */
const NOT_LINKED = new Set(['.git', '.penstock', 'node_modules']);

/** npm writes it last, so make looks at its time. */
const INSTALLED = '.package-lock.json';

/** Where npm puts the commands of packages. */
const COMMANDS = '.bin';

/** A folder that looks like a clone, where the commands of a page can leave their files. */
export interface Sandbox {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes one, of links into the repository. */
export async function makeSandbox(): Promise<Sandbox> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penstock-docs-'));
  // Its Postgres may run as another user; where that one can't get in, the data would lie elsewhere and stay.
  await chmod(folder, 0o755);
  for (const entry of await readdir(repositoryRoot)) {
    if (!NOT_LINKED.has(entry)) await symlink(path.join(repositoryRoot, entry), path.join(folder, entry));
  }
  await linkPackages(folder);
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * A node_modules of links, that counts as just installed. Were it one link, then an `npm ci` there, which make runs when
 * package-lock.json is newer, would remove the packages of the repository itself.
 */
async function linkPackages(folder: string): Promise<void> {
  const from = path.join(repositoryRoot, 'node_modules');
  const to = path.join(folder, 'node_modules');
  await mkdir(to);
  for (const entry of await readdir(from)) {
    if (entry !== INSTALLED && entry !== COMMANDS) await symlink(path.join(from, entry), path.join(to, entry));
  }
  const programs = new Set(await readdir(programFolder()));
  await mkdir(path.join(to, COMMANDS));
  for (const entry of await readdir(path.join(from, COMMANDS))) {
    const place = programs.has(entry) ? programFolder() : path.join(from, COMMANDS);
    await symlink(path.join(place, entry), path.join(to, COMMANDS, entry));
  }
  await writeFile(path.join(to, INSTALLED), await readFile(path.join(from, INSTALLED)));
}

/** A block of a page, and the heading that it stands under. */
export interface PageBlock {
  readonly heading: string;
  /** As the page says: `sh`, `sql`, `json`; empty where it doesn't. */
  readonly language: string;
  readonly text: string;
}

/** The blocks of a page, in their order. */
async function pageBlocks(page: string): Promise<PageBlock[]> {
  const text = await readFile(path.join(repositoryRoot, page), 'utf8');
  const blocks: PageBlock[] = [];
  let heading = '';
  for (const [, title, language, content] of text.matchAll(/^#+ ([^\n]*)$|^```([^\n]*)\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title;
    else blocks.push({ heading, language: language!, text: content! });
  }
  return blocks;
}

/** The blocks of a language in a page, in their order. */
export async function blocksOf(page: string, language: string): Promise<PageBlock[]> {
  return (await pageBlocks(page)).filter((block) => block.language === language);
}

/** The shell blocks of a page, in their order. */
export function shellBlocks(page: string): Promise<PageBlock[]> {
  return blocksOf(page, 'sh');
}

/** What a reader has whose machine knows only the older program. */
const OLDER_COMPOSE = `
  docker() {
    if [ "$1" = compose ] && ! command docker compose version > /dev/null 2>&1; then shift && docker-compose "$@"
    else command docker "$@"
    fi
  }`;

/** A reader types a block when the one before has answered: a background program of a block has time to start. */
const WHEN_STARTED = `
  for pid in $(jobs -p); do
    for _ in $(seq 200); do
      kill -0 "$pid" 2> /dev/null && [ ! -s simulator.log -o ! -s postgres-url.txt ] || break
      sleep 0.1
    done
  done`;

/** Runs blocks one after the other in one shell, as a reader would, and stops at the first that fails. */
export function runBlocks(
  blocks: readonly Pick<PageBlock, 'text'>[],
  cwd: string,
  env: Record<string, string>,
): Promise<ShellResult> {
  // A block whose last command is a pipe that ends with head has a writer that finds its reader gone; so no pipefail.
  const lines = [
    'set -em',
    OLDER_COMPOSE,
    ...blocks.flatMap(({ text }) => [text, text.includes('&\n') ? WHEN_STARTED : '']),
  ];
  return runShell(lines.join('\n'), cwd, env);
}
