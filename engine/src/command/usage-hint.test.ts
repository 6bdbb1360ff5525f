import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { type CliProcess, runCli } from '../cli.ts';

/** What the command says that is given such words, and its exit code. */
async function said(...argv: string[]): Promise<[string, number]> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const self = { env: {}, stdin: new PassThrough(), stdout, stderr } as unknown as CliProcess;
  const code = await runCli(argv, self);
  stderr.end();
  return [await text(stderr), code];
}

it.each([
  [['sync', '--streams', 'a', 'b', 'c'], 'Unknown arguments: b, c. Separate streams by commas: --streams a,b,c.'],
  [['sync', '--streams', 'a', 'b', '--plain'], 'Unknown argument: b. Separate streams by commas: --streams a,b.'],
  [['check', 'shop.yaml'], 'Unknown argument: shop.yaml. Name a pipeline file with --config shop.yaml.'],
  [
    ['sync', '--streams', 'a', 'shop.json'],
    'Unknown argument: shop.json. Name a pipeline file with --config shop.json.',
  ],
  [['sync', '--plian'], 'Unknown argument: plian. Did you mean --plain?'],
  [['sync', '--recrd-limit', '3'], 'Unknown argument: recrd-limit. Did you mean --record-limit?'],
  [['sync', '--recrd-limit=3', '--jsno'], 'Unknown arguments: recrd-limit, jsno. Did you mean --record-limit, --json?'],
  [['sync', '--recordLimits', '3'], 'Unknown argument: recordLimits. Did you mean --record-limit?'],
  [['state', 'reset', '--strem', 'a'], 'Unknown argument: strem. Did you mean --stream?'],
  [['teardown', '--record-limit', '3'], 'Unknown argument: record-limit.'],
  [['sync', '--streams', 'a', '--plain', 'b'], 'Unknown argument: b.'],
  [['sync', '--streams=a', 'b'], 'Unknown argument: b.'],
])('%j is a mistake, and the answer says what helps', async (argv, answer) => {
  const [stderr, code] = await said(...argv);
  expect(stderr).toContain(answer);
  expect(stderr.replace(answer, '')).not.toMatch(/commas|--config|Did you mean/);
  expect(code).toBe(2);
});
