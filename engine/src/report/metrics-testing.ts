/** One line with a value. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric and its values. */
export interface ParsedMetric {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const HELP_LINE = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\\\n]|\\\\[\\\\n])*)$`);
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`);
const SAMPLE_LINE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`);

/**
 * Reads the text format of Prometheus, version 0.0.4, for tests: strictly, so that whatever a scraper might refuse is refused.
 * Metrics come one after the other, each with HELP and TYPE before its values, and no value comes twice.
 *
 * @throws Error with the line that is not as it should be
 */
export function parseMetrics(text: string): Map<string, ParsedMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no newline');
  const metrics = new Map<string, { help: string; type: string; samples: ParsedSample[] }>();
  const seen = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helped, help] = HELP_LINE.exec(line) ?? [];
    const [, typed, type] = TYPE_LINE.exec(line) ?? [];
    const sample = SAMPLE_LINE.exec(line);
    if (helped !== undefined && !metrics.has(helped)) {
      current = helped;
      metrics.set(helped, { help: help!, type: '', samples: [] });
    } else if (typed === current && type !== undefined && metrics.get(typed)!.type === '') {
      metrics.get(typed)!.type = type;
    } else if (sample !== null && sample[1] === current && metrics.get(current)!.type !== '') {
      const labels = parseLabels(sample[2] ?? '');
      const key = JSON.stringify([current, Object.entries(labels).sort()]);
      if (seen.has(key)) throw new Error(`there twice: ${line}`);
      seen.add(key);
      metrics.get(current)!.samples.push({ name: current, labels, value: Number(sample[3]) });
    } else if (line !== '') throw new Error(`not expected here: ${line}`);
  }
  return metrics;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [label] of text.matchAll(new RegExp(LABEL, 'g'))) {
    const at = label.indexOf('=');
    const name = label.slice(0, at);
    if (Object.hasOwn(labels, name)) throw new Error(`the label ${name} is there twice: ${text}`);
    labels[name] = label.slice(at + 2, -1).replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}

/** The value with these labels, and maybe others; undefined where there is none. @throws Error where there are several */
export function sampleValue(
  metrics: ReadonlyMap<string, ParsedMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = (metrics.get(name)?.samples ?? []).filter((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${name} has ${found.length} values for ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
