import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '@penstock/protocol';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askConnector, endError } from './ask-connector.ts';
import { engineLabels, identifyEngine, SIDE_LABEL } from './docker/engine-identity.ts';
import { sweep } from './docker/sweep.ts';
import { DockerHost, dockerConnector } from './docker.ts';
import type { Connector, RunningConnector } from './launcher.ts';
import { CuttableWay } from './testing/cuttable-way.ts';
import { ScriptImage } from './testing/script-image.ts';

const docker = new Docker();
const FOREVER = `console.log('here'); process.stdin.on('end', () => process.exit(10)).resume(); forever();`;
let image: ScriptImage;
let folder: string;
beforeAll(async () => {
  image = await ScriptImage.build('faults');
  folder = await mkdtemp(join(tmpdir(), 'penstock-docker-'));
});
afterAll(async () => {
  await image.remove();
  await rm(folder, { recursive: true });
});

/** Launches it, and waits for its first word. */
async function launched(connector: Connector, config: unknown = {}): Promise<RunningConnector> {
  const running = await connector.launch({ command: 'read', config });
  const end = running.ended.then((how) => {
    throw endError(running, how);
  });
  end.catch(() => undefined);
  await Promise.race([once(running.stdout, 'data'), end]);
  return running;
}

async function failure(connector: Connector): Promise<string> {
  try {
    await askConnector(connector, { command: 'check', config: {} }, 'connection_status');
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    return `${(error as CodedError).code}: ${(error as CodedError).text}`;
  }
}

async function whenGone(): Promise<void> {
  while ((await image.containers()).length > 0) await sleep(50);
}

describe('a container', () => {
  it('shows no secret to who may use Docker, is as confined as it can be, and leaves nothing behind', async () => {
    const running = await launched(image.connector(FOREVER), { api_key: 'sk_live_hunter2' });
    const [id] = await image.containers();
    const seen = await docker.getContainer(id!).inspect();
    expect(JSON.stringify(seen)).not.toContain('hunter2');
    expect(JSON.stringify(await docker.getContainer(id!).top())).not.toContain('hunter2');
    const { HostConfig, Mounts } = seen;
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], AutoRemove: true });
    expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges']);
    expect(HostConfig.LogConfig?.Type).toBe('none');
    const volume = Mounts.find(({ Destination }) => Destination === '/run/penstock')?.Name;
    expect(volume).toMatch(/^[0-9a-f]{64}$/);
    running.stdin.end();
    expect(await running.ended).toEqual({ kind: 'exited', code: 10 });
    expect(await image.containers()).toEqual([]);
    await expect(docker.getVolume(volume!).inspect()).rejects.toThrow(/no such volume/i);
  });

  it.each(['0:0', 'app', '1234:5'])('reads its files as the user %s, and nobody else can', async (user) => {
    const named = await ScriptImage.build('user', { user });
    try {
      const code = `
        const { statSync } = await import('node:fs');
        const { uid, mode } = statSync(process.argv[process.argv.indexOf('--config') + 1]);
        console.log(JSON.stringify({ own: uid === process.getuid(), mode: (mode & 0o777).toString(8) }));
      `;
      const running = await named.connector(code).launch({ command: 'spec' });
      expect(JSON.parse(await text(running.stdout))).toEqual({ own: true, mode: '400' });
      await running.ended;
    } finally {
      await named.remove();
    }
  });

  it('that needs more memory than it may have is said to have run out of it', async () => {
    const code = `const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));`;
    const running = await image.connector(code, { memory: '64m' }).launch({ command: 'read' });
    running.stdout.resume();
    const end = await running.ended;
    expect(end).toEqual({ kind: 'out_of_memory', limitBytes: 64 * 1024 * 1024 });
    expect(endError(running, end).text).toBe(
      'source/script was killed: out of memory (limit 64 MiB). Give it more with docker.memory, then run again.',
    );
  });

  it('that somebody else kills, was killed', async () => {
    const running = await launched(image.connector(FOREVER));
    const [id] = await image.containers();
    await docker.getContainer(id!).kill();
    expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  it('that is asked to stop before its program listens ends by that, and not by its grace', async () => {
    const code = `
      for (const until = Date.now() + 800; Date.now() < until; );
      process.on('SIGTERM', () => process.exit(10));
      forever();
    `;
    const running = await image.connector(code).launch({ command: 'read' });
    running.stdout.resume();
    const filters = { ancestor: [image.name] };
    await expect.poll(() => docker.listContainers({ filters })).toHaveLength(1);
    running.stop(60_000);
    expect(await running.ended).toEqual({ kind: 'exited', code: 10 });
  });

  it('runs within the limits that the pipeline sets', async () => {
    const running = await launched(image.connector(FOREVER, { cpus: 0.5, memory: '256m', network: 'none' }));
    const [id] = await image.containers();
    expect((await docker.getContainer(id!).inspect()).HostConfig).toMatchObject({
      NanoCpus: 5e8,
      Memory: 256 * 1024 ** 2,
      MemorySwap: 256 * 1024 ** 2,
      NetworkMode: 'none',
    });
    running.kill();
    await running.ended;
  });
});

