/**
 * What the scenarios with containers stand on: a Docker network with a Stripe simulator and a Postgres in it. The test
 * looks at both from the host; the containers that it starts reach them by their names in the network.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { GenericContainer, Network, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { docker, dockerLines } from './shell.ts';
import { type Simulator, simulatorAt } from './simulator.ts';

/** The simulator, seen from a container in the network. */
export const SIMULATOR_URL = 'http://stripe:12111';

const POSTGRES_START_MS_MAX = 60_000;

/** A network with the two in it. */
export interface ContainerWorld {
  /** Name of the Docker network. */
  readonly network: string;
  readonly simulator: Simulator;
  readonly database: ContainerDatabase;
  /** Containers in the network but for these two, by ID, whatever their state: those with all of these labels. */
  containers(...labels: string[]): Promise<string[]>;
  /** Volumes of all containers in the network, by name. */
  volumes(): Promise<string[]>;
  /** Removes them, and every container that is in the network by now, whoever started it. */
  remove(): Promise<void>;
}

/** A Postgres in a container. */
export interface ContainerDatabase {
  readonly container: StartedTestContainer;
  /** For containers in the network. */
  readonly url: string;
  /** For programs on the host. After a restart it is another one. */
  hostUrl(): Promise<string>;
  /** Opens a connection from the host, when it is ready for one. The caller ends it. */
  connect(): Promise<pg.Client>;
}

/** @param simulatorArgs flags of stripe-simulator: how many objects, which faults */
export async function startContainerWorld(simulatorArgs: readonly string[]): Promise<ContainerWorld> {
  const network = await new Network().start();
  try {
    const [simulator, database] = await Promise.all([
      startSimulatorContainer(network, simulatorArgs),
      startPostgresContainer(network),
    ]);
    const inNetwork = `network=${network.getName()}`;
    const own = new Set(await dockerLines('ps', '--all', '--quiet', '--filter', inNetwork));
    const volumeNames = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
    return {
      network: network.getName(),
      simulator,
      database,
      containers: async (...labels) => {
        const filters = [inNetwork, ...labels.map((label) => `label=${label}`)].flatMap((filter) => [
          '--filter',
          filter,
        ]);
        return (await dockerLines('ps', '--all', '--quiet', ...filters)).filter((id) => !own.has(id));
      },
      volumes: async () => {
        const ids = await dockerLines('ps', '--all', '--quiet', '--filter', inNetwork);
        const names = await Promise.all(
          // One that has just ended has none any more.
          ids.map((id) => dockerLines('inspect', '--format', volumeNames, id).catch(() => [])),
        );
        return names.flat();
      },
      remove: () => removeNetwork(network.getName()),
    };
  } catch (error) {
    await removeNetwork(network.getName());
    throw error;
  }
}

/** Removes a network with all containers in it, and their volumes. */
export async function removeNetwork(name: string): Promise<void> {
  const containers = await dockerLines('ps', '--all', '--quiet', '--filter', `network=${name}`);
  // Some of them may be about to be removed by Docker itself.
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers).catch(() => '');
  await docker('network', 'rm', name);
}

async function startSimulatorContainer(network: StartedNetwork, args: readonly string[]): Promise<Simulator> {
  const container = await new GenericContainer('stripe-simulator')
    .withNetwork(network)
    .withNetworkAliases('stripe')
    .withCommand(['--host', '0.0.0.0', ...args])
    .withExposedPorts(12111)
    .withWaitStrategy(Wait.forLogMessage(/"type":"listening"/))
    .start();
  const url = `http://${container.getHost()}:${container.getMappedPort(12111)}`;
  return simulatorAt(url, async () => {
    await container.stop();
  });
}

async function startPostgresContainer(network: StartedNetwork): Promise<ContainerDatabase> {
  const password = 'scenario';
  const container = await new GenericContainer('postgres:18')
    .withNetwork(network)
    .withNetworkAliases('warehouse')
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/))
    .start();
  const hostUrl = async () => {
    const [address] = await dockerLines('port', container.getId(), '5432/tcp');
    const port = address?.split(':').at(-1);
    return `postgres://postgres:${password}@${container.getHost()}:${port}/postgres`;
  };
  const database: ContainerDatabase = {
    container,
    url: `postgres://postgres:${password}@warehouse:5432/postgres`,
    hostUrl,
    connect: async () => connectWhenReady(await hostUrl()),
  };
  await (await database.connect()).end();
  return database;
}

/** The public image's first start says that it is ready, and restarts. */
async function connectWhenReady(url: string): Promise<pg.Client> {
  const givenUpAt = Date.now() + POSTGRES_START_MS_MAX;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    // A server that goes away is what some scenarios are about.
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (cause) {
      if (Date.now() > givenUpAt) throw new Error('Postgres does not let anyone in', { cause });
      await delay(100);
    }
  }
}
