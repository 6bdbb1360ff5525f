import { describe, expect, it } from 'vitest';
import { readMetricsSettings } from './metrics-settings.ts';

describe('where metrics are served', () => {
  it.each([
    ['nowhere when nobody names a port', {}, undefined, {}, undefined],
    ['not by an address alone', { metricsHost: '::' }, { host: '::' }, { PENSTOCK_METRICS_HOST: '::' }, undefined],
    ['on this machine alone unless somebody says otherwise', { metricsPort: 1 }, undefined, {}, '127.0.0.1:1'],
    ['where the flags say, before the file', { metricsPort: 1, metricsHost: 'a' }, { port: 2, host: 'b' }, {}, 'a:1'],
    ['where the file says, before the environment', {}, { port: 2, host: 'b' }, { PENSTOCK_METRICS_PORT: '3' }, 'b:2'],
    ['each by itself', { metricsPort: 0 }, { port: 2 }, { PENSTOCK_METRICS_HOST: 'c' }, 'c:0'],
    ['where the environment says', {}, undefined, { PENSTOCK_METRICS_PORT: '3', PENSTOCK_METRICS_HOST: 'c' }, 'c:3'],
    ['nowhere by empty variables', {}, undefined, { PENSTOCK_METRICS_PORT: '', PENSTOCK_METRICS_HOST: '' }, undefined],
  ])('%s', (_title, flags, file, environment, expected) => {
    const found = readMetricsSettings(flags, file, environment);
    expect(found && `${found.host}:${found.port}`).toBe(expected);
  });

  it.each([
    [{ metricsPort: Number.NaN }, {}, 'usage', /^--metrics-port: expected a port/],
    [{ metricsPort: 1.5 }, {}, 'usage', /^--metrics-port: expected a port/],
    [{ metricsPort: 65_536 }, {}, 'usage', /^--metrics-port: expected a port/],
    [{ metricsPort: -1 }, {}, 'usage', /^--metrics-port: expected a port/],
    [{ metricsPort: [1, 2] as unknown as number }, {}, 'usage', /^--metrics-port is given twice/],
    [{ metricsHost: '' }, {}, 'usage', /^--metrics-host: expected an address/],
    [{}, { PENSTOCK_METRICS_PORT: '0x10' }, 'config_invalid', /^PENSTOCK_METRICS_PORT: expected a port/],
  ])('refuses %j with %j', (flags, environment, code, message) => {
    expect(() => readMetricsSettings(flags, undefined, environment)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
