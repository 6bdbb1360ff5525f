import { describe, expect, it } from 'vitest';
import { resources } from './endpoint-table.ts';
import { isUpdatable } from './slot-rules.ts';
import { startSimulator } from './testing/start-simulator.ts';
import { textOf } from './text-writer.ts';

describe('objects', () => {
  it('show an update wherever one is allowed, and all that Stripe sends update events about can have one', async () => {
    const sim = await startSimulator(
      '--objects',
      '3000',
      '--count',
      '/v1/climate/products=3',
      '--count',
      '/v1/three_d_secure/authentications=3',
    );
    let updated = 0;
    for (const stream of sim.simulator.store.streams.values()) {
      const rank = stream.someRank(1);
      if (rank === undefined) continue;
      const example = resources[stream.object]?.example ?? {};
      if (resources[stream.object]?.events?.updated) expect(isUpdatable(example), stream.path).toBe(true);
      if (!isUpdatable(example)) continue;
      const before = textOf((out) => stream.write(rank, out));
      sim.simulator.clock.advance(1);
      sim.simulator.update(stream, rank);
      expect(
        textOf((out) => stream.write(rank, out)),
        stream.path,
      ).not.toBe(before);
      expect(Object.keys(JSON.parse(textOf((out) => stream.write(rank, out))))).toEqual(
        Object.keys(JSON.parse(before)),
      );
      updated++;
    }
    expect(updated).toBeGreaterThan(40);
    await sim.close();
  });

  it('have unique ids in all lists together', async () => {
    const sim = await startSimulator('--objects', '20000');
    const seen = new Set<string>();
    let count = 0;
    for (const stream of sim.simulator.store.streams.values()) {
      for (let rank = 0; rank < stream.size(); rank++) {
        seen.add(`${stream.object} ${stream.idAt(rank)}`);
        count++;
      }
    }
    expect(seen.size).toBe(count);
    await sim.close();
  });

  it('have names in several scripts, metadata for most, and about the size of real ones', async () => {
    const sim = await startSimulator('--count', '/v1/customers=500');
    const texts = (await (await fetch(`${sim.url}/_admin/truth?path=/v1/customers`)).text()).trimEnd().split('\n');
    const bytes = texts.reduce((sum, t) => sum + Buffer.byteLength(t), 0) / texts.length;
    expect(bytes).toBeGreaterThan(900);
    expect(bytes).toBeLessThan(2000);
    const customers = texts.map((t) => JSON.parse(t));
    for (const script of [/\p{Script=Han}/u, /\p{Script=Cyrillic}/u, /\p{Script=Arabic}/u, /[\u{10000}-\u{10ffff}]/u]) {
      expect(customers.some((c) => script.test(c.name))).toBe(true);
    }
    expect(customers.filter((c) => Object.keys(c.metadata).length > 0).length).toBeGreaterThan(350);
    await sim.close();
  });
});
