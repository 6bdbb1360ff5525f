import { nearestNames } from '@penstock/protocol';

/** The parser's complaint about what no command takes. */
const UNKNOWN = /^Unknown arguments?: (.*)$/;

/**
 * What the parser of the command line complains of, with what helps.
 *
 * @param complaint the parser's own, for example `Unknown argument: b`
 * @param known the flags of the command, without dashes
 */
export function explainUsage(complaint: string, argv: readonly string[], known: readonly string[]): string {
  const names = UNKNOWN.exec(complaint)?.[1]?.split(', ');
  if (names === undefined) return complaint.replace(/[^.?!]$/, '$&.');
  const unknown = withoutRepeats(names, argv);
  const what = `Unknown ${unknown.length === 1 ? 'argument' : 'arguments'}: ${unknown.join(', ')}.`;
  return [what, hint(unknown, argv, known)].join(' ').trim();
}

/** The parser names `record-limit` a second time as `recordLimit`. */
function withoutRepeats(names: readonly string[], argv: readonly string[]): string[] {
  const camelCase = (name: string): string => name.replace(/-+(.)/g, (_, next: string) => next.toUpperCase());
  const repeats = names.filter((name) => name.includes('-')).map(camelCase);
  return [...new Set(names)].filter((name) => argv.includes(name) || !repeats.includes(name));
}

/** A sentence, or an empty text when the complaint says enough. */
function hint(unknown: readonly string[], argv: readonly string[], known: readonly string[]): string {
  const words = unknown.filter((word) => argv.includes(word));
  const file = words.find((word) => /\.(ya?ml|json)$/.test(word));
  if (file !== undefined) return `Name a pipeline file with --config ${file}.`;
  const list = argv.indexOf('--streams') + 1;
  if (list > 0 && words.length > 0 && argv[list + 1] === words[0])
    return `Separate streams by commas: --streams ${[argv[list], ...words].join(',')}.`;
  const meant = unknown
    .filter((name) => !words.includes(name))
    .flatMap((flag) => nearestNames(flag, known).slice(0, 1));
  return meant.length === 0 ? '' : `Did you mean ${meant.map((flag) => `--${flag}`).join(', ')}?`;
}
