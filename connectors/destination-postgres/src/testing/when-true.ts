import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until a condition holds. @throws Error when it does not within 20 s */
export async function whenTrue(condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('It did not come true within 20 s.');
    await delay(5);
  }
}
