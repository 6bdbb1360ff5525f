import { type Catalog, type ConfiguredCatalog, chooseStreams, parseLine, type Stream } from '@penstock/protocol';
import { runProgram } from './program.ts';

/** What a source's `discover` says. */
export async function discover(configPath: string): Promise<Catalog> {
  const { stdout, stderr, code } = await runProgram('source-stripe', ['discover', '--config', configPath]);
  for (const line of stdout.split('\n')) {
    const parsed = parseLine(line);
    if (parsed.kind === 'message' && parsed.message.type === 'catalog') return parsed.message.catalog;
  }
  throw new Error(`discover ended with ${code} and no catalog: ${stderr}`);
}

/** A catalog that moves these streams incrementally, by primary key. */
export function configure(streams: readonly Stream[]): ConfiguredCatalog {
  return {
    streams: streams.map((stream) => ({
      stream,
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
    })),
  };
}

/** Those of the streams that are named; all that are not optional without names. @throws Error for a name that none has */
export function streamsNamed(streams: readonly Stream[], names: readonly string[] | undefined): readonly Stream[] {
  return (
    names?.map((name) => {
      const found = streams.find((stream) => stream.name === name);
      if (found === undefined) throw new Error(`there is no stream ${name}`);
      return found;
    }) ?? chooseStreams(streams)
  );
}
