import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Catalog, parseLine } from '@penstock/protocol';
import { runShell } from './shell.ts';
import type { ScenarioFolder } from './workspace.ts';

/** A pipe of two containers. Files are relative to the folder in which the script runs. */
export interface DockerPipe {
  /** The containers are PREFIX-source and PREFIX-destination. */
  readonly prefix: string;
  readonly network: string;
  readonly source?: string;
  readonly destination?: string;
  readonly catalog?: string;
  readonly state?: string;
  /** Give the source what `state` holds. */
  readonly resumed?: boolean;
  /** Keep a stdin open that ends with the docker command, so that the source ends too; from a named pipe `lifeline`. */
  readonly lifeline?: boolean;
}

/** The pipe as the guide shows it, as a bash script. */
export function pipeScript(pipe: DockerPipe): string {
  const { prefix, network, source = 'source.json', destination = 'destination.json', catalog = 'catalog.json' } = pipe;
  const { state = 'state.ndjson', resumed = false, lifeline = true } = pipe;
  const run = `docker run --rm --log-driver none --network ${network} -v "$PWD":/config:ro -w /config`;
  return `set -o pipefail
${run} ${lifeline ? '-i' : ''} --name ${prefix}-source source-stripe read --config ${source} --catalog ${catalog} \\
    ${resumed ? `--state ${state}` : ''} ${lifeline ? '--stop-on-stdin-end <> lifeline' : ''} |
  ${run} -i --name ${prefix}-destination destination-postgres write --config ${destination} --catalog ${catalog} |
  tee -a ${state} > /dev/null`;
}

/** Kills the docker command that has a container of this name, among the children of a shell. */
export async function killClient(shell: number, name: string): Promise<void> {
  await once(
    spawn('pkill', ['-KILL', '-P', String(shell), '-f', `^docker run.* ${name} `], { stdio: 'ignore' }),
    'close',
  );
}

/** The streams that `discover` of the image names. */
export async function discoverInContainer(
  folder: ScenarioFolder,
  network: string,
  config: string,
): Promise<Catalog['streams']> {
  const { stdout, stderr, code } = await runShell(
    `docker run --rm --log-driver none --network ${network} -v "$PWD":/config:ro -w /config source-stripe discover --config ${config}`,
    folder.path,
  );
  for (const line of stdout.split('\n')) {
    const parsed = parseLine(line);
    if (parsed.kind === 'message' && parsed.message.type === 'catalog') return parsed.message.catalog.streams;
  }
  throw new Error(`discover ended with ${code} and no catalog: ${stderr}`);
}
