/** Numbers and texts as people read them. Pure, and independent of locale and time zone. */

/** `1234567` as `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Records per second: one decimal below ten, none above; nothing when there are none. */
export function formatRate(perSecond: number): string {
  if (perSecond < 0.05) return '';
  return `${perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(perSecond)}/s`;
}

/** `0.4s`, `12s`, `3m 05s`, `2h 07m`, `3d 04h`. @param ms milliseconds */
export function formatDuration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** An instant to the second, in UTC: `2026-01-31 12:00:00Z`. Text that is no instant is given back. */
export function formatInstant(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** `1 stream`, `2 streams`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Text of others on one line: no control characters, so that it can neither break the display nor steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

/** At most `width` characters; what is cut off shows as `…`. */
export function clip(text: string, width: number): string {
  // By characters, not by UTF-16 units: half an emoji is no text.
  const characters = [...text];
  if (characters.length <= width) return text;
  return width < 1 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}

/** Exactly `width` characters, at the left. */
export function left(text: string, width: number): string {
  return clip(text, width).padEnd(width);
}

/** At least `width` characters, at the right; numbers are never cut. */
export function right(text: string, width: number): string {
  return text.padStart(width);
}

/** Breaks text at spaces into lines of at most `width` characters, at most `linesMax` of them. */
export function wrap(text: string, width: number, linesMax = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  const shown = lines.slice(0, linesMax).map((shownLine) => clip(shownLine, width));
  if (lines.length > linesMax) shown[linesMax - 1] = clip(`${shown[linesMax - 1]} ${lines[linesMax]}`, width);
  return shown;
}

/** As many of the names as fit into `width`, then how many more there are: `a, b and 3 more`. */
export function listNames(names: readonly string[], width: number): string {
  for (let shown = names.length; shown > 0; shown--) {
    const rest = names.length - shown;
    const text = names.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
    if (text.length <= width) return text;
  }
  return '';
}
