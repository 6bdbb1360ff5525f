import packageJson from '../../package.json' with { type: 'json' };
import type { MetricsSettings } from '../pipeline/metrics-settings.ts';
import type { ProcessMetrics } from '../reduce/metric-table.ts';
import { initialRunMetrics, type MetricsEvent, reduceRunMetrics } from '../reduce/run-metrics.ts';
import { type MetricsServer, startMetricsServer } from './metrics-server.ts';
import { metricsText } from './metrics-text.ts';

/** The metrics of a run, served for as long as it goes on. */
export interface ServedMetrics extends MetricsServer {
  /** To be called with everything that happens. */
  take(event: MetricsEvent): void;
}

/**
 * Serves the metrics of a run.
 *
 * @param pipeline its name
 * @param onError see {@link startMetricsServer}, which says what is thrown too
 */
export async function serveMetrics(
  settings: MetricsSettings,
  pipeline: string,
  onError: (error: Error) => void,
): Promise<ServedMetrics> {
  let run = initialRunMetrics(Date.now());
  const { version } = packageJson;
  const text = metricsText(pipeline, () => ({ run, version, engine: processMetrics(), now: Date.now() }));
  const server = await startMetricsServer(settings, text, onError);
  return {
    ...server,
    take(event) {
      run = reduceRunMetrics(run, event);
    },
  };
}

function processMetrics(): ProcessMetrics {
  const { user, system } = process.cpuUsage();
  return {
    startTimeSeconds: performance.timeOrigin / 1000,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    // Node gives it in kibibytes.
    residentBytesMax: process.resourceUsage().maxRSS * 1024,
  };
}
