/**
 * What helps with words on the command line that no command takes.
 *
 * @param complaint the parser's own, for example `Unknown argument: b`
 * @returns a sentence, or an empty text when the complaint says enough
 */
export function usageHint(complaint: string, argv: readonly string[]): string {
  const unknown = /^Unknown arguments?: (.*)$/.exec(complaint)?.[1]?.split(', ') ?? [];
  const words = unknown.filter((word) => argv.includes(word));
  const file = words.find((word) => /\.(ya?ml|json)$/.test(word));
  if (file !== undefined) return `Name a pipeline file with --config ${file}.`;
  const list = argv.indexOf('--streams') + 1;
  if (list === 0 || argv[list + 1] !== words[0] || words.length === 0) return '';
  return `Separate streams by commas: --streams ${[argv[list], ...words].join(',')}.`;
}
