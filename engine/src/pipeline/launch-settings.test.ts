import { describe, expect, it } from 'vitest';
import { takeDottedFlags } from './dotted-flags.ts';
import { findLocalhost, readLaunchSettings } from './launch-settings.ts';

function read(argv: string, launcher?: string): unknown {
  const { flags } = takeDottedFlags(argv.split(' '));
  const file = { launcher: 'process', docker: { memory: '1g', network: 'n' } } as const;
  const { rest, ...settings } = readLaunchSettings(launcher, flags, file);
  return { ...settings, rest: rest.map(({ flag }) => flag) };
}

describe('how connectors are run', () => {
  it('is what the flags say, over what the file says', () => {
    expect(read('--docker.memory 2g --docker.cpus 1.5 --stripe.docker x', 'docker')).toEqual({
      launcher: 'docker',
      docker: { memory: '2g', cpus: 1.5, network: 'n' },
      rest: ['--stripe.docker'],
    });
    expect(read('')).toEqual({ launcher: 'process', docker: { memory: '1g', network: 'n' }, rest: [] });
  });

  it.each([
    ['--docker.memory much', /--docker\.memory: expected a size/],
    ['--docker.cpus many', /--docker\.cpus: expected a number of CPUs/],
    ['--docker.cpus -1', /--docker\.cpus: expected a number of CPUs/],
    ['--docker.pull sometimes', /--docker\.pull: expected missing, always or never/],
    ['--docker.memroy 1g', /--docker: .*memroy.*memory/],
    ['--docker.memory', /--docker\.memory: expected one of --docker\.network, --docker\.memory/],
  ])('is refused for %s', (argv, expected) => {
    expect(() => read(argv)).toThrow(expected);
  });

  it('is refused for a launcher that does not exist', () => {
    expect(() => read('', 'podman')).toThrow('--launcher: expected process or docker.');
  });
});

describe('a config that leads to localhost', () => {
  it.each([
    [{ url: 'postgres://u:p@localhost:5432/db' }, 'url'],
    [{ url: 'http://127.0.0.1:12111' }, 'url'],
    [{ nested: { list: ['http://[::1]/'] } }, 'nested.list.0'],
    [{ host: 'localhost' }, 'host'],
    [{ url: 'http://localhost.example/', other: 'my-localhost', port: 1270011 }, undefined],
    [{ url: 'http://host.docker.internal:1' }, undefined],
  ])('%j: %s', (config, path) => {
    expect(findLocalhost(config)).toBe(path);
  });
});
