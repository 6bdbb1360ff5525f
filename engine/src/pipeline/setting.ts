import { stringify, type ToStringOptions } from 'yaml';

/** A key of a YAML file that people will read and change. */
export interface Setting {
  readonly key: string;
  /** What it means, in paragraphs; any text. */
  readonly meaning: readonly string[];
  /** Whether it counts. If not, it stands there behind a `#`. */
  readonly isOn: boolean;
  /** Its value, or the settings that are below it. */
  readonly value: unknown;
  readonly below?: readonly Setting[];
  /** The value is none yet: a person has to put one there. */
  readonly isPlaceholder?: boolean;
}

/** How wide a line of a comment may be, in characters, if its words allow it. */
const COMMENT_WIDTH = 100;

/** Down to this level, the config of a connector, settings stand apart. */
const SPACED_DEPTH = 2;

/** One line for each text, whatever is in it: lines that are empty would say nothing behind a `#`. */
const yamlOptions = {
  lineWidth: 0,
  blockQuote: false,
  singleQuote: false,
  doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
} satisfies ToStringOptions;

/**
 * The lines of a YAML mapping with these settings, each with what it means above it: `# text` is a comment, and `#key:` a setting that
 * is off and counts once the `#` is gone. Pure.
 */
export function settingLines(settings: readonly Setting[], depth = 0): string[] {
  return settings.flatMap((setting, i) => {
    const lines = [
      ...commentLines(setting.meaning, COMMENT_WIDTH - 2 * Math.min(depth, 4)),
      ...bodyLines(setting, depth),
    ];
    return i > 0 && depth <= SPACED_DEPTH && setting.meaning.length > 0 ? ['', ...lines] : lines;
  });
}

/** Paragraphs as lines of a comment. */
export function commentLines(paragraphs: readonly string[], width: number = COMMENT_WIDTH): string[] {
  return paragraphs
    .flatMap((paragraph) => paragraph.trim().split(/\r\n|[\n\r\u0085\u2028\u2029]/))
    .flatMap((line) => wrap(line, width - 2))
    .map((line) => `# ${line}`.trimEnd());
}

function bodyLines({ key, value, below, isOn }: Setting, depth: number): string[] {
  const lines =
    below === undefined
      ? stringify({ [key]: value }, { ...yamlOptions, compat: 'yaml-1.1', aliasDuplicateObjects: false })
          .trimEnd()
          .split('\n')
      : [`${yamlKey(key)}:`, ...settingLines(below, isOn ? depth + 1 : Number.POSITIVE_INFINITY).map(indent)];
  return isOn ? lines : lines.map((line) => `#${line}`);
}

function yamlKey(key: string): string {
  return stringify({ [key]: null }, { ...yamlOptions, compat: 'yaml-1.1', nullStr: '' })
    .trimEnd()
    .slice(0, -1);
}

function indent(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

/** The words of a text in lines; characters that YAML doesn't allow in a comment are left out. */
function wrap(text: string, width: number): string[] {
  const words = text.replace(/[\p{Cc}\p{Cs}\ufeff]/gu, ' ').split(/ +/);
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
