import {
  type ConnectionStatusPayload,
  ExitCode,
  encodeMessage,
  message as make,
  toCodedError,
} from '@penstock/protocol';
import { askConnector } from '../launch/ask-connector.ts';
import { configureCatalog } from '../pipeline/configured-catalog.ts';
import { loadPipeline, type NamedPipeline, prepareSide } from '../pipeline/prepare.ts';
import type { Side } from '../pipeline/resolve-connector.ts';
import { showMessage } from '../relay/show-message.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { askOptions, prepareContext, reachesOwnPostgres, withOwnPostgres, withSavedConfig } from './workspace.ts';

/** Checks both sides, and says one line for each. @returns the exit code: that of the worst */
export async function checkCommand(
  args: PipelineArguments & { readonly json?: boolean | undefined },
  context: CommandContext,
): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const sides = (['source', 'destination'] as const).filter(
    (side) => pipeline[side] !== undefined || !reachesOwnPostgres(pipeline),
  );
  const results = await Promise.all(sides.map((side) => checkSide(pipeline, side, context)));
  for (const [i, { name, status }] of results.entries()) {
    const { message } = status;
    if (args.json === true) {
      context.stdout.write(encodeMessage({ ...make.connectionStatus(status), _emitted_by: name }));
    } else {
      const outcome = status.status === 'succeeded' ? 'ok' : 'failed';
      context.stdout.write(
        `${sides[i]!.padEnd(11)} ${outcome.padEnd(6)} ${message === undefined ? name : `${name}: ${message}`}\n`,
      );
    }
  }
  if (pipeline.destination === undefined && reachesOwnPostgres(pipeline) && args.json !== true) {
    context.stdout.write('destination none   sync uses a Postgres of your own in your data folder\n');
  }
  return Math.max(...results.map(({ exitCode }) => exitCode));
}

interface CheckResult {
  readonly name: string;
  readonly status: ConnectionStatusPayload;
  readonly exitCode: number;
}

async function checkSide(pipeline: NamedPipeline, side: Side, context: CommandContext): Promise<CheckResult> {
  const choice = pipeline[side];
  let name = choice?.kind === 'type' ? `${side}/${choice.type}` : side;
  try {
    // Without a destination it refuses what sync would refuse.
    const complete = choice === undefined ? withOwnPostgres(pipeline, '') : pipeline;
    const given = (await prepareSide(complete, side, prepareContext(context)))!;
    name = given.connector.name;
    const prepared = await withSavedConfig(pipeline, given, context);
    const { config, secrets } = prepared;
    const request = { command: 'check', config, secrets } as const;
    const answer = await askConnector(prepared.connector, request, 'connection_status', askOptions(context));
    const { connection_status } = showMessage(answer, prepared);
    if (connection_status.status === 'succeeded' && side === 'source' && pipeline.streams !== undefined) {
      const found = await askConnector(
        prepared.connector,
        { command: 'discover', config, secrets },
        'catalog',
        askOptions(context),
      );
      // Throws for a stream or field that the source doesn't have.
      configureCatalog(found.catalog, pipeline.streams, undefined);
    }
    const failedCode = connection_status.failure_type === 'config' ? ExitCode.config : ExitCode.retry;
    return {
      name,
      status: connection_status,
      exitCode: connection_status.status === 'failed' ? failedCode : ExitCode.done,
    };
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (error.code === 'stopped') throw error;
    const status = { status: 'failed', message: error.text.trim(), failure_type: error.failureType } as const;
    return { name, status, exitCode: error.exitCode };
  }
}
