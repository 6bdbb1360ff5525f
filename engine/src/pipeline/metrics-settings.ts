import { CodedError } from '@penstock/protocol';
import type { Environment } from './environment.ts';
import { metricsSchema, type Pipeline } from './pipeline-schema.ts';

/** The port is nobody else's business unless somebody says so. */
const HOST_DEFAULT = '127.0.0.1';

/** Where metrics are served. */
export interface MetricsSettings {
  /** Any free one when 0. */
  readonly port: number;
  readonly host: string;
}

/** What a command line says about it. */
export interface MetricsFlags {
  /** NaN for what is no number. */
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
}

/**
 * Where metrics are to be served: the flags go before the section `metrics` of the file, and that before
 * `PENSTOCK_METRICS_PORT` and `PENSTOCK_METRICS_HOST`. Pure.
 *
 * @returns undefined where nobody names a port: then there are none
 * @throws CodedError `usage` for a flag, `config_invalid` for a variable, that holds no port or no address
 */
export function readMetricsSettings(
  flags: MetricsFlags,
  file: Pipeline['metrics'],
  environment: Environment,
): MetricsSettings | undefined {
  const { PENSTOCK_METRICS_PORT: port = '', PENSTOCK_METRICS_HOST: host = '' } = environment;
  if (Array.isArray(flags.metricsPort)) throw new CodedError('usage', { message: '--metrics-port is given twice.' });
  if (Array.isArray(flags.metricsHost)) throw new CodedError('usage', { message: '--metrics-host is given twice.' });
  const flagPort = checked('port', flags.metricsPort, 'usage', '--metrics-port');
  const flagHost = checked('host', flags.metricsHost, 'usage', '--metrics-host');
  // An empty variable is one that is not set.
  const variablePort = checked(
    'port',
    port === '' ? undefined : asNumber(port),
    'config_invalid',
    'PENSTOCK_METRICS_PORT',
  );
  const chosen = flagPort ?? file?.port ?? variablePort;
  if (chosen === undefined) return undefined;
  return { port: chosen, host: flagHost ?? file?.host ?? (host === '' ? HOST_DEFAULT : host) };
}

function asNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function checked<Key extends 'port' | 'host'>(
  key: Key,
  value: MetricsSettings[Key] | undefined,
  code: 'usage' | 'config_invalid',
  from: string,
): MetricsSettings[Key] | undefined {
  const result = metricsSchema.shape[key].safeParse(value);
  if (result.success) return result.data as MetricsSettings[Key] | undefined;
  const expected =
    key === 'host' ? 'expected an address to listen on, such as 0.0.0.0' : result.error.issues[0]!.message;
  throw new CodedError(code, { message: `${from}: ${expected}.` });
}
