import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { planTables } from '../tables/plan-tables.ts';
import { testStream } from '../testing/write-items.ts';
import { describeKey } from './find-culprits.ts';

const config = configSchema.parse({ url: 'postgres://sync@db/x' });
const keyOf = (json: string, primary_key = [['id']]) => {
  const [plan] = planTables({ streams: [testStream('t', { stream: { primary_key } })] }, config).plans;
  return describeKey(plan!, Buffer.from(json));
};

describe('the key of a record in a message', () => {
  it.each(['9007199254740993', '18446744073709551616', '-0', '1.10', '1e400', '12'])(
    'has the digits of %s that were sent',
    (number) => {
      expect(keyOf(`{"id":${number},"name":"\\u0000"}`)).toBe(`id=${number}`);
    },
  );

  it('has them in an object and in each of its parts', () => {
    expect(keyOf('{"id":{"at":9007199254740993}}')).toBe('id={"at":9007199254740993}');
    expect(keyOf('{"id":{"at":9007199254740993},"b":"x"}', [['id', 'at'], ['b']])).toMatch(/=9007199254740993, b="x"$/);
  });

  it('is told of a record that is nested too deep for keeping digits', () => {
    expect(keyOf(`{"id":"a","n":1.50,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)).toBe('id="a"');
  });
});
