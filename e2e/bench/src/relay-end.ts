/** What both ends of the relay's benchmark have in common: how they are told what to do, and how they say what it took. */
import { readFileSync, writeFileSync } from 'node:fs';

/** The config of both ends. */
export interface RelayEndConfig {
  /** How much the source writes, about. */
  readonly bytes: number;
  /** What an end does beside: parse every record, or, in the sink, nothing but cut lines. */
  readonly work: 'none' | 'parse' | 'split';
  /** File for what it took. */
  readonly figures: string;
}

/** What an end took. */
export interface RelayEndFigures {
  readonly cpu_s: number;
  /** The sink's: all that it read, and the time from the first byte to the last. */
  readonly bytes?: number;
  readonly records?: number;
  readonly seconds?: number;
}

/** The command line of a connector. */
export function beginCommand(): { readonly command: string; readonly config: RelayEndConfig } {
  const [command = '', ...rest] = process.argv.slice(2);
  const at = rest.indexOf('--config');
  const config = at === -1 ? {} : JSON.parse(readFileSync(rest[at + 1]!, 'utf8'));
  return { command, config: config as RelayEndConfig };
}

/** Has the figures written when the process ends; `figures` may be filled until then. */
export function reportAtExit(config: RelayEndConfig, figures: Partial<RelayEndFigures>): void {
  const before = process.cpuUsage();
  process.on('exit', () => {
    const { user, system } = process.cpuUsage(before);
    writeFileSync(config.figures, JSON.stringify({ ...figures, cpu_s: (user + system) / 1e6 }));
  });
}
