import { expect, it } from 'vitest';
import { configSchema } from './config.ts';

const limited = (limits: object) => configSchema.safeParse({ url: 'postgres://sync@db/x', limits });

it.each(['retry_seconds_max', 'connect_seconds_max', 'silence_seconds_max'])(
  '%s is no longer than a timer can run, and a longer one is refused by name',
  (name) => {
    expect(limited({ [name]: 2_147_483 }).success).toBe(true);
    for (const value of [2_147_484, 3_000_000, 1e300]) {
      const { error } = limited({ [name]: value });
      expect(error?.issues).toMatchObject([{ path: ['limits', name], message: expect.stringContaining('2147483') }]);
    }
  },
);
