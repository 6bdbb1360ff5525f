import { expect, it } from 'vitest';
import { leftOut, partOf } from '../endpoint-rules.ts';
import { type Body, startSimulator } from '../testing/start-simulator.ts';

it.each(Object.entries(partOf))(
  '%s has what the whole list has of the parent, also of what is made and deleted later',
  async (path, of) => {
    const { field, value } = leftOut[of.path] ?? { field: '', value: Number.NaN };
    const sim = await startSimulator('--count', `${of.path}=300`, '--count', `${of.parent}=12`);
    const compare = async () => {
      const whole = await sim.truth(of.path);
      let count = 0;
      for (const { id } of await sim.truth(of.parent)) {
        const expected = whole.filter((object) => object[of.field] === id && object[field] !== value);
        const url = path.replace('{parent}', id);
        const first = (await sim.get(`${url}?limit=100`)).body;
        expect([first.data, first.has_more]).toEqual([expected, false]);
        if (expected.length < 4) continue;
        const page = (await sim.get(`${url}?limit=2&starting_after=${expected[1].id}`)).body;
        expect(page.data.map((o: Body) => o.id)).toEqual(expected.slice(2, 4).map((o) => o.id));
        count += expected.length;
      }
      expect(count).toBeGreaterThan(100);
    };
    await compare();
    await sim.admin('POST', 'objects/create', { path: of.path, count: 40 });
    await sim.admin('POST', 'objects/delete', { path: of.path, count: 40 });
    await sim.admin('POST', 'objects/delete', { path: of.parent, count: 1 });
    await compare();
    await sim.close();
  },
);
