import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { filesOf } from './config-archive.ts';
import { type ContainerPlan, containerName, containerOptions, memoryBytes } from './container-options.ts';

const request = {
  command: 'read',
  config: { api_key: 'hunter2', pattern: `$\{NAME}` },
  catalog: { streams: ['hunter2'] },
  secrets: ['hunter2'],
} as const;

function plan(network?: string): ContainerPlan {
  return {
    name: 'source/x',
    image: 'x',
    platform: 'linux/amd64',
    request,
    settings: {},
    network,
    labels: { a: 'b' },
  };
}

describe('how a container is made', () => {
  it('holds no value of the request', () => {
    expect(JSON.stringify(containerOptions(plan()))).not.toContain('hunter2');
  });

  it('names the files that there are, and gives a source its lifeline', () => {
    expect(containerOptions(plan()).Cmd).toEqual([
      ...['read', '--config', '/run/penstock/config.json', '--catalog', '/run/penstock/catalog.json'],
      '--stop-on-stdin-end',
    ]);
    const spec = { ...plan(), request: { command: 'spec' } } as const;
    expect(containerOptions(spec).Cmd).toEqual(['spec']);
  });

  it('gives no name for the host in the network of another container, which takes none', () => {
    expect(containerOptions(plan('container:x')).HostConfig?.ExtraHosts).toBeUndefined();
    expect(containerOptions(plan()).HostConfig?.ExtraHosts).toHaveLength(1);
  });

  it.each([
    ['64', 64],
    ['64b', 64],
    ['1k', 1024],
    ['1.5K', 1536],
    ['512m', 512 * 1024 ** 2],
    ['2G', 2 * 1024 ** 3],
  ])('takes a memory limit of %s for %d bytes', (text, bytes) => {
    expect(memoryBytes(text)).toBe(bytes);
  });

  it('has a name that Docker takes and that is never twice the same', () => {
    const name = containerName('source/my source:x', 'read');
    expect(name).toMatch(/^penstock-source-my-source-x-read-[0-9a-f]{8}$/);
    expect(containerName('source/my source:x', 'read')).not.toBe(name);
  });
});

describe('the archive of a request', () => {
  it('has a file for each value, which only its owner can read', async () => {
    const entries = extract();
    entries.end(await filesOf(request, { uid: 1000, gid: 0, mode: 0o400 }));
    const found: Record<string, unknown> = {};
    for await (const entry of entries) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      expect(entry.header).toMatchObject({ uid: 1000, gid: 0, mode: 0o400 });
      found[entry.header.name] = JSON.parse(Buffer.concat(chunks).toString());
    }
    // What looks like a reference in a config would be resolved by the connector, once more.
    expect(found).toEqual({
      'config.json': { api_key: 'hunter2', pattern: `$$\{NAME}` },
      'catalog.json': request.catalog,
    });
  });

  it('is not there when nothing is handed over', async () => {
    expect(await filesOf({ command: 'spec' }, { uid: 0, gid: 0, mode: 0o400 })).toBeUndefined();
  });
});
