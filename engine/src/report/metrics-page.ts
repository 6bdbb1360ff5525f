import { metricTable } from '../reduce/metric-table.ts';

/** Text as it may stand in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** All metrics as a table for the docs. */
export function metricsTable(): string {
  const rows = metricTable.map(({ name, type, labels, help }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named} | ${cell(help)} |`;
  });
  return ['| metric | type | labels | what it says |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The page with the table after its marker as it is now. */
export function withMetricsTable(page: string): string {
  // A function, since a text would be searched for references such as $1.
  return page.replace(/^(<!-- metrics -->\n\n)(?:\|.*\n)*/m, (_all, marker: string) => `${marker}${metricsTable()}\n`);
}
