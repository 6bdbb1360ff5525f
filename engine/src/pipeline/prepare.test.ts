// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDottedFlags } from './dotted-flags.ts';
import { locateState } from './locate-state.ts';
import { loadPipeline, type PreparedSide } from './prepare.ts';
import { resolveConnector } from './resolve-connector.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-prepare-test-'));
  await writeFile(
    join(folder, 'mine.yaml'),
    'source: {type: stripe, stripe: {rate_limit: 5}}\ndestination: {type: postgres}\nstreams: [{name: a, backfill_limit: 3}, {name: b}]\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function load(argv: string[], more: Partial<Parameters<typeof loadPipeline>[0]> = {}) {
  return loadPipeline({ flags: takeDottedFlags(argv).flags, environment: { STATE_URL: 'postgres://h/d' }, ...more });
}

describe('the pipeline of a command line', () => {
  it('is the file, called like it, with flags put over it', async () => {
    const config = join(folder, 'mine.yaml');
    expect(await load([], { config })).toMatchObject({ name: 'mine', source: { type: 'stripe' }, connectorFlags: [] });
    const changed = await load(['--stripe.rate-limit', '9'], {
      config,
      name: 'other',
      streams: ['a', 'c'],
      state: 'f.json',
    });
    expect(changed).toMatchObject({
      name: 'other',
      streams: [{ name: 'a', backfill_limit: 3 }, { name: 'c' }],
      state: { file: 'f.json' },
      connectorFlags: [{ path: ['stripe', 'rate_limit'] }],
    });
    expect((await load([], { config, streams: ['*', 'b', 'c'] })).streams).toEqual([
      { name: '*' },
      { name: 'b' },
      { name: 'c' },
      { name: 'a', backfill_limit: 3, namesNothing: true },
    ]);
    expect((await load([], { config, source: 'stripe' })).source).toMatchObject({ config: { rate_limit: 5 } });
    expect((await load([], { config, source: 'other' })).source).toEqual({ kind: 'type', type: 'other', config: {} });
  });

  it('needs no file', async () => {
    expect(await load([], { source: 'stripe' })).toMatchObject({ name: 'stripe-to-local', destination: undefined });
    expect(await load([], { source: 'stripe', destination: 'postgres' })).toMatchObject({ name: 'stripe-to-postgres' });
    const argv = ['--source.command', '["node", "a b.mjs"]', '--state.postgres.url', '${STATE_URL}'];
    expect(await load(argv)).toMatchObject({
      source: { kind: 'command', command: ['node', 'a b.mjs'] },
      state: { postgres: { url: 'postgres://h/d' } },
    });
  });

  it.each([
    [[], /There is no source/],
    [['--source.command', 'node x'], /expected a JSON array/],
    [['--source.command', '[]'], /--source.command: expected a program/],
    [['--source.type', 'stripe', '--state.postgres.url', 'postgres://u:secret@h/d'], /may hold a password/],
    [['--source.type', 'stripe', '--state.fiel', 'x'], /expected --state.file PATH/],
  ])('refuses %j', async (argv, expected) => {
    await expect(load(argv)).rejects.toThrow(expected);
  });

  it('keeps its state in the database of a Postgres destination, or where it says, and nowhere else', async () => {
    const pipeline = await load([], { source: 'stripe', destination: 'postgres' });
    const destination = (config: Record<string, unknown>): PreparedSide =>
      ({ choice: pipeline.destination, config }) as unknown as PreparedSide;
    expect(await locateState(pipeline, destination({ url: 'postgres://h/d' }))).toEqual({
      postgres: { url: 'postgres://h/d' },
    });
    await writeFile(join(folder, 'url'), 'postgres://h/e\n');
    expect(await locateState(pipeline, destination({ url_file: join(folder, 'url') }))).toEqual({
      postgres: { url: 'postgres://h/e' },
    });
    await writeFile(join(folder, 'ca.pem'), 'a certificate\n');
    const files = { url_file: join(folder, 'url'), ssl_ca_pem_file: join(folder, 'ca.pem') };
    const expected = { postgres: { url: 'postgres://h/e', ssl_ca_pem: 'a certificate' } };
    expect(await locateState(pipeline, destination(files))).toEqual(expected);
    expect(await locateState({ ...pipeline, state: { postgres: files } }, undefined)).toEqual(expected);
    const other = await load([], { source: 'stripe', destination: 'other' });
    await expect(
      locateState(other, { choice: other.destination, config: {} } as unknown as PreparedSide),
    ).rejects.toThrow(/does not say where its state/);
  });
});

describe('the program of a connector', () => {
  it('is an installed package, else a program on PATH', async () => {
    const root = join(folder, 'node_modules', '@penstock', 'source-one');
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'package.json'), JSON.stringify({ bin: { 'source-one': 'main.mjs' } }));
    await writeFile(
      join(root, 'main.mjs'),
      `console.log(JSON.stringify({ type: 'log', log: { level: 'info', message: 'one' } }))`,
    );
    await mkdir(join(folder, 'bin'), { recursive: true });
    await mkdir(join(folder, 'deep', 'er'), { recursive: true });
    const places = { folders: [join(folder, 'deep', 'er')], environment: { PATH: `/nowhere:${join(folder, 'bin')}` } };
    const programs = { launcher: 'process', docker: {} } as const;
    const one = await resolveConnector('source', { kind: 'type', type: 'one', config: {} }, places, programs);
    const running = await one.launch({ command: 'spec' });
    running.stdout.resume();
    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });

    const two = { kind: 'type', type: 'two', config: {} } as const;
    await writeFile(join(folder, 'bin', 'source-two'), '#!/bin/sh\nexit 5\n');
    await expect(resolveConnector('source', two, places, programs)).rejects.toThrow(/no source of the type "two"/);
    await chmod(join(folder, 'bin', 'source-two'), 0o755);
    const found = await (await resolveConnector('source', two, places, programs)).launch({ command: 'spec' });
    found.stdout.resume();
    expect(await found.ended).toEqual({ kind: 'exited', code: 5 });
  });
});
