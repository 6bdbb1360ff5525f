import { describe } from 'vitest';
import { describeConnector } from './testing/connector-contract.ts';
import { scriptConnector } from './testing/script-connector.ts';

describe('a connector that is a program', () => {
  describeConnector((code) => scriptConnector('source/script', code));
});
