import { afterEach, describe, expect, it } from 'vitest';
import type { RunningConnector } from '../launch/launcher.ts';
import { scriptConnector } from '../launch/testing/script-connector.ts';
import { Relay } from './relay.ts';

const running: RunningConnector[] = [];
afterEach(() => {
  for (const connector of running.splice(0)) connector.kill();
});

const sink = 'for await (const _ of process.stdin);';
const flood = `for (;;) await write((JSON.stringify(record('a', 'x'.repeat(1000))) + '\\n').repeat(60));`;
const some = `for (let i = 0; i < 100; i++) await write(JSON.stringify(record('a', i)) + '\\n');`;
const long = `process.stdout.on('error', () => process.exit(1)); for (let i = 0; i < 33; i++) await write('x'.repeat(1024 * 1024)); forever();`;
const noise = `process.stderr.on('error', () => {}); for (let i = 0; i < 200; i++) { if (!process.stderr.write('e'.repeat(65536))) await once(process.stderr, 'drain'); }`;
// By the system: `destroy` leaves the standard streams open.
const closesInput = `(await import('node:fs')).closeSync(0);`;
const deaf = `process.on('SIGTERM', () => {});`;

const quiet = undefined;
const cases: readonly [what: string, source: string, destination: string, error: RegExp | undefined, ends: object][] = [
  ['a source that ends at once', '', sink, quiet, { sourceEnd: { kind: 'exited', code: 0 } }],
  ['a source that fails', `${some} process.exit(3);`, sink, quiet, { sourceEnd: { kind: 'exited', code: 3 } }],
  [
    'a source that kills itself',
    `process.kill(process.pid, 'SIGSEGV'); forever();`,
    sink,
    quiet,
    { sourceEnd: { kind: 'killed', signal: 'SIGSEGV' } },
  ],
  ['a source that writes 33 MB without a newline', long, sink, /^line_too_long: /, {}],
  ['a source that floods its stderr', `${noise} ${some}`, sink, quiet, { sourceEnd: { kind: 'exited', code: 0 } }],
  [
    'a source that closes its output, lives and ignores SIGTERM',
    `${deaf} process.stdout.end(); forever();`,
    sink,
    /^timed_out: source\/test closed its output/,
    { sourceEnd: { kind: 'killed', signal: 'SIGKILL' } },
  ],
  [
    'a destination that ends at once',
    flood,
    'process.exit(0);',
    /^protocol_violated: destination\/test ended before/,
    {},
  ],
  [
    'a destination that kills itself',
    flood,
    `process.stdin.once('data', () => process.kill(process.pid, 'SIGKILL'));`,
    /^connector_failed: destination\/test was killed by SIGKILL/,
    {},
  ],
  ['a destination that closes its input and lives', flood, `${closesInput}; forever();`, /destination\/test/, {}],
  [
    'a destination that closes its input, lives and ignores SIGTERM',
    flood,
    `${deaf} ${closesInput}; forever();`,
    /destination\/test/,
    { destinationEnd: { kind: 'killed', signal: 'SIGKILL' } },
  ],
  [
    'a destination that closes its output and goes on',
    some,
    `process.stdout.end(); ${sink}`,
    quiet,
    { destinationEnd: { kind: 'exited', code: 0 } },
  ],
  ['a destination that writes 33 MB without a newline', flood, long, /^line_too_long: /, {}],
  [
    'a destination that writes half a line and fails',
    some,
    `${sink} process.stdout.write('{"type":', () => process.exit(3));`,
    quiet,
    { destinationEnd: { kind: 'exited', code: 3 } },
  ],
  [
    'a destination that floods its stderr',
    some,
    `${noise} ${sink}`,
    quiet,
    { destinationEnd: { kind: 'exited', code: 0 } },
  ],
];

describe('the relay comes to its end with', () => {
  it.each(cases)('%s', async (_what, sourceCode, destinationCode, error, ends) => {
    const destination = await scriptConnector('destination/test', destinationCode).launch({ command: 'write' });
    const source = await scriptConnector('source/test', sourceCode).launch({ command: 'read' });
    running.push(source, destination);
    const relay = new Relay({
      source,
      destination,
      streams: new Set(['a']),
      onSourceMessage() {},
      onDestinationMessage() {},
      onLog() {},
      onUnknownStream() {},
      stopTimeoutMs: 500,
      finishTimeoutMs: 5_000,
    });
    const end = await relay.done;
    if (error === undefined) expect(end.error).toBeUndefined();
    else expect(`${end.error?.code}: ${end.error?.message}`).toMatch(error);
    expect(end).toMatchObject(ends);
    expect(source.stderrTail().length).toBeLessThanOrEqual(64 * 1024);
  });
});
