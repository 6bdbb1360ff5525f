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
    return { network: network.getName(), simulator, database, remove: () => removeNetwork(network) };
  } catch (error) {
    await removeNetwork(network);
    throw error;
  }
}

async function removeNetwork(network: StartedNetwork): Promise<void> {
  const containers = await dockerLines('ps', '--all', '--quiet', '--filter', `network=${network.getName()}`);
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  await network.stop();
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