describe('what keeps a container from starting is said with its remedy:', () => {
  const missing = 'penstock-no-such-image';
  const of = (name: string, settings = {}): Connector => dockerConnector({ name: 'source/x', image: name, settings });

  it('an image that is not there and may not be pulled', async () => {
    expect(await failure(of(missing, { pull: 'never' }))).toMatch(
      /^connector_not_found: There is no image penstock-no-such-image here.* Build or pull it\.$/,
    );
  });

  it('an image that can not be pulled', async () => {
    // No registry listens there, so that this needs no network.
    expect(await failure(of(`127.0.0.1:1/${missing}`))).toMatch(
      /^connector_not_found: There is no image .* here and it could not be pulled: .*connection refused/,
    );
  });

  it('a network that does not exist', async () => {
    expect(await failure(image.connector('', { network: missing }))).toMatch(
      /^config_invalid: .*no network "penstock-no-such-image".*docker network ls/,
    );
  });

  it('an image without an entrypoint, or with one that is no program', async () => {
    for (const [entrypoint, expected] of [
      [[], /has no entrypoint/],
      [['/no/such/program'], /the program of its image can't be started/],
    ] as const) {
      const bad = await ScriptImage.build('bad', { entrypoint });
      expect(await failure(of(bad.name))).toMatch(expected);
      expect(await bad.containers()).toEqual([]);
      await bad.remove();
    }
  });

  it('an Engine that is not there', async () => {
    const host = new DockerHost({ socketPath: join(folder, 'nobody') });
    expect(await failure(dockerConnector({ name: 'source/x', image: 'x', host }))).toMatch(
      /^unreachable: Docker can't be reached at .*nobody: .*ENOENT.* Start it, or set DOCKER_HOST; an engine in a container needs the socket/,
    );
  });
});

describe('when the way to the Engine breaks', () => {
  it('the connector is lost, which is said; and its container is removed when there is a way again', async () => {
    const way = new CuttableWay(join(folder, 'way'));
    const running = await launched(image.connector(FOREVER, {}, new DockerHost({ socketPath: way.path })));
    running.stdout.resume();
    way.cut();
    const end = await running.ended;
    expect(end.kind).toBe('lost');
    expect(endError(running, end).text).toMatch(
      /^source\/script was lost \(Docker at .*way: .+\)\. Check that Docker is running, then run again to go on\.$/,
    );
    await whenGone();
    way.close();
  });

  it('the connector is lost though there is no way again', async () => {
    const way = new CuttableWay(join(folder, 'way-2'));
    const running = await launched(image.connector(FOREVER, {}, new DockerHost({ socketPath: way.path })));
    running.stdout.resume();
    way.close();
    expect((await running.ended).kind).toBe('lost');
    // By its lifeline: its stdin has ended.
    await whenGone();
  });
});

describe('when the engine is killed', () => {
  function engine(connector: 'source' | 'destination'): ChildProcess {
    const command = connector === 'source' ? 'read' : 'write';
    const program = `
      import { dockerConnector } from ${JSON.stringify(join(import.meta.dirname, 'docker.ts'))};
      const connector = dockerConnector({ name: '${connector}/script', image: ${JSON.stringify(image.name)} });
      const script = ${JSON.stringify(`const forever = () => setInterval(() => {}, 1000); ${FOREVER}`)};
      const running = await connector.launch({ command: '${command}', config: { script } });
      running.stdout.pipe(process.stdout);
    `;
    return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  it.each(['source', 'destination'] as const)('its %s ends by itself, and is removed', async (side) => {
    const child = engine(side);
    await once(child.stdout!, 'data');
    expect(await image.containers()).toHaveLength(1);
    child.kill('SIGKILL');
    await whenGone();
  });
});

describe('the sweep', () => {
  async function leftover(labels: Record<string, string>): Promise<Docker.Container> {
    return docker.createContainer({
      Image: image.name,
      Cmd: ['read'],
      Volumes: { '/run/penstock': {} },
      Labels: { ...labels, [SIDE_LABEL]: 'source/script' },
    });
  }

  it('removes what engines that are gone have left, with its volume, and nothing else', async () => {
    const { pid, start } = await identifyEngine(docker);
    // Engines at work beside this test sweep too, and are to know nothing of these.
    const own = { pid, start, space: `${randomUUID()}/1` };
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    const gone = await leftover(engineLabels({ ...own, pid: child.pid! }));
    const reused = await leftover(engineLabels({ ...own, start: '1' }));
    const alive = await leftover(engineLabels(own));
    const elsewhere = await leftover(engineLabels({ ...own, space: 'another/1' }));
    const foreign = await leftover({});
    const volume = (await gone.inspect()).Mounts[0]!.Name!;
    await sweep(docker, own);
    expect((await image.containers()).sort()).toEqual([alive.id, elsewhere.id, foreign.id].sort());
    expect(await image.containers()).not.toContain(reused.id);
    await expect(docker.getVolume(volume).inspect()).rejects.toThrow(/no such volume/i);
    for (const container of [alive, elsewhere, foreign]) await container.remove({ v: true });
  });
});
