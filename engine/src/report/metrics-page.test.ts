import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { metricTable } from '../reduce/metric-table.ts';
import { metricsTable, withMetricsTable } from './metrics-page.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/guide/observability.md'), 'utf8');

it('the guide has the table of metrics as it is now', () => {
  // When this fails on purpose: npm run generate -w @penstock/engine
  expect(page).toBe(withMetricsTable(page));
  expect(page).toContain(metricsTable());
});

it('an old table is replaced, and the text around it stays', () => {
  const old = 'before\n\n<!-- metrics -->\n\n| old |\n| --- |\n\nafter\n';
  expect(withMetricsTable(old)).toBe(`before\n\n<!-- metrics -->\n\n${metricsTable()}\n\nafter\n`);
});

it('the guide names no metric and no label that there is not', () => {
  const known = new Map(metricTable.map((metric) => [metric.name, metric]));
  const named = [...page.matchAll(/\b(penstock_[a-z_]+)(?:\{([a-z_]+)="([a-z_]+)"\})?/g)];
  expect(named.length).toBeGreaterThan(metricTable.length);
  for (const [, name, label] of named) {
    expect([...known.keys()]).toContain(name);
    if (label !== undefined) expect(known.get(name!)!.labels).toContain(label);
  }
});

it('every block of YAML in the guide can be read', () => {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text!);
  expect(blocks).toHaveLength(3);
  for (const block of blocks) for (const { errors } of parseAllDocuments(block)) expect(errors).toEqual([]);
});
