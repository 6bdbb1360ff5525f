import { describe, expect, it } from 'vitest';
import { readParameters } from './parameters.ts';

describe('parameters', () => {
  it('come from the URL first, then from the environment, and an empty value is none', () => {
    const env = { PGHOST: 'elsewhere', PGUSER: 'sync', PGSSLMODE: '' };
    const parameters = readParameters('postgres://db/shop?port=', env);
    expect(parameters.get('host')).toBe('db');
    expect(parameters.get('user')).toBe('sync');
    expect([parameters.get('port'), parameters.get('sslmode')]).toEqual([undefined, undefined]);
    expect([parameters.nameOf('host'), parameters.nameOf('user')]).toEqual(['host in `url`', 'PGUSER']);
  });

  it('take ssl=true for sslmode=require', () => {
    expect(readParameters('postgres://db?ssl=true', {}).get('sslmode')).toBe('require');
    expect(readParameters('postgres://db?sslmode=verify-full&ssl=true', {}).get('sslmode')).toBe('verify-full');
  });

  it.each([
    ['postgres://db?sslmod=require', {}, /unknown parameter: sslmod. Did you mean sslmode/],
    ['postgres://db?ssl_mode=require', {}, /Did you mean sslmode/],
    ['postgres://db?ssl=0', {}, /unknown parameter: ssl. Did you mean/],
    ['postgres://db?constructor=x', {}, /unknown parameter: constructor/],
    ['postgres://db?pgbouncer=true', {}, /unknown parameter: pgbouncer. Leave it out/],
    ['postgres://db?sslmode=no-verify', {}, /sslmode in `url` has a value that is not supported. Use disable, allow/],
    ['postgres://db?sslcrl=/x', {}, /sslcrl in `url` is not supported/],
    ['postgres://db?target_session_attrs=standby', {}, /Use any, read-write, primary/],
    [undefined, { PGSSLMODE: 'on' }, /PGSSLMODE has a value that is not supported/],
    [undefined, { PGSERVICE: 'x' }, /PGSERVICE is not supported/],
  ])('in %s with %j are refused: %s', (url, env, why) => {
    let text = '';
    try {
      readParameters(url, env);
    } catch (error) {
      text = (error as { text: string }).text;
    }
    expect(text).toMatch(why);
  });
});
