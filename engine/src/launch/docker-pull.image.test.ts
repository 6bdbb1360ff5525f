import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DockerSettings } from '../pipeline/pipeline-schema.ts';
import { endError } from './ask-connector.ts';
import { dockerConnector } from './docker.ts';
import { TinyRegistry } from './testing/tiny-registry.ts';

let registry: TinyRegistry;
let image: string;
beforeEach(async () => {
  registry = await TinyRegistry.start();
  image = registry.image('source-tiny');
});
afterEach(async () => {
  registry.stop();
  await new Docker()
    .getImage(image)
    .remove({ force: true })
    .catch(() => undefined);
});

async function prepare(pull?: DockerSettings['pull'], signal?: AbortSignal): Promise<string[]> {
  const notes: string[] = [];
  const connector = dockerConnector({ name: 'source/tiny', image, settings: pull === undefined ? {} : { pull } });
  await connector.prepare?.({ onNote: (text) => notes.push(text), signal });
  return notes;
}

it('an image that is not there is pulled, which is said, and then it is there', async () => {
  await expect(prepare('never')).rejects.toThrow(/none is pulled/);
  expect(await prepare()).toEqual([`Pulling the image ${image} for source/tiny.`]);
  const { pulls } = registry;
  expect(pulls).toBeGreaterThan(0);
  expect([await prepare(), await prepare('missing'), await prepare('never')]).toEqual([[], [], []]);
  expect(registry.pulls).toBe(pulls);
  expect(await prepare('always')).toHaveLength(1);
  expect(registry.pulls).toBeGreaterThan(pulls);
});

it('a pull can be given up', async () => {
  registry.isSilent = true;
  const abort = new AbortController();
  const preparing = prepare('missing', abort.signal);
  await sleep(200);
  abort.abort();
  await expect(preparing).rejects.toMatchObject({ code: 'stopped' });
});

it('a program that this machine can not run is no connector', async () => {
  const connector = dockerConnector({ name: 'source/tiny', image });
  const running = await connector.launch({ command: 'spec' });
  running.stdout.resume();
  const end = await running.ended;
  expect(endError(running, end).text).toMatch(
    /^source\/tiny: the program of the image .*source-tiny \(linux\/\w+\) can't be run by this machine.* Build or pull/,
  );
});
