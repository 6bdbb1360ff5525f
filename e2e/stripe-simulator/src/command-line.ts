import yargs from 'yargs';
import packageJson from '../package.json' with { type: 'json' };
import { type DistributionName, distributionNames } from './distribution.ts';
import { endpoints, isCountable } from './endpoint-table.ts';
import { lateSecondsMax } from './faults.ts';
import type { Schedule } from './schedule.ts';
import type { SimulatorOptions } from './simulator.ts';

/** What the command line asks for. */
export type CommandLine = { port: number; host: string; simulator: SimulatorOptions; schedule: Schedule };

const yearS = 365 * 86_400;

/**
 * Reads the command line. `--help` and mistakes are printed here, and end the process with 0 and 2.
 *
 * @param nowS the machine's time, from which the defaults of `--from` and `--to` are counted
 */
export function readCommandLine(args: readonly string[], nowS: number): CommandLine {
  const parsed = yargs([...args])
    .scriptName('stripe-simulator')
    .locale('en')
    .usage(
      '$0 [options]\n\nServes the list and events API of an imaginary Stripe account on localhost.\nWhen it listens, it prints one line of JSON:\n  {"type":"listening","url":"http://127.0.0.1:PORT"}\nAny key that starts with sk_test_ or rk_ is let in.',
    )
    .option('port', { type: 'number', default: 12111, describe: 'port to listen on; 0 takes a free one' })
    .option('host', { type: 'string', default: '127.0.0.1', describe: 'address to listen on' })
    .option('seed', { type: 'number', default: 1, describe: 'same seed and options, same objects' })
    .option('objects', {
      type: 'number',
      default: 10_000,
      describe: 'objects over all lists: some big, many small, some empty',
    })
    .option('count', {
      type: 'string',
      array: true,
      default: [],
      describe: 'objects of one list: /v1/customers=200000',
    })
    .option('distribution', {
      type: 'string',
      array: true,
      default: ['uniform'],
      describe: `how objects lie in time, or PATH=NAME for one list: ${distributionNames.join(', ')}`,
    })
    .option('from', {
      type: 'string',
      describe: 'time of the first object: seconds or ISO 8601  [default: 3 years before --to]',
    })
    .option('to', { type: 'string', describe: 'time after the last object  [default: an hour ago]' })
    .option('account-created', {
      type: 'string',
      describe: 'when the account was created  [default: a day before --from]',
    })
    .option('clock-offset-s', { type: 'number', default: 0, describe: "seconds that the simulator's clock is ahead" })
    .option('api-key', { type: 'string', describe: 'let in only this key' })
    .option('pretty', { type: 'boolean', default: false, describe: 'indent answers, as Stripe does' })
    .option('latency-ms', { type: 'number', default: 0, describe: 'milliseconds that each answer takes' })
    .option('latency-jitter-ms', { type: 'number', default: 0, describe: 'up to so many more' })
    .option('rate-limit', { type: 'number', describe: 'requests a second before 429, bursts of one second' })
    .option('retry-after', {
      type: 'boolean',
      default: true,
      describe: '429 comes with Retry-After; --no-retry-after leaves it out',
    })
    .option('error-rate', { type: 'number', default: 0, describe: 'share of requests answered with 500 (0 to 1)' })
    .option('reset-rate', { type: 'number', default: 0, describe: 'share of answers that break off in the middle' })
    .option('forbidden', {
      type: 'string',
      array: true,
      default: [],
      describe: 'paths that answer 403, as to a restricted key',
    })
    .option('not-enabled', {
      type: 'string',
      array: true,
      default: [],
      describe: 'paths that answer 400, as without that product',
    })
    .option('garbage', { type: 'string', array: true, default: [], describe: 'paths that answer 200 with HTML' })
    .option('events-late', {
      type: 'number',
      default: 0,
      describe: 'share of events that are seen only some time after they were created',
    })
    .option('events-late-seconds', { type: 'number', default: 5, describe: 'seconds that these are late at most' })
    .option('events-doubled', {
      type: 'number',
      default: 0,
      describe: 'share of events that have a second one, with another id, about the same',
    })
    .option('events-partial', {
      type: 'string',
      array: true,
      default: [],
      describe: 'paths of which events hold only id, object and metadata',
    })
    .option('events-older', {
      type: 'number',
      default: 0,
      describe: 'share of events of an older API version, with another shape',
    })
    .option('schedule', {
      type: 'string',
      default: '',
      describe: 'changes a second while it runs: create=2,update=5,delete=0.5',
    })
    .example('$0 --port 0 --objects 50000', 'a small account, on a free port')
    .example('$0 --objects 0 --count /v1/customers=2000000', 'one list only')
    .example('$0 --schedule update=20 --rate-limit 25', 'a busy sandbox')
    .epilogue('Admin endpoints (counts, truth, changes, faults) are under /_admin/; the README describes them.')
    .requiresArg([
      'port',
      'host',
      'seed',
      'objects',
      'count',
      'distribution',
      'from',
      'to',
      'account-created',
      'clock-offset-s',
    ])
    .requiresArg(['api-key', 'latency-ms', 'latency-jitter-ms', 'rate-limit', 'error-rate', 'reset-rate', 'schedule'])
    .requiresArg(['forbidden', 'not-enabled', 'garbage'])
    .requiresArg(['events-late', 'events-late-seconds', 'events-doubled', 'events-partial', 'events-older'])
    .strict()
    .version(packageJson.version)
    .wrap(80)
    .exitProcess(false)
    .fail((message, error) => {
      // A missing value comes as an error of yargs' own, an unknown option as a message alone.
      throw error instanceof UsageError ? error : new UsageError(message ?? error?.message);
    })
    .check((argv) => {
      if (argv._.length > 0) throw new UsageError(`Unknown argument: ${argv._[0]}`);
      return true;
    })
    .parseSync();
  const to = parsed.to === undefined ? nowS - 3600 : readTime('--to', parsed.to);
  const from = parsed.from === undefined ? to - 3 * yearS : readTime('--from', parsed.from);
  const accountCreated =
    parsed.accountCreated === undefined ? from - 86_400 : readTime('--account-created', parsed.accountCreated);
  if (from >= to) throw new UsageError('--from must be before --to.');
  if (accountCreated > from)
    throw new UsageError('--account-created must not be after --from: an account is older than its objects.');
  const [global, perPath] = readDistributions(parsed.distribution);
  for (const path of [...parsed.forbidden, ...parsed.notEnabled, ...parsed.garbage, ...parsed.eventsPartial])
    checkPrefix(path);
  return {
    port: wholeNumber('--port', parsed.port, 65_535),
    host: parsed.host,
    schedule: readSchedule(parsed.schedule),
    simulator: {
      seed: wholeNumber('--seed', parsed.seed, 0xffff_ffff),
      objects: wholeNumber('--objects', parsed.objects, 1e9),
      counts: readCounts(parsed.count),
      distribution: global,
      distributions: perPath,
      from,
      to,
      accountCreated,
      clockOffsetS: number('--clock-offset-s', parsed.clockOffsetS),
      apiKey: parsed.apiKey,
      pretty: parsed.pretty,
      faults: {
        latency_ms: number('--latency-ms', parsed.latencyMs, 0),
        latency_jitter_ms: number('--latency-jitter-ms', parsed.latencyJitterMs, 0),
        rate_limit: parsed.rateLimit === undefined ? null : number('--rate-limit', parsed.rateLimit, 0.001),
        error_rate: number('--error-rate', parsed.errorRate, 0, 1),
        reset_rate: number('--reset-rate', parsed.resetRate, 0, 1),
        forbidden: parsed.forbidden,
        not_enabled: parsed.notEnabled,
        garbage: parsed.garbage,
        retry_after: parsed.retryAfter,
        events_late: number('--events-late', parsed.eventsLate, 0, 1),
        events_late_seconds: wholeNumber('--events-late-seconds', parsed.eventsLateSeconds, lateSecondsMax, 1),
        events_doubled: number('--events-doubled', parsed.eventsDoubled, 0, 1),
        events_partial: parsed.eventsPartial,
        events_older: number('--events-older', parsed.eventsOlder, 0, 1),
      },
    },
  };
}

