import { Counter, Gauge, Registry } from 'prom-client';
import { type MetricDefinition, type MetricsInput, metricTable } from '../reduce/metric-table.ts';

/** Metrics as Prometheus reads them. */
export interface MetricsText {
  /** Of the text exposition format, version 0.0.4. */
  readonly contentType: string;
  /** All metrics as they are now. */
  render(): Promise<string>;
}

/**
 * Writes all metrics in the text format of Prometheus.
 *
 * @param pipeline its name, a label of every value
 * @param input asked once for each rendering
 */
export function metricsText(pipeline: string, input: () => MetricsInput): MetricsText {
  // One of its own: the library's global one is shared with whatever else runs in this process.
  const registry = new Registry();
  registry.setDefaultLabels({ pipeline });
  let current: MetricsInput;
  for (const definition of metricTable) register(definition, registry, () => current);
  return {
    contentType: registry.contentType,
    render: () => {
      current = input();
      return registry.metrics();
    },
  };
}

function register(definition: MetricDefinition, registry: Registry, input: () => MetricsInput): void {
  const { name, help, type, labels, samples } = definition;
  const common = { name, help, labelNames: labels, registers: [registry] };
  if (type === 'gauge') {
    const gauge: Gauge = new Gauge({
      ...common,
      collect() {
        gauge.reset();
        // Without labels that sets it to 0, and a value that is not known is to be absent.
        if (labels.length === 0) gauge.remove();
        for (const sample of samples(input())) gauge.set(sample.labels, sample.value);
      },
    });
    return;
  }
  // The counting was done by the reducer; the library is given the sums.
  const counter: Counter = new Counter({
    ...common,
    collect() {
      counter.reset();
      for (const sample of samples(input())) counter.inc(sample.labels, sample.value);
    },
  });
}
