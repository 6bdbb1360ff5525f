import type { Destination } from './destination.ts';
import type { Source } from './source.ts';

/** What `runConnector` takes. */
export type AnyConnector = Source | Destination;

/** Whether it is a source: it has `read`, and a destination has `write`. */
export function isSource(connector: AnyConnector): connector is Source {
  return 'read' in connector;
}

/** The name of the program and image: `source-stripe`, `destination-postgres`. */
export function programName(connector: AnyConnector): string {
  return `${isSource(connector) ? 'source' : 'destination'}-${connector.name}`;
}
