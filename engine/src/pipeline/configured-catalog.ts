import {
  type Catalog,
  CodedError,
  type ConfiguredCatalog,
  type ConfiguredStream,
  chooseStreams,
  type DestinationSyncMode,
  nearestNames,
  type Stream,
  USUAL_STREAMS,
} from '@penstock/protocol';
import type { StreamChoice } from './pipeline-schema.ts';

/** State and progress are objects with a key for each stream; this one JavaScript takes for something else. */
const NAME_RESERVED = '__proto__';

/**
 * What a pipeline moves, in the source's order: the streams that it names; every one that is not optional where it names
 * `*`, or none at all. Pure.
 *
 * @param supported the modes of the destination's `spec`; undefined when it doesn't say
 * @throws CodedError `stream_unknown` with the nearest names, `mode_unsupported`, `config_invalid` for an unknown field,
 *   `protocol_violated` for a stream with a name that can't be kept
 */
export function configureCatalog(
  catalog: Catalog,
  choices: readonly StreamChoice[] | undefined,
  supported: readonly DestinationSyncMode[] | undefined,
): ConfiguredCatalog {
  const names = catalog.streams.map(({ name }) => name);
  const naming = choices?.filter(({ namesNothing }) => namesNothing !== true);
  const unknown = (naming ?? []).filter(({ name }) => name !== USUAL_STREAMS && !names.includes(name));
  if (unknown.length > 0) throw streamUnknown(unknown, names);
  const said = new Map(choices?.map((choice) => [choice.name, choice]));
  const usual = said.get(USUAL_STREAMS);
  const streams = chooseStreams(
    catalog.streams,
    naming?.map(({ name }) => name),
  ).map((stream) => configureStream(stream, said.get(stream.name) ?? usual ?? { name: stream.name }, supported));
  if (streams.some(({ stream }) => stream.name === NAME_RESERVED)) {
    throw new CodedError('protocol_violated', {
      message: `The source has a stream with the name "${NAME_RESERVED}", under which nothing can be kept.`,
      remedy: 'Leave it out by naming the others in `streams`, or have the source name it otherwise.',
    });
  }
  if (streams.length > 0) return { streams };
  if (names.length === 0) {
    throw new CodedError('config_invalid', {
      message: 'The source has no streams.',
      remedy: 'Check its config and its access.',
    });
  }
  throw new CodedError('config_invalid', {
    message: 'All streams of the source are optional: each is read only when it is named.',
    remedy: 'Name some of them in `streams`; `penstock discover` lists them.',
  });
}

function streamUnknown(unknown: readonly StreamChoice[], names: readonly string[]): CodedError {
  const said = unknown.slice(0, 5).map(({ name }) => {
    const near = nearestNames(name, names);
    return near.length === 0 ? `"${name}"` : `"${name}" (did you mean ${near.join(' or ')}?)`;
  });
  return new CodedError('stream_unknown', {
    message: `The source has no stream ${said.join(', ')}.`,
    remedy: `\`penstock discover\` lists its ${names.length} streams.`,
  });
}

function configureStream(
  stream: Stream,
  choice: StreamChoice,
  supported: readonly DestinationSyncMode[] | undefined,
): ConfiguredStream {
  const { fields, backfill_limit, time_range } = choice;
  const known = Object.keys((stream.json_schema?.properties as Record<string, unknown> | undefined) ?? {});
  const wrong = known.length === 0 ? undefined : fields?.find((field) => !known.includes(field));
  if (wrong !== undefined) {
    const near = nearestNames(wrong, known);
    throw new CodedError('config_invalid', {
      message: `Stream "${stream.name}" has no field "${wrong}".`,
      remedy: near.length === 0 ? '`penstock discover --json` shows its fields.' : `Did you mean ${near.join(' or ')}?`,
    });
  }
  const destination_sync_mode = choice.destination_sync_mode ?? defaultMode(stream, supported);
  if (supported !== undefined && !supported.includes(destination_sync_mode)) {
    throw new CodedError('mode_unsupported', {
      message: `The destination doesn't support destination_sync_mode ${destination_sync_mode} (stream "${stream.name}").`,
      remedy: `Choose one of: ${supported.join(', ')}.`,
    });
  }
  return {
    stream,
    // Overwriting with only what changed would remove everything else.
    sync_mode: choice.sync_mode ?? (destination_sync_mode === 'overwrite' ? 'full_refresh' : 'incremental'),
    destination_sync_mode,
    ...(stream.supports_time_range === undefined ? {} : { supports_time_range: stream.supports_time_range }),
    ...(fields === undefined ? {} : { fields }),
    ...(backfill_limit === undefined ? {} : { backfill_limit }),
    ...(time_range === undefined ? {} : { time_range }),
  };
}

/** Rows are merged by primary key; where that can't be, they are appended. */
function defaultMode(stream: Stream, supported: readonly DestinationSyncMode[] | undefined): DestinationSyncMode {
  const wanted: DestinationSyncMode = stream.primary_key.length > 0 ? 'append_dedup' : 'append';
  return supported === undefined || supported.includes(wanted) ? wanted : (supported[0] ?? wanted);
}
