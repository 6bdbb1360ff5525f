import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until a condition holds. @throws Error when it does not within a minute */
export async function whenTrue(condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('It did not come true within a minute.');
    await delay(5);
  }
}
