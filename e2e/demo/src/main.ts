import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startLocalPostgres } from '@penstock/local-postgres';
import pg from 'pg';
import { explore } from './explore.ts';
import { runSync, startSimulator } from './programs.ts';

/** What the demo leaves behind, so that it can be killed and started again: the server's data, and the pipeline file. */
const folder = path.resolve('.penstock/demo');
const pipelineFile = path.join(folder, 'pipeline.json');
const pipelineShown = path.relative(process.cwd(), pipelineFile);

/** Shown in the demo's output; the tables lie in it. */
const SCHEMA = 'stripe';

const live = process.env.LIVE === '1';
const apiKey = process.env.STRIPE_API_KEY;

if (live && !apiKey) {
  console.error(
    'LIVE=1 syncs your own Stripe account: put a key of it into STRIPE_API_KEY.\nA restricted one that may only read is best: https://dashboard.stripe.com/apikeys',
  );
  process.exitCode = 2;
} else {
  process.exitCode = await demo();
}

async function demo(): Promise<number> {
  await mkdir(folder, { recursive: true });
  const name = live ? 'live' : 'demo';
  const [server, simulator] = await Promise.all([
    startLocalPostgres({ dataDir: path.join(folder, name) }),
    live ? undefined : startSimulator(),
  ]);
  // The one who presses Ctrl-C means the sync: it stops softly, and the servers are needed until it has.
  process.on('SIGINT', () => {});
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    if (!live) await forgetFinishedDemo(client);
    const goesOn = await hasState(client);
    // The key itself stays in the environment; the file names it.
    const stripe = live
      ? { api_key: `\${STRIPE_API_KEY}` }
      : { api_key: 'sk_test_demo', base_url: simulator!.url, rate_limit: 100 };
    const pipeline = {
      name,
      source: { type: 'stripe', stripe },
      destination: { type: 'postgres', postgres: { url: server.url, schema: SCHEMA } },
    };
    await writeFile(pipelineFile, `${JSON.stringify(pipeline, null, 2)}\n`, { mode: 0o600 });

    console.log(`${live ? 'Your Stripe account' : 'A simulated Stripe account'} → a real Postgres, all streams:`);
    console.log(`  penstock sync --config ${pipelineShown}`);
    if (goesOn) console.log('It goes on where the last one stopped.');
    console.log();
    const { code, signal } = await runSync(pipelineFile);
    if (code !== 0) {
      console.log(`\n${farewell(code, signal)}`);
      return code ?? 1;
    }
    await client.query(
      'create schema if not exists penstock_demo; create table if not exists penstock_demo.finished ()',
    );
    await explore(client, SCHEMA);
    await offerConnection(server.url);
    return 0;
  } finally {
    await client.end();
    simulator?.stop();
    await server.stop();
  }
}

/** A demo that was seen to its end starts afresh the next time; one that was cut short goes on. */
async function forgetFinishedDemo(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ finished: boolean }>(
    `select to_regclass('penstock_demo.finished') is not null as finished`,
  );
  if (!rows[0]!.finished) return;
  await client.query(`drop schema if exists ${SCHEMA}, penstock, penstock_demo cascade`);
}

/** Whether an earlier sync has saved anything. */
async function hasState(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(`select to_regnamespace('penstock') is not null as found`);
  return rows[0]!.found;
}

/** What to do after a sync that didn't succeed; why it didn't it has said itself. */
function farewell(code: number | null, signal: NodeJS.Signals | null): string {
  // A display that was killed leaves its own screen on, and the cursor hidden.
  const restored = signal !== null && process.stdout.isTTY ? '\u001b[?1049l\u001b[?25h' : '';
  const how = signal === null ? `ended with exit code ${code}` : `was killed (${signal})`;
  const todo =
    code === 20 ? 'Mend what it says; then run `make demo` again.' : 'Run `make demo` again: it goes on from there.';
  return `${restored}The sync ${how}. What is in the tables stays.\n${todo}`;
}

/** On a terminal the server stays until Ctrl-C, so that there is something to connect to. */
async function offerConnection(url: string): Promise<void> {
  console.log('\nLook at it yourself:');
  if (process.stdout.isTTY !== true) {
    console.log('  run `make demo` on a terminal: then this Postgres stays up until Ctrl-C, and its URL stands here');
    return;
  }
  console.log(`  psql '${url}'`);
  console.log(`  npm exec -- penstock state show --config ${pipelineShown}`);
  const again = live ? 'reads what is new' : 'starts afresh';
  console.log(`\nPostgres stays up until Ctrl-C. After that \`make demo\` ${again}.`);
  // Signal listeners alone don't keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  await new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  clearInterval(alive);
}
