import { CodedError } from '@penstock/protocol';
import { loadPipeline } from '../pipeline/prepare.ts';
import { RUNS_KEPT_MAX, type RunRecord } from '../store/run-history.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { formatTable } from './text-table.ts';
import { withPipelineState } from './workspace.ts';

/** How many are shown when nothing else is said. */
const LIMIT_DEFAULT = 20;

/** The flags of `penstock runs`. */
export interface RunsArguments extends PipelineArguments {
  readonly limit?: number | undefined;
  readonly json?: boolean | undefined;
}

/** Prints the last calls of `sync` of a pipeline, the newest first: a table, or a JSON line for each. */
export async function runsCommand(args: RunsArguments, context: CommandContext): Promise<number> {
  const limit = args.limit ?? LIMIT_DEFAULT;
  if (!Number.isInteger(limit) || limit < 1 || limit > RUNS_KEPT_MAX) {
    throw new CodedError('usage', { message: `--limit: expected a whole number from 1 to ${RUNS_KEPT_MAX}.` });
  }
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  return withPipelineState(pipeline, context, async ({ store }) => {
    const runs = await store.runs(pipeline.name, limit);
    if (args.json === true) for (const run of runs) context.stdout.write(`${JSON.stringify(run)}\n`);
    else if (runs.length === 0)
      context.stdout.write(`${store.place} knows of no run of pipeline "${pipeline.name}".\n`);
    else context.stdout.write(describeRuns(runs));
    return 0;
  });
}

function describeRuns(runs: readonly RunRecord[]): string {
  const headings = [
    'started',
    'took',
    'outcome',
    'records',
    'created',
    'updated',
    'deleted',
    'skipped',
    'bytes',
    'error',
  ];
  const rows = runs.map(({ started_at, ended_at, outcome, counts, error }) => [
    started_at.replace(/\.\d+Z$/, 'Z'),
    // Of one that was killed nobody knows when.
    ended_at === undefined || outcome === 'interrupted' ? '' : secondsBetween(started_at, ended_at),
    outcome,
    ...(['records', 'created', 'updated', 'deleted', 'skipped', 'bytes'] as const).map((key) =>
      String(counts?.[key] ?? ''),
    ),
    error?.split('\n')[0] ?? '',
  ]);
  return formatTable(headings, rows);
}

function secondsBetween(from: string, to: string): string {
  return `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)} s`;
}