/** A command line that can't be followed; the message says what to write instead. */
export class UsageError extends Error {}

function number(name: string, value: number, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): number {
  if (!(value >= min && value <= max))
    throw new UsageError(
      `${name} must be a number${min > Number.NEGATIVE_INFINITY ? ` from ${min}` : ''}${max < Number.POSITIVE_INFINITY ? ` to ${max}` : ''}.`,
    );
  return value;
}

function wholeNumber(name: string, value: number, max: number, min = 0): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}.`);
  return value;
}

function readTime(name: string, text: string): number {
  const second = /^\d+$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1000);
  if (Number.isNaN(second))
    throw new UsageError(`${name} must be seconds since 1970 or a time like 2024-01-31T12:00:00Z, not "${text}".`);
  return second;
}

function readCounts(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) {
    const [path = '', count = ''] = text.split('=');
    if (!isCountable(path))
      throw new UsageError(
        `--count ${text}: ${checkPath(path)} is a list under a parent; how many objects it has follows from the parents.`,
      );
    counts[path] = wholeNumber(`--count ${path}=N`, count === '' ? Number.NaN : Number(count), 1e9);
  }
  return counts;
}

function readDistributions(texts: readonly string[]): [DistributionName, Record<string, DistributionName>] {
  let global: DistributionName = 'uniform';
  const perPath: Record<string, DistributionName> = {};
  for (const text of texts) {
    const [path, name] = text.includes('=')
      ? [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]
      : [undefined, text];
    const known = distributionNames.find((one) => one === name);
    if (!known) throw new UsageError(`--distribution ${text}: the distributions are ${distributionNames.join(', ')}.`);
    if (path === undefined) global = known;
    else perPath[checkPath(path)] = known;
  }
  return [global, perPath];
}

function readSchedule(text: string): Schedule {
  const schedule: Schedule = { create: 0, update: 0, delete: 0 };
  for (const item of text === '' ? [] : text.split(',')) {
    const [name = '', rate = ''] = item.split('=');
    if (!(name in schedule) || !(Number(rate) >= 0) || rate === '')
      throw new UsageError(`--schedule ${text}: write changes a second like create=2,update=5,delete=0.5.`);
    schedule[name as keyof Schedule] = Number(rate);
  }
  return schedule;
}

function checkPath(path: string): string {
  if (!endpoints.has(path) && path !== '/v1/account')
    throw new UsageError(
      `"${path}" is no list of Stripe's API. Write it like /v1/customers or /v1/invoices/{parent}/lines.`,
    );
  return path;
}

/** Faults may hit a whole product: `/v1/issuing`. */
function checkPrefix(path: string): void {
  if (![...endpoints.keys()].some((known) => known.startsWith(`${path}/`))) checkPath(path);
}
