import { expect, it } from 'vitest';
import { CoalescedSaves } from './coalesce-saves.ts';

function controlled() {
  const writes: { value: number; done: () => void; fail: (error: Error) => void }[] = [];
  const saves = new CoalescedSaves<number>(
    (value) => new Promise((done, fail) => void writes.push({ value, done: () => done(), fail })),
  );
  return { writes, saves };
}

it('writes only the newest of the values that came in while a write was under way', async () => {
  const { writes, saves } = controlled();
  const all = [1, 2, 3, 4].map((value) => saves.save(value));
  expect(writes.map((write) => write.value)).toEqual([1]);
  writes[0]!.done();
  await all[0];
  await Promise.resolve();
  expect(writes.map((write) => write.value)).toEqual([1, 4]);
  writes[1]!.done();
  await Promise.all(all);
  await saves.whenIdle();
  const next = saves.save(5);
  expect(writes.map((write) => write.value)).toEqual([1, 4, 5]);
  writes[2]!.done();
  await next;
});

it('gives the failure of a write to everyone who waits and writes nothing after it', async () => {
  const { writes, saves } = controlled();
  const outcomes = Promise.allSettled([saves.save(1), saves.save(2)]);
  writes[0]!.fail(new Error('disk full'));
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  await expect(saves.save(3)).rejects.toThrow('disk full');
  await saves.whenIdle();
  expect(writes).toHaveLength(1);
});
