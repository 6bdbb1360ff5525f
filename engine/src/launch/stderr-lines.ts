import { StringDecoder } from 'node:string_decoder';
import { scrubText } from '@penstock/protocol';

/** What is given of a line, in characters; the rest of it is for the tail that an error report shows. */
const LINE_LENGTH_MAX = 2_000;

/** What is looked at for secrets, in characters: more than is given, so that none is cut in two where it is given. */
const LINE_LENGTH_HELD = 4 * LINE_LENGTH_MAX;

/** A connector that says more in a second is not worth a log of that size (P4). */
const LINES_PER_SECOND_MAX = 100;

/** Shorter parts of a secret of several lines are no secret, in characters. */
const SECRET_PART_LENGTH_MIN = 6;

/** Cuts what a connector writes on stderr into lines for a log: without its secrets, none too long and not too many. */
export class StderrLines {
  readonly #decoder = new StringDecoder();
  readonly #secrets: readonly string[];
  readonly #onLine: (line: string) => void;
  readonly #now: () => number;
  #rest = '';
  #second = 0;
  #lines = 0;
  #leftOut = 0;

  /** @param now milliseconds, from any moment on */
  constructor(secrets: readonly string[], onLine: (line: string) => void, now: () => number = () => performance.now()) {
    // A certificate's key comes in many lines.
    this.#secrets = secrets.flatMap((secret) => [
      secret,
      ...secret.split(/\r?\n/).filter((part) => part.length >= SECRET_PART_LENGTH_MIN),
    ]);
    this.#onLine = onLine;
    this.#now = now;
  }

  push(chunk: Buffer): void {
    const [first = '', ...others] = this.#decoder.write(chunk).split('\n');
    this.#hold(first);
    for (const text of others) {
      this.#give();
      this.#hold(text);
    }
  }

  /** Nothing more comes: the last line counts without its newline. */
  end(): void {
    this.#give();
    this.#sayLeftOut();
  }

  #hold(text: string): void {
    if (this.#rest.length < LINE_LENGTH_HELD) this.#rest = (this.#rest + text).slice(0, LINE_LENGTH_HELD);
  }

  #give(): void {
    const line = scrubText(this.#rest, this.#secrets).trimEnd();
    this.#rest = '';
    if (line === '') return;
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
      this.#sayLeftOut();
    }
    this.#lines += 1;
    if (this.#lines > LINES_PER_SECOND_MAX) this.#leftOut += 1;
    else this.#onLine(line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX)}…` : line);
  }

  #sayLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#onLine(`… ${this.#leftOut} more lines are left out.`);
    this.#leftOut = 0;
  }
}
