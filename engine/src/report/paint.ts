import { clip } from './text.ts';

/** How a piece of text looks. */
export type Style = 'plain' | 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A piece of text in one style. */
export type Segment = readonly [text: string, style: Style];

/** One line of a display, free of escape sequences, so that layouts can be tested as text. */
export type Line = readonly Segment[];

const codes: Record<Exclude<Style, 'plain'>, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** The line as text, with ANSI colours when `color`. Ends without spaces. */
export function paint(line: Line, color: boolean): string {
  if (!color) return lineText(line).trimEnd();
  return line
    .map(([text, style]) => {
      if (style === 'plain' || text === '') return text;
      const [on, off] = codes[style];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    })
    .join('');
}

/** The line, at most `width` characters of it; what is cut off shows as `…`. */
export function clipLine(line: Line, width: number): Line {
  let room = width;
  return line.flatMap(([text, style], index): Segment[] => {
    const rest = lineText(line.slice(index + 1));
    // The last piece that has room ends with the mark, when something comes after it.
    const shown = clip(rest !== '' && [...text].length >= room ? `${text}…` : text, room);
    room -= [...shown].length;
    return shown === '' ? [] : [[shown, style]];
  });
}

/** The line without styles. */
export function lineText(line: Line): string {
  return line.map(([text]) => text).join('');
}

/** Whether an output shows colours: a terminal, and NO_COLOR (no-color.org) is not set. */
export function wantsColor(output: { isTTY?: boolean }, environment: NodeJS.ProcessEnv = process.env): boolean {
  return output.isTTY === true && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
}
