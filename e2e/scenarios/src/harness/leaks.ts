import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { docker, dockerLines } from './shell.ts';

/** Looks like a secret, whoever's it is. */
const KEY_LIKE = [
  /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g,
  /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/=]{20}/g,
  /\bpostgres(?:ql)?:\/\/[\w.-]+:(?!PASSWORD|password|secret|\$|\*)[^\s:@/"'`$]{8,}@/g,
];

/** A pattern that ends in the next piece of a file is found in that, when this much of the last one stands before it. */
const OVERLAP_BYTES = 4096;

/** Where secrets are, of those that are looked for: `docker inspect: MARKER`. */
export type Leaks = readonly string[];

const markersIn = (where: string, text: string, markers: readonly string[]): string[] =>
  markers.filter((marker) => text.includes(marker)).map((marker) => `${where}: ${marker}`);

/**
 * Looks for secrets wherever somebody who may use Docker, or has an account on the machine, can see them: what Docker
 * says of the containers of a network, the command lines on this machine, environments in the containers, their logs.
 */
export async function findLeaks(network: string, markers: readonly string[]): Promise<Leaks> {
  const leaks: string[] = [];
  const look = (where: string, text: string) => leaks.push(...markersIn(where, text, markers));
  look('ps', (await promisify(execFile)('ps', ['auxww'])).stdout);
  look('docker ps', await docker('ps', '--all', '--no-trunc'));
  const ids = await dockerLines('ps', '--all', '--quiet', '--no-trunc', '--filter', `network=${network}`);
  const looks = ids.map(async (id) => {
    // It may end in between.
    const inspected = await docker('inspect', id).catch(() => '');
    if (inspected === '') return;
    const [{ LogPath: logPath }] = JSON.parse(inspected) as [{ LogPath: string }];
    look('docker inspect', inspected);
    const [top, environments, logs] = await Promise.all([
      docker('top', id, '-eo', 'pid,args').catch(() => ''),
      environmentsOf(id),
      logsOf(id),
    ]);
    look('docker top', top);
    look('environment', environments);
    look('docker logs', logs);
    // Of the daemon; only some users may read it.
    if (logPath !== '') look('log file', await readFile(logPath, 'utf8').catch(() => ''));
  });
  await Promise.all(looks);
  return [...new Set(leaks)];
}

/** Environments and command lines of all processes in a container; where there is no Node in it, nothing. */
async function environmentsOf(id: string): Promise<string> {
  const script = `for (const pid of fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)))
    for (const file of ['environ', 'cmdline']) try { console.log(fs.readFileSync('/proc/' + pid + '/' + file, 'utf8')) } catch {}`;
  return docker('exec', id, '/usr/local/bin/node', '-e', script).catch(() => '');
}

async function logsOf(id: string): Promise<string> {
  const logs = await promisify(execFile)('docker', ['logs', id], { maxBuffer: 64 * 1024 * 1024 }).catch(
    () => undefined,
  );
  return logs === undefined ? '' : logs.stdout + logs.stderr;
}

/** Looks through all layers, configs and histories of images. */
export async function findLeaksInImages(images: readonly string[], markers: readonly string[]): Promise<Leaks> {
  const leaks: string[] = [];
  for (const image of images) {
    const history = await docker('history', '--no-trunc', image);
    leaks.push(...markersIn('docker history', history, markers), ...keysIn('docker history', history));
  }
  const saved = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'inherit'] });
  let before = '';
  for await (const chunk of saved.stdout as AsyncIterable<Buffer>) {
    const text = before + chunk.toString('latin1');
    leaks.push(...markersIn('layer', text, markers), ...keysIn('layer', text));
    before = text.slice(-OVERLAP_BYTES);
  }
  return [...new Set(leaks)];
}

const keysIn = (where: string, text: string): string[] =>
  KEY_LIKE.flatMap((pattern) => [...text.matchAll(pattern)].map(([found]) => `${where}: ${found}`));
