import { CodedError } from '@penstock/protocol';

/** An error of a connector that its user can understand: a code of the table, what happened and what to do next. */
export class ConnectorError extends CodedError {
  override readonly name = 'ConnectorError';
}
