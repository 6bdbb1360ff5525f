import type { EngineMessage, LogPayload } from '@penstock/protocol';
import { liveFrame } from './live-frame.ts';
import { isShown, logLine } from './log-line.ts';
import { type Line, paint } from './paint.ts';
import { emptyRunView, type RunView, reduceRunView } from './run-view.ts';
import { summaryLines } from './summary.ts';
import { formatCount, oneLine } from './text.ts';
import type { TextOutput } from './text-output.ts';

/** Time between two frames, in milliseconds. */
const FRAME_MS = 250;

/** What was said is printed at the end; of a storm only the first lines and the last ones are kept (P4). */
const SAID_FIRST_MAX = 100;
const SAID_LAST_MAX = 100;

/** Erases all, and goes to the first line. */
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

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
 * The live display: on the terminal's other screen, which no resize leaves rubbish on, redrawn a few times a second whatever
 * number of messages comes in. At its end it leaves that screen, and everything that was said and the summary are printed
 * where they stay. Loads ink when the first frame is drawn.
 */
export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #output: TextOutput;
  readonly #startedAt: number;
  readonly #opened: Promise<void>;
  #view: RunView = emptyRunView;
  #saidFirst: Line[] = [];
  #saidLast: Line[] = [];
  #saidCount = 0;
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
    this.#note(logLine(message.log, message._emitted_by));
  }

  /** Shows a line below the streams, and prints it again at the end. @returns false after the display's end */
  say(text: string): boolean {
    if (!this.#closed) this.#note([[oneLine(text), 'plain']]);
    return !this.#closed;
  }

  /** Takes the display away and prints what was said, and the summary. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opened;
    this.#stop?.();
    const { eof } = this.#view;
    const { stdout, pipeline, color } = this.#options;
    const summary = eof === undefined ? [] : summaryLines(eof, pipeline, stdout.columns || 80);
    this.#output.write([...this.#allSaid(), ...summary].map((line) => `${paint(line, color)}\n`).join(''));
    await this.#output.whenFlushed();
  }

  #note(line: Line): void {
    this.#saidCount += 1;
    if (this.#saidFirst.length < SAID_FIRST_MAX) this.#saidFirst.push(line);
    else this.#saidLast.push(line);
    if (this.#saidLast.length > SAID_LAST_MAX) this.#saidLast.shift();
  }

  #allSaid(): Line[] {
    const leftOut = this.#saidCount - this.#saidFirst.length - this.#saidLast.length;
    const gap: Line[] =
      leftOut === 0 ? [] : [[[`… ${formatCount(leftOut)} lines left out; --plain shows all of them`, 'dim']]];
    return [...this.#saidFirst, ...gap, ...this.#saidLast];
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
      notices: [...this.#saidFirst, ...this.#saidLast],
    });
    return lines.map((line) => paint(line, color)).join('\n');
  }

  async #open(): Promise<void> {
    const { openScreen } = await import('./screen.ts');
    if (this.#closed) return;
    const { stdout } = this.#options;
    const screen = openScreen(stdout, () => this.#text(), 2 * (1000 / FRAME_MS));
    const drawAfresh = (): void => {
      // Where the terminal has moved the old frame to is anybody's guess.
      screen.clear();
      stdout.write(CLEAR_SCREEN);
      screen.draw();
    };
    stdout.on('resize', drawAfresh);
    // After Ctrl-Z and fg the shell has written over it.
    process.on('SIGCONT', drawAfresh);
    const timer = setInterval(() => {
      this.#frame += 1;
      screen.draw();
    }, FRAME_MS);
    timer.unref();
    this.#stop = () => {
      clearInterval(timer);
      stdout.off('resize', drawAfresh);
      process.off('SIGCONT', drawAfresh);
      screen.close();
    };
  }
}
