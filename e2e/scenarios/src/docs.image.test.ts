import { afterAll, beforeAll, expect, test } from 'vitest';
import { composeCommand } from './harness/compose.ts';
import { removeNetwork } from './harness/containers.ts';
import { makeSandbox, type PageBlock, runBlocks, type Sandbox, shellBlocks } from './harness/docs-blocks.ts';
import { dockerLines, runShell } from './harness/shell.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await makeSandbox();
});

/** The page names it, so that its reader can. */
const NETWORK = 'penstock';
const COMPOSE = 'label=com.docker.compose.project=penstock';

afterAll(async () => {
  // Only after a failure they are still there.
  await removeNetwork(NETWORK).catch(() => '');
  if ((await dockerLines('ps', '--all', '--quiet', '--filter', COMPOSE)).length > 0) {
    await runShell(composeCommand('penstock', ['docker/compose.yml'], 'down --volumes'), sandbox.path);
  }
  await sandbox?.remove();
});

/** The README's, but for the first line of them: making the images anew would pull them away from under other tests. */
async function readmeBlock(): Promise<PageBlock> {
  const blocks = (await shellBlocks('README.md')).filter(({ heading }) => heading === 'With Docker');
  expect(blocks).toHaveLength(1);
  const [build, ...rest] = blocks[0]!.text.split('\n');
  expect(build).toBe('make images');
  return { ...blocks[0]!, text: rest.join('\n') };
}

test('every command of the README for Docker works, once the images are made', async () => {
  const { code, output } = await runBlocks([await readmeBlock()], sandbox.path, {});
  expect(code, output).toBe(0);
  expect(output).toContain('stripe-to-postgres: complete');
  expect(await dockerLines('ps', '--all', '--quiet', '--filter', COMPOSE)).toEqual([]);
  expect(await dockerLines('volume', 'ls', '--quiet', '--filter', COMPOSE)).toEqual([]);
});

test('every command of the guide to Docker works, and its last ones leave nothing', async () => {
  const readme = await readmeBlock();
  const all = await shellBlocks('docs/guide/docker.md');
  // What both pages say has been run.
  const blocks = all.filter(({ text }) => text !== readme.text);
  expect(all.length - blocks.length).toBe(1);
  expect(blocks.length).toBeGreaterThan(8);
  const { code, output } = await runBlocks(blocks, sandbox.path, {});
  expect(code, output).toBe(0);
  // The pipe has filled the tables by then: in one container and in two, all of it is there.
  expect(output.match(/stripe-in-docker: complete\n.* unchanged/g)).toHaveLength(2);
  expect(output).toMatch(/stripe-in-docker: complete\n.* 4,9\d\d unchanged/);
  expect(output).toContain('"status":"succeeded"');
  expect(await dockerLines('ps', '--all', '--quiet', '--filter', `network=${NETWORK}`)).toEqual([]);
  expect(await dockerLines('network', 'ls', '--quiet', '--filter', `name=^${NETWORK}$`)).toEqual([]);
});
