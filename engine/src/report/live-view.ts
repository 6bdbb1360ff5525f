import type { EngineMessage, LogPayload } from '@penstock/protocol';
import type { Instance } from 'ink';
import { liveFrame } from './live-frame.ts';
import { isShown, logLine } from './log-line.ts';
import { paint } from './paint.ts';
import { emptyRunView, type RunView, reduceRunView } from './run-view.ts';
import { summaryLines } from './summary.ts';
import type { TextOutput } from './text-output.ts';

/** Time between two frames, in milliseconds. */
const FRAME_MS = 250;

/** Log lines that are printed between two frames; what is more is only counted, so that a storm leaves the display usable. */
const LOG_LINES_PER_FRAME_MAX = 10;

/** What the live view needs. */
export interface LiveViewOptions {
  readonly pipeline: string;
  readonly runId: () => string | undefined;
  readonly logLevel: LogPayload['level'];
  readonly stdout: NodeJS.WriteStream;
  readonly color: boolean;
  /** Milliseconds. */
  readonly now: () => number;
}

/**
 * The live display on a terminal: redrawn a few times a second whatever number of messages comes in; logs are printed above
 * it; at the end it makes room for the summary. Loads ink when the first frame is drawn.
 */
export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #output: TextOutput;
  readonly #startedAt: number;
  readonly #opened: Promise<void>;
  #view: RunView = emptyRunView;
  #logs: string[] = [];
  #logsLeftOut = 0;
  #frame = 0;
  #stop: (() => void) | undefined;
  #closed = false;

  constructor(options: LiveViewOptions, output: TextOutput) {
    this.#options = options;
    this.#output = output;
    this.#startedAt = options.now();
    this.#opened = this.#open();
  }

  onMessage(message: EngineMessage): void {
    this.#view = reduceRunView(this.#view, message, this.#options.now());
    if (message.type !== 'log' || !isShown(message.log.level, this.#options.logLevel)) return;
    if (this.#logs.length >= LOG_LINES_PER_FRAME_MAX) this.#logsLeftOut += 1;
    else this.#logs.push(paint(logLine(message.log, message._emitted_by), this.#options.color));
  }

  /** Prints a line above the display. @returns false after the display's end */
  say(text: string): boolean {
    if (!this.#closed) this.#logs.push(text);
    return !this.#closed;
  }

  /** Takes the display away and prints the summary. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opened;
    this.#stop?.();
    const { eof } = this.#view;
    const logs = this.#takeLogs();
    const { stdout, pipeline, color } = this.#options;
    const summary = eof === undefined ? [] : summaryLines(eof, pipeline, stdout.columns || 80);
    this.#output.write(logs + summary.map((line) => `${paint(line, color)}\n`).join(''));
    await this.#output.whenFlushed();
  }

  #takeLogs(): string {
    const more = this.#logsLeftOut === 0 ? [] : [`… and ${this.#logsLeftOut} more; --plain shows all of them`];
    const text = [...this.#logs, ...more].map((line) => `${line}\n`).join('');
    this.#logs = [];
    this.#logsLeftOut = 0;
    return text;
  }

  #text(): string {
    const { pipeline, runId, stdout, now, color } = this.#options;
    const lines = liveFrame(this.#view, {
      pipeline,
      runId: runId(),
      width: stdout.columns || 80,
      // A frame as high as the terminal makes it scroll.
      height: Math.max(4, (stdout.rows || 24) - 1),
      elapsedMs: now() - this.#startedAt,
      now: now(),
      frame: this.#frame,
    });
    return lines.map((line) => paint(line, color)).join('\n');
  }

  async #open(): Promise<void> {
    // Only here: most runs have no terminal, and these take a while to load.
    const [{ createElement, useEffect }, { render, Text, useStdout }] = await Promise.all([
      import('react'),
      import('ink'),
    ]);
    if (this.#closed) return;
    let printAbove: ((text: string) => void) | undefined;
    const Frame = ({ text }: { text: string }) => {
      const { write } = useStdout();
      useEffect(() => {
        printAbove = write;
      }, [write]);
      return createElement(Text, { wrap: 'truncate' }, text);
    };
    const app: Instance = render(createElement(Frame, { text: this.#text() }), {
      stdout: this.#options.stdout,
      // The engine decides what Ctrl+C does, and whether this is a terminal.
      exitOnCtrlC: false,
      interactive: true,
      maxFps: 2 * (1000 / FRAME_MS),
    });
    const timer = setInterval(() => {
      this.#frame += 1;
      const logs = this.#takeLogs();
      if (logs !== '') printAbove?.(logs);
      app.rerender(createElement(Frame, { text: this.#text() }));
    }, FRAME_MS);
    timer.unref();
    this.#stop = () => {
      clearInterval(timer);
      app.clear();
      app.unmount();
    };
  }
}
