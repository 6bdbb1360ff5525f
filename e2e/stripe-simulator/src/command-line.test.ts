import { describe, expect, it } from 'vitest';
import { readCommandLine, UsageError } from './command-line.ts';

const nowS = 1_700_000_000;

describe('the command line', () => {
  it.each([
    [['--objcts', '5'], /Unknown argument: objcts/],
    [['--count', '/v1/custmers=5'], /"\/v1\/custmers" is no list of Stripe's API/],
    [['--count', '/v1/customers=many'], /whole number/],
    [['--latency-ms'], /Not enough arguments following: latency-ms/],
    [['--seed', 'x'], /--seed must be a whole number/],
    [['--forbidden', '/v1/charge'], /no list of Stripe's API/],
    [['--count', '/v1/invoices/{parent}/lines=5'], /list under a parent/],
    [['--distribution', 'random'], /uniform, recent-heavy, burst, one-second/],
    [['--from', '2024-01-01', '--to', '2023-01-01'], /--from must be before --to/],
    [['--account-created', '2100-01-01'], /older than its objects/],
    [['--error-rate', '7'], /--error-rate must be a number from 0 to 1/],
    [['--schedule', 'updates=2'], /create=2,update=5,delete=0.5/],
    [['--events-late', '2'], /--events-late must be a number from 0 to 1/],
    [['--events-late-seconds', '0'], /--events-late-seconds must be a whole number from 1/],
    [['--events-partial', '/v1/customer'], /no list of Stripe's API/],
  ])('is refused with %j', (args, message) => {
    expect(() => readCommandLine(args, nowS)).toThrow(UsageError);
    expect(() => readCommandLine(args, nowS)).toThrow(message);
  });

  it('puts the objects into three years up to an hour ago, and the account before them', () => {
    const { port, simulator } = readCommandLine([], nowS);
    expect(port).toBe(12111);
    expect(simulator.to).toBe(nowS - 3600);
    expect(simulator.from).toBe(simulator.to - 3 * 365 * 86_400);
    expect(simulator.accountCreated).toBeLessThan(simulator.from);
  });

  it('takes times as seconds and as text, and options for single lists beside those for all', () => {
    const args = [
      '--from',
      '1600000000',
      '--to',
      '2021-01-01T00:00:00Z',
      '--distribution',
      'burst',
      '/v1/charges=one-second',
    ];
    const { simulator } = readCommandLine([...args, '--count', '/v1/customers=5', '--count', '/v1/charges=6'], nowS);
    expect([simulator.from, simulator.to]).toEqual([1_600_000_000, 1_609_459_200]);
    expect([simulator.distribution, simulator.distributions]).toEqual(['burst', { '/v1/charges': 'one-second' }]);
    expect(simulator.counts).toEqual({ '/v1/customers': 5, '/v1/charges': 6 });
  });

  it('lets faults hit lists and whole products', () => {
    const { faults } = readCommandLine(
      ['--not-enabled', '/v1/issuing', '--forbidden', '/v1/customers', '/v1/prices'],
      nowS,
    ).simulator;
    expect(faults).toMatchObject({ not_enabled: ['/v1/issuing'], forbidden: ['/v1/customers', '/v1/prices'] });
  });

  it('lets events and the rate limit behave unless told otherwise', () => {
    expect(readCommandLine([], nowS).simulator.faults).toMatchObject({
      retry_after: true,
      events_late: 0,
      events_late_seconds: 5,
      events_doubled: 0,
      events_partial: [],
      events_older: 0,
    });
    const args = '--no-retry-after --events-late 0.1 --events-late-seconds 9 --events-doubled 0.2 --events-older 0.3';
    const partial = ['--events-partial', '/v1/customers', '/v1/issuing'];
    expect(readCommandLine([...args.split(' '), ...partial], nowS).simulator.faults).toMatchObject({
      retry_after: false,
      events_late: 0.1,
      events_late_seconds: 9,
      events_doubled: 0.2,
      events_partial: ['/v1/customers', '/v1/issuing'],
      events_older: 0.3,
    });
  });

  it('reads the schedule', () => {
    expect(readCommandLine(['--schedule', 'update=5,delete=0.5'], nowS).schedule).toEqual({
      create: 0,
      update: 5,
      delete: 0.5,
    });
  });
});
