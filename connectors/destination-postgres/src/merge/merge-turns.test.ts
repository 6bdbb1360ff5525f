import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type MergeTurn, MergeTurns } from './merge-turns.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Says at any time which of these promises are resolved. */
function watch(promises: Readonly<Record<string, Promise<void>>>) {
  const resolved: string[] = [];
  for (const [name, promise] of Object.entries(promises)) void promise.then(() => resolved.push(name));
  return async () => {
    await turnOfLoop();
    return resolved;
  };
}

const rest = { isRest: true };

const turns = (count: number): MergeTurn[] => {
  const all = new MergeTurns();
  return Array.from({ length: count }, () => all.next());
};

describe('the turns of batches', () => {
  it('come at once for those that share no key, in whichever order their keys become known', async () => {
    const [first, second, third] = turns(3) as [MergeTurn, MergeTurn, MergeTurn];
    const resolved = watch({
      third: third.whenApart(new Set([5, 6]), rest),
      first: first.whenApart(new Set([1, 2]), rest),
    });
    // The keys of the second are not known yet.
    expect(await resolved()).toEqual(['first']);
    const secondResolved = watch({ second: second.whenApart(new Set([3, 4]), rest) });
    expect(await secondResolved()).toEqual(['second']);
    expect(await resolved()).toEqual(['first', 'third']);
  });

  it('come in the order of arrival for those that share a key', async () => {
    const [first, second, third] = turns(3) as [MergeTurn, MergeTurn, MergeTurn];
    const resolved = watch({
      third: third.whenApart(new Set([2, 3]), rest),
      second: second.whenApart(new Set([1, 2]), rest),
      first: first.whenApart(new Set([1]), rest),
    });
    expect(await resolved()).toEqual(['first']);
    first.settle();
    expect(await resolved()).toEqual(['first', 'second']);
    second.settle();
    expect(await resolved()).toEqual(['first', 'second', 'third']);
  });

  it('come behind one whose keys never become known only when it is settled', async () => {
    const [first, second] = turns(2) as [MergeTurn, MergeTurn];
    const resolved = watch({ second: second.whenApart(new Set([1]), rest) });
    expect(await resolved()).toEqual([]);
    first.settle();
    expect(await resolved()).toEqual(['second']);
  });

  it('stay what they are when a batch is merged again in parts', async () => {
    const [first, second] = turns(2) as [MergeTurn, MergeTurn];
    await first.whenApart(new Set([1, 2]), rest);
    await first.whenApart(new Set([2]), rest);
    const resolved = watch({ second: second.whenApart(new Set([1]), rest) });
    expect(await resolved()).toEqual([]);
    first.settle();
    expect(await resolved()).toEqual(['second']);
  });

  it('come behind a batch in parts until its last part is at work: the keys of one part are not all', async () => {
    const [first, second] = turns(2) as [MergeTurn, MergeTurn];
    await first.whenApart(new Set([1]), { isRest: false });
    const resolved = watch({ second: second.whenApart(new Set([2, 3]), rest) });
    expect(await resolved()).toEqual([]);
    await first.whenApart(new Set([2]), rest);
    expect(await resolved()).toEqual([]);
    first.settle();
    expect(await resolved()).toEqual(['second']);
  });

  it('are first when all before them are settled, and not behind those that came later', async () => {
    const [first, second, third] = turns(3) as [MergeTurn, MergeTurn, MergeTurn];
    const resolved = watch({ first: first.whenFirst(), third: third.whenFirst() });
    first.settle();
    expect(await resolved()).toEqual(['first']);
    second.settle();
    expect(await resolved()).toEqual(['first', 'third']);
  });

  it('are not kept in memory once they are settled', async () => {
    const all = new MergeTurns();
    const kept: WeakRef<MergeTurn>[] = [];
    for (let count = 0; count < 1000; count++) {
      const turn = all.next();
      kept.push(new WeakRef(turn));
      await turn.whenFirst();
      turn.settle();
    }
    await turnOfLoop();
    collectGarbage();
    expect(kept.filter((ref) => ref.deref()).length).toBeLessThan(10);
    expect(all.next()).toBeDefined();
  });
});
