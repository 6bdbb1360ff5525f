import { chooseStreams, type Stream } from '@penstock/protocol';
import type { Client } from 'pg';
import { discover, streamsNamed } from './catalog.ts';
import { compareDeleted, compareWithTruth, countDuplicates } from './compare.ts';
import { type RunningProgram, startProgram } from './program.ts';
import type { Simulator } from './simulator.ts';
import type { ScenarioFolder } from './workspace.ts';

/** What a pipeline is made of. */
export interface PipelinePlan {
  /** Its name, and the schema of its tables. */
  readonly name: string;
  readonly simulator: Simulator;
  readonly folder: ScenarioFolder;
  readonly databaseUrl: string;
  /** Config of the source, beside the key and where the simulator is. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** By name; all that are not optional where this is left out. */
  readonly streams?: readonly string[];
}

/** A pipeline from a simulator to a schema of its own, as a user has it. */
export interface Pipeline {
  readonly streams: readonly Stream[];
  /** Starts `penstock sync`, as the leader of a process group. @param flags beside the pipeline's */
  start(...flags: string[]): RunningProgram;
  /** The same with other config of the source: another pipeline file with the same state. */
  with(source: Readonly<Record<string, unknown>>): Promise<Pipeline>;
  /** How the tables differ from what Stripe has: by content, in what is marked as deleted, and by rows that are there twice. */
  differences(client: Client): Promise<readonly unknown[]>;
}

/** Writes the pipeline's file. */
export async function makePipeline(plan: PipelinePlan): Promise<Pipeline> {
  const { name, simulator, folder, databaseUrl } = plan;
  const source = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: 100, ...plan.source };
  const { streams: all } = await discover(await folder.json(`${name}-source.json`, source));
  const streams = plan.streams === undefined ? chooseStreams(all) : streamsNamed(all, plan.streams);
  const write = async (file: string, config: Readonly<Record<string, unknown>>): Promise<Pipeline> => {
    const path = await folder.json(file, {
      name,
      source: { type: 'stripe', stripe: config },
      destination: { type: 'postgres', postgres: { url: databaseUrl, schema: name } },
      streams: streams.map((stream) => ({ name: stream.name })),
    });
    return {
      streams,
      start: (...flags) =>
        startProgram('penstock', ['sync', '--config', path, '--plain', ...flags], { group: true, input: '' }),
      with: (other) => write(`${name}-with-${Object.keys(other).join('-')}.json`, { ...config, ...other }),
      differences: async (client) => {
        const duplicates = await countDuplicates(client, streams, name);
        return [
          ...(await compareWithTruth(client, simulator, streams, name)),
          ...(await compareDeleted(client, simulator, streams, name)),
          ...(duplicates === 0 ? [] : [{ duplicates }]),
        ];
      },
    };
  };
  return write(`${name}.json`, source);
}
