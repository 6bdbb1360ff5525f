import type { Writable } from 'node:stream';
import { type EngineMessage, encodeMessage, type LogPayload } from '@penstock/protocol';
import { initialLoggedRun } from './changes.ts';
import { LiveView } from './live-view.ts';
import { logEntries } from './log-entries.ts';
import { encodeLogEntry, noteEntry } from './log-entry.ts';
import { paint, wantsColor } from './paint.ts';
import { plainLines } from './plain.ts';
import { TextOutput } from './text-output.ts';

/** How a run is shown: on a terminal, as a log for people or for programs, as messages, or not at all. */
export type ReportMode = 'live' | 'plain' | 'json-log' | 'json' | 'quiet';

/** What a reporter needs. */
export interface ReporterOptions {
  readonly mode: ReportMode;
  /** A terminal for `live`. */
  readonly stdout: Writable & { isTTY?: boolean };
  /** Name of the pipeline, for headings. */
  readonly pipeline: string;
  /** The run, as soon as it is known; asked for each frame. */
  readonly runId?: () => string | undefined;
  /** The least level of logs that are shown. `info` for logs, `warn` for `live`; `json` shows all. */
  readonly logLevel?: LogPayload['level'];
  /** Whether to use colours; by default on a terminal unless NO_COLOR is set. */
  readonly color?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Shows a run. */
export interface Reporter {
  /**
   * To be called with each message that the engine prints, in order.
   *
   * @returns undefined, or a promise to wait for before the next one: the output is full
   */
  onMessage(message: EngineMessage): Promise<void> | undefined;
  /** Shows a line for people, where there is a place for it. @returns false where there is none: say it on stderr */
  say(text: string): boolean;
  /** Ends the display, with the summary when `eof` has come. Resolves when everything is written. */
  close(): Promise<void>;
  /** For a reader that has stalled: neither messages nor {@link close} wait for it from now on. */
  stopWaiting(): void;
}

/** A reporter for each mode. A reader that leaves is no error: the run goes on. */
export function createReporter(options: ReporterOptions): Reporter {
  const output = new TextOutput(options.stdout);
  const color = options.color ?? wantsColor(options.stdout);
  const now = options.now ?? Date.now;
  const { pipeline, runId = () => undefined, logLevel = 'info' } = options;
  const stopWaiting = () => output.stopWaiting();
  switch (options.mode) {
    case 'quiet':
      return { onMessage: () => undefined, say: () => false, close: async () => {}, stopWaiting };
    case 'json':
      return {
        onMessage: (message) => {
          const run = runId();
          return output.write(encodeMessage({ ...message, _pipeline: pipeline, ...(run && { _run_id: run }) }));
        },
        say: () => false,
        close: () => output.whenFlushed(),
        stopWaiting,
      };
    case 'plain': {
      let run = initialLoggedRun;
      return {
        onMessage(message) {
          const change = plainLines(run, message, now(), { pipeline, runId: runId(), logLevel });
          run = change.run;
          return output.write(change.lines.map((line) => `${paint(line, color)}\n`).join(''));
        },
        say: () => false,
        close: () => output.whenFlushed(),
        stopWaiting,
      };
    }
    case 'json-log': {
      let run = initialLoggedRun;
      return {
        onMessage(message) {
          const change = logEntries(run, message, now(), { pipeline, runId: runId(), logLevel });
          run = change.run;
          return output.write(change.entries.map(encodeLogEntry).join(''));
        },
        say(text) {
          void output.write(encodeLogEntry(noteEntry(text, now(), { pipeline, runId: runId() })));
          return true;
        },
        close: () => output.whenFlushed(),
        stopWaiting,
      };
    }
    case 'live': {
      const view = new LiveView(
        {
          pipeline,
          runId,
          logLevel: options.logLevel ?? 'warn',
          stdout: options.stdout as NodeJS.WriteStream,
          color,
          now,
        },
        output,
      );
      return {
        onMessage: (message) => {
          view.onMessage(message);
          return undefined;
        },
        say: (text) => view.say(text),
        close: () => view.close(),
        stopWaiting,
      };
    }
  }
}
