import type Docker from 'dockerode';
import { within } from './client.ts';
import { statusOf } from './docker-error.ts';
import { type EngineIdentity, engineOf, LAUNCHER_LABEL, startOf } from './engine-identity.ts';

/** How long a container that has lost its engine may take to end by itself: its destination is still storing. */
const LEFTOVER_STOP_SECONDS = 10;

/** A container that has not been started is started within seconds, or its engine is gone. */
const NOT_STARTED_SECONDS_MAX = 3_600;

/** What is known of the engine of a container. */
export type EngineFate = 'gone' | 'alive' | 'unknown';

/** Whether a container is to be removed. Pure. */
export function isLeftover(state: string, fate: EngineFate, ageSeconds: number): boolean {
  if (fate === 'alive') return false;
  if (fate === 'gone') return true;
  // Another machine's, perhaps. What runs there may have its engine; what doesn't run, for so long, has not.
  return (state === 'created' || state === 'exited' || state === 'dead') && ageSeconds > NOT_STARTED_SECONDS_MAX;
}

/** What is asked to find out whether an engine is gone. */
export interface EngineWitness {
  /** When the container began to run; undefined when it doesn't, or isn't there. */
  containerStart(id: string): Promise<string | undefined>;
  /** When the process of this machine began; undefined when there is none. */
  processStart(pid: number): Promise<string | undefined>;
}

/** What became of an engine, as far as this one can know. */
export async function fateOf(
  engine: EngineIdentity | undefined,
  own: EngineIdentity,
  witness: EngineWitness,
): Promise<EngineFate> {
  if (engine === undefined) return 'unknown';
  if (engine.container !== undefined) {
    const startedAt = await witness.containerStart(engine.container.id);
    if (startedAt !== engine.container.startedAt) return 'gone';
  }
  if (engine.space !== own.space) return engine.container === undefined ? 'unknown' : 'alive';
  const start = await witness.processStart(engine.pid);
  return start === undefined || (engine.start !== '' && start !== '' && start !== engine.start) ? 'gone' : 'alive';
}

/** Removes the containers of engines that are gone, with their volumes: these hold secrets (P7). @returns their names */
export async function sweep(docker: Docker, own: EngineIdentity): Promise<string[]> {
  const filters = { label: [LAUNCHER_LABEL] };
  const found = await docker.listContainers({ all: true, filters, ...within() });
  const witness: EngineWitness = {
    containerStart: (id) => containerStart(docker, id),
    processStart: (pid) => processStart(pid),
  };
  const removed = found.map(async ({ Id, Names, State, Created, Labels }) => {
    // Nothing that concerns another engine keeps this one from its work.
    const fate = await fateOf(engineOf(Labels), own, witness).catch(() => 'unknown' as const);
    if (!isLeftover(State, fate, Date.now() / 1000 - Created)) return [];
    const container = docker.getContainer(Id);
    // Both may come too late: it removes itself.
    if (State === 'running') await container.stop({ t: LEFTOVER_STOP_SECONDS, ...within() }).catch(() => undefined);
    await container.remove({ force: true, v: true, ...within() }).catch(() => undefined);
    return [Names[0]?.replace(/^\//, '') ?? Id];
  });
  return (await Promise.all(removed)).flat();
}

async function containerStart(docker: Docker, id: string): Promise<string | undefined> {
  try {
    const { State } = await docker.getContainer(id).inspect(within());
    return State.Running ? State.StartedAt : undefined;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function processStart(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return startOf(pid);
}
