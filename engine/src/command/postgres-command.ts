import type { CommandContext } from './options.ts';
import { listenForStop } from './stop-signals.ts';
import { startOwnPostgres } from './workspace.ts';

/** Runs the Postgres in the user's data folder until it is told to stop. */
export async function postgresCommand(context: CommandContext): Promise<number> {
  const stop = listenForStop(() => undefined);
  try {
    const own = await startOwnPostgres(context.environment, stop.soft);
    context.stdout.write(`${own.url}\n`);
    context.stderr.write(`Look at the data with: psql '${own.url}'\n`);
    if (!own.owned) {
      context.stderr.write('Another penstock command has started it; it stops with that one.\n');
      return 0;
    }
    context.stderr.write('It runs until you press Ctrl-C.\n');
    // The server doesn't keep this process alive.
    const alive = setInterval(() => undefined, 60_000);
    await new Promise<void>((resolve) => stop.soft.addEventListener('abort', () => resolve(), { once: true }));
    clearInterval(alive);
    await own.stop();
    return 0;
  } finally {
    stop.dispose();
  }
}
