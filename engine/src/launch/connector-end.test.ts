import { CodedError } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { endError } from './ask-connector.ts';
import type { ConnectorEnd } from './connector-end.ts';
import type { RunningConnector } from './launcher.ts';

const running = { name: 'source/x', stderrTail: () => 'a\nb\n' } as unknown as RunningConnector;

it.each<[ConnectorEnd, string]>([
  [
    { kind: 'exited', code: 3 },
    'connector_failed source/x ended with exit code 3. Its last words: a | b. Run again to go on.',
  ],
  [{ kind: 'exited', code: 20 }, 'config_invalid source/x ended with exit code 20.'],
  [{ kind: 'exited', code: 40 }, 'protocol_violated source/x ended with exit code 40.'],
  [{ kind: 'killed', signal: 'SIGKILL' }, 'connector_failed source/x was killed by SIGKILL.'],
  [
    { kind: 'out_of_memory', limitBytes: 67_108_864 },
    'connector_failed source/x was killed: out of memory (limit 64 MiB).',
  ],
  [{ kind: 'out_of_memory' }, 'connector_failed source/x was killed: out of memory. '],
  [{ kind: 'lost', cause: new Error('Docker at x: cut') }, 'unreachable source/x was lost (Docker at x: cut).'],
  [
    { kind: 'never_started', cause: new Error('ENOENT') },
    'connector_not_found source/x could not be started (ENOENT).',
  ],
  [
    { kind: 'never_started', cause: new CodedError('unreachable', { message: 'No Docker.', remedy: 'Start it.' }) },
    'unreachable No Docker. Start it.',
  ],
])('%j becomes an error: %s', (end, expected) => {
  const { code, text } = endError(running, end);
  expect(`${code} ${text}`).toContain(expected);
});
