import { CodedError } from '@penstock/protocol';
import type { Connector } from './launcher.ts';

/** A connector that is a container image. */
export interface ConnectorImage {
  readonly name: string;
  readonly image: string;
}

/** Runs connectors as containers, by the Engine API of Docker. */
export function dockerConnector({ name, image }: ConnectorImage): Connector {
  return {
    name,
    launch: async () => {
      throw new CodedError('connector_not_found', { message: `${name}: this version can't run the image ${image}.` });
    },
  };
}
