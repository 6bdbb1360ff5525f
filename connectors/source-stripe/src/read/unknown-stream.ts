import { ConnectorError, type SourceOutput } from '@penstock/connector-sdk';
import { message, nearestNames } from '@penstock/protocol';

/** What is said of a stream that the table doesn't have. @param known names of those that it has */
export function unknownStream(name: string, known: Iterable<string>): SourceOutput[] {
  const similar = plainList(nearestNames(name, [...known]));
  const { text, failureType } = new ConnectorError('stream_unknown', {
    message: `There is no stream "${name}".`,
    remedy: `${similar === '' ? '' : `Did you mean ${similar}? `}\`discover\` prints all names.`,
  });
  return [
    message.streamStatus({ stream: name, status: 'start' }),
    message.streamStatus({ stream: name, status: 'error', error: text, failure_type: failureType }),
  ];
}

function plainList(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
