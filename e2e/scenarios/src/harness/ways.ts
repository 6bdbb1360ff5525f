import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { configure, streamsNamed } from './catalog.ts';
import { composeCommand } from './compose.ts';
import { type ContainerWorld, SIMULATOR_URL } from './containers.ts';
import { discoverInContainer, pipeScript } from './docker-pipe.ts';
import { programCommand, repositoryRoot } from './program.ts';
import { runShell } from './shell.ts';
import type { ScenarioFolder } from './workspace.ts';

/** The ways of running a sync with containers. */
export const WAYS = ['pipe', 'one container', 'launcher on the host', 'launcher in a container', 'compose'] as const;

/** One of them. */
export type Way = (typeof WAYS)[number];

/** A sync, however it is run. */
export interface SyncPlan {
  /** Starts the names of its files and containers: PREFIX-engine, and those of the pipe. */
  readonly prefix: string;
  readonly world: ContainerWorld;
  /** Everybody may read it: the images' user is none of this machine's. */
  readonly folder: ScenarioFolder;
  /** Of the tables. */
  readonly schema: string;
  /** Requests a second. */
  readonly rateLimit: number;
  /** All when absent. */
  readonly streams?: readonly string[];
  readonly apiKey?: string;
  /** User and password for Postgres; by default its superuser's. */
  readonly login?: { readonly user: string; readonly password: string };
}

const SOCKET = '/var/run/docker.sock';

/** Makes what a way needs in the folder. @returns the bash script that runs it, in the folder; each run goes on from the last */
export async function prepareWay(way: Way, plan: SyncPlan): Promise<string> {
  const { prefix, folder, world, schema, rateLimit, apiKey = 'sk_test_scenario' } = plan;
  const databaseUrl = withLogin(world.database.url, plan.login);
  const source = { base_url: SIMULATOR_URL, rate_limit: rateLimit };
  if (way === 'compose') return prepareCompose(plan, databaseUrl, source);
  if (way === 'pipe') {
    await folder.json(`${prefix}-source.json`, { api_key: apiKey, ...source });
    await folder.json(`${prefix}-destination.json`, { url: databaseUrl, schema });
    const all = await discoverInContainer(folder, world.network, `${prefix}-source.json`);
    await folder.json(`${prefix}-catalog.json`, configure(streamsNamed(all, plan.streams)));
    await runShell('[ -p lifeline ] || mkfifo lifeline', folder.path);
    const [config, destination, catalog] = ['source', 'destination', 'catalog'].map((of) => `${prefix}-${of}.json`);
    const files = { source: config!, destination: destination!, catalog: catalog!, state: `${prefix}.ndjson` };
    return pipeScript({ prefix, network: world.network, ...files });
  }
  const stateUrl = way === 'launcher on the host' ? await world.database.hostUrl() : world.database.url;
  await folder.text(`${prefix}-key.txt`, apiKey);
  await folder.text(`${prefix}-url.txt`, databaseUrl);
  await folder.text(`${prefix}-state-url.txt`, withLogin(stateUrl, plan.login));
  const sourceConfig = { api_key_file: `${prefix}-key.txt`, ...source };
  const destinationConfig = { url_file: `${prefix}-url.txt`, schema };
  const file = `${prefix}-pipeline.json`;
  const inside = way === 'one container';
  await folder.json(file, {
    name: prefix,
    source: inside ? { type: 'stripe', stripe: sourceConfig } : { image: 'source-stripe', config: sourceConfig },
    destination: inside
      ? { type: 'postgres', postgres: destinationConfig }
      : { image: 'destination-postgres', config: destinationConfig },
    ...(plan.streams !== undefined && { streams: plan.streams.map((name) => ({ name })) }),
    state: { postgres: { url_file: `${prefix}-state-url.txt` } },
    ...(inside ? {} : { docker: { network: world.network } }),
  });
  const sync = `sync --config ${file} --plain`;
  if (way === 'launcher on the host') return `exec ${programCommand('penstock').join(' ')} ${sync}`;
  const socket = `--volume ${SOCKET}:${SOCKET} --group-add ${(await stat(SOCKET)).gid}`;
  return `exec docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \\
    ${inside ? '' : socket} --network ${world.network} --name ${prefix}-engine -v "$PWD":/config:ro -w /config penstock ${sync}`;
}

/** The compose file for one's own account, in the network of the scenario. */
async function prepareCompose(plan: SyncPlan, databaseUrl: string, source: Record<string, unknown>): Promise<string> {
  const { prefix, folder, world, schema, apiKey = 'sk_test_scenario' } = plan;
  const given = path.join(repositoryRoot, 'docker');
  const pipeline = parse(await readFile(path.join(given, 'compose/pipeline.live.yaml'), 'utf8'));
  Object.assign(pipeline, { name: prefix, ...(plan.streams && { streams: plan.streams.map((name) => ({ name })) }) });
  Object.assign(pipeline.source.stripe, source);
  pipeline.destination.postgres.schema = schema;
  await folder.json(`${prefix}-pipeline.json`, pipeline);
  await folder.json(`${prefix}-network.json`, { networks: { default: { external: true, name: world.network } } });
  await copyFile(path.join(given, 'compose.live.yml'), folder.file(`${prefix}.yml`));
  await mkdir(folder.file(`${prefix}-secrets`), { mode: 0o700 });
  await writeFile(folder.file(`${prefix}-secrets/stripe-api-key.txt`), apiKey, { mode: 0o600 });
  await writeFile(folder.file(`${prefix}-secrets/database-url.txt`), databaseUrl, { mode: 0o600 });
  return `export PENSTOCK_SECRETS="$PWD/${prefix}-secrets" PENSTOCK_USER="$(id -u)" PENSTOCK_PIPELINE=./${prefix}-pipeline.json
    ${composeCommand(prefix, [`${prefix}.yml`, `${prefix}-network.json`], 'run --rm -T sync')}`;
}

function withLogin(url: string, login: SyncPlan['login']): string {
  if (login === undefined) return url;
  const parsed = new URL(url);
  parsed.username = login.user;
  parsed.password = login.password;
  return parsed.href;
}
