import pg from 'pg';

/** Three questions that people ask of such data, as they would type them. */
const QUESTIONS: readonly { title: string; sql: string }[] = [
  {
    title: 'New customers in the last six months',
    sql: `select to_char(created, 'YYYY-MM') as month, count(*) as customers
from customers
group by 1 order by 1 desc limit 6`,
  },
  {
    title: 'What was charged in US dollars, by status',
    sql: `select status, count(*) as charges, round(sum(amount) / 100.0, 2) as dollars
from charges
where currency = 'usd'
group by 1 order by charges desc`,
  },
  {
    title: 'Customers with the most invoices, joined by id',
    sql: `select c.id, c.email, count(*) as invoices
from invoices i join customers c on c.id = i.customer
group by 1, 2 order by invoices desc, c.id limit 5`,
  },
];

/** Prints the tables with their row counts, and the questions with their answers. */
export async function explore(client: pg.Client, schema: string): Promise<void> {
  await client.query(`set search_path to ${pg.escapeIdentifier(schema)}`);
  await printTables(client, schema);
  for (const { title, sql } of QUESTIONS) {
    console.log(`\n${title}\n\n${sql.replaceAll(/^/gm, '  ')};\n`);
    const { rows, fields } = await client.query<Record<string, unknown>>(sql);
    printRows(
      fields.map((field) => field.name),
      rows,
    );
  }
}

async function printTables(client: pg.Client, schema: string): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    'select table_name as name from information_schema.tables where table_schema = $1 order by 1',
    [schema],
  );
  const counts: { name: string; rows: number }[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from ${pg.escapeIdentifier(name)}`);
    counts.push({ name, rows: rows[0]!.n });
  }
  const total = counts.reduce((sum, table) => sum + table.rows, 0);
  console.log(`\n${counts.length} tables in schema "${schema}", ${total.toLocaleString('en')} rows:\n`);
  printColumns(counts.map(({ name, rows }) => `${rows.toLocaleString('en').padStart(8)}  ${name}`));
}

/** Lines in as many columns as the terminal has room for, read downwards. */
function printColumns(lines: readonly string[]): void {
  const width = Math.max(...lines.map((line) => line.length)) + 2;
  const columns = Math.max(1, Math.floor((process.stdout.columns ?? 120) / width));
  const height = Math.ceil(lines.length / columns);
  for (let row = 0; row < height; row++) {
    const cells = Array.from({ length: columns }, (_, column) => (lines[column * height + row] ?? '').padEnd(width));
    console.log(cells.join('').trimEnd());
  }
}

function printRows(names: readonly string[], rows: readonly Record<string, unknown>[]): void {
  const table = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  for (const cells of table)
    console.log(
      `  ${cells
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}`,
    );
}
