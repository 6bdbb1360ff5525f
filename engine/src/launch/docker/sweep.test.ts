import { describe, expect, it } from 'vitest';
import { defaultNetwork, type EngineIdentity, engineLabels, engineOf, ownContainerId } from './engine-identity.ts';
import { type EngineFate, fateOf, isLeftover } from './sweep.ts';

const own: EngineIdentity = { space: 'boot-1/4026531836', pid: 1, start: '500' };
const inContainer = (startedAt: string): EngineIdentity => ({
  ...own,
  space: 'boot-1/7',
  container: { id: 'c', startedAt, network: 'net' },
});

/** Processes 1 (began at 500) and 2 (at 900) are alive, and the container `c`, which began at noon. */
const witness = {
  containerStart: async (id: string) => (id === 'c' ? 'noon' : undefined),
  processStart: async (pid: number) => ({ 1: '500', 2: '900' })[pid],
};

describe('the engine of a container', () => {
  const fates: [string, EngineIdentity | undefined, EngineFate][] = [
    ['this one', own, 'alive'],
    ['another process of this machine that lives', { ...own, pid: 2, start: '900' }, 'alive'],
    ['a process that is gone', { ...own, pid: 3 }, 'gone'],
    ['a process whose id another one has now', { ...own, pid: 2, start: '500' }, 'gone'],
    ['a process on a machine that does not tell starts', { ...own, pid: 2, start: '' }, 'alive'],
    ['a process of another machine, or before the last start of this one', { ...own, space: 'boot-2/1' }, 'unknown'],
    ['in a container that runs', inContainer('noon'), 'alive'],
    ['in a container that has been restarted since', inContainer('morning'), 'gone'],
    [
      'in a container that is gone',
      { ...inContainer('noon'), container: { id: 'd', startedAt: 'noon', network: undefined } },
      'gone',
    ],
    ['in this container, a process that is gone', { ...inContainer('noon'), space: own.space, pid: 3 }, 'gone'],
    ['nobody', undefined, 'unknown'],
  ];
  it.each(fates)('%s: %o is %s', async (_what, engine, fate) => {
    expect(await fateOf(engine, own, witness)).toBe(fate);
  });

  it('is named by its labels', () => {
    for (const engine of [own, inContainer('2026-01-01T00:00:00.5Z')]) {
      const { container, ...rest } = engine;
      const found = container === undefined ? rest : { ...rest, container: { ...container, network: undefined } };
      expect(engineOf(engineLabels(engine))).toEqual(found);
    }
    expect(engineOf({})).toBeUndefined();
    expect(engineOf({ 'penstock.engine': 'rubbish' })).toBeUndefined();
  });
});

describe('a container', () => {
  const HOUR = 3_600;
  it.each([
    ['running', 'gone', 0, true],
    ['created', 'gone', 0, true],
    ['running', 'alive', 9 * HOUR, false],
    ['created', 'alive', 9 * HOUR, false],
    ['running', 'unknown', 9 * HOUR, false],
    ['created', 'unknown', 60, false],
    ['created', 'unknown', 2 * HOUR, true],
    ['exited', 'unknown', 2 * HOUR, true],
  ] as const)('that is %s, its engine %s, %d seconds old: to be removed is %s', (state, fate, age, removed) => {
    expect(isLeftover(state, fate, age)).toBe(removed);
  });
});

describe('the container of this engine', () => {
  const id = 'ab'.repeat(32);
  it('is known by what Docker mounts into it', () => {
    const mount = `571 560 254:0 /var/lib/docker/containers/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw`;
    expect(ownContainerId(`1 2 0:1 / / rw - overlay overlay rw\n${mount}\n`)).toBe(id);
    expect(ownContainerId('1 2 0:1 / / rw - ext4 /dev/vda rw\n')).toBeUndefined();
  });

  it('gives its network to the connectors, where it has one that can be shared', () => {
    const of = (network: string | undefined): string | undefined =>
      defaultNetwork({ ...own, container: { id, startedAt: '', network } });
    expect(of('compose_default')).toBe('compose_default');
    expect(of('host')).toBe('host');
    expect([of('default'), of('none'), of(undefined), defaultNetwork(own)]).toEqual(Array(4).fill(undefined));
  });
});
