import { CodedError } from '@penstock/protocol';
import type { Connector } from './launcher.ts';

/** A connector that somebody else has started, with its files and named pipes in one folder. */
export interface ConnectorPipes {
  readonly name: string;
  readonly folder: string;
}

/** Joins connectors that are already running by named pipes. */
export function pipeConnector({ name, folder }: ConnectorPipes): Connector {
  return {
    name,
    launch: async () => {
      throw new CodedError('connector_not_found', {
        message: `${name}: this version can't join the pipes in ${folder}.`,
      });
    },
  };
}
