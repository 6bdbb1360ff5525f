import { CodedError } from '@penstock/protocol';

/** A flag such as `--stripe.rate-limit 50`. */
export interface DottedFlag {
  /** As it was typed, without its value: `--stripe.rate-limit`. */
  readonly flag: string;
  /** Its parts in snake_case: `["stripe", "rate_limit"]`. */
  readonly path: readonly string[];
  /** As it was typed; undefined when nothing was. */
  readonly value: string | undefined;
}

/** What follows a flag without being its value: another flag; a negative number is none. */
const FLAG = /^-(?!\d|\.\d)./;

const DOTTED = /^--([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)(?:=([\s\S]*))?$/;

/** Takes the dotted flags out of a command line; the others are left for the ordinary parser. */
export function takeDottedFlags(argv: readonly string[]): { flags: DottedFlag[]; rest: string[] } {
  const flags: DottedFlag[] = [];
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const match = DOTTED.exec(argv[i]!);
    if (match === null) {
      rest.push(argv[i]!);
      continue;
    }
    let value = match[2];
    if (value === undefined && i + 1 < argv.length && !FLAG.test(argv[i + 1]!)) value = argv[++i];
    const path = match[1]!.split('.').map((part) => part.replaceAll('-', '_'));
    flags.push({ flag: `--${match[1]}`, path, value });
  }
  return { flags, rest };
}

/** A name as it stands in {@link DottedFlag.path}. */
function asFlagPart(name: string | undefined): string | undefined {
  return name?.replaceAll('-', '_');
}

/** The flags, sorted by what they are about; the path is what follows the prefix. */
export interface AssignedFlags {
  readonly source: DottedFlag[];
  readonly destination: DottedFlag[];
}

/** The names under which the config of each side can be given: its type, or `config` for a command or an image. */
export interface SideNames {
  readonly source: string;
  readonly destination: string | undefined;
}

/**
 * Says which side each flag is for: `--stripe.…` by the type, `--source.stripe.…` and `--destination.config.…` by the side.
 *
 * @throws CodedError `usage` for a prefix that is neither, or that could be both
 */
export function assignFlags(flags: readonly DottedFlag[], names: SideNames): AssignedFlags {
  const assigned: AssignedFlags = { source: [], destination: [] };
  for (const flag of flags) {
    const [first, second, ...deeper] = flag.path;
    if (first === 'source' || first === 'destination') {
      const name = names[first];
      if (second !== asFlagPart(name) || deeper.length === 0) {
        const expected = name === undefined ? `the pipeline has no ${first}` : `expected --${first}.${name}.KEY`;
        throw new CodedError('usage', { message: `${flag.flag}: ${expected}.` });
      }
      assigned[first].push({ ...flag, path: deeper });
      continue;
    }
    const sides = (['source', 'destination'] as const).filter(
      (side) => asFlagPart(names[side]) === first && first !== 'config',
    );
    if (sides.length === 2) {
      throw new CodedError('usage', {
        message: `${flag.flag}: both sides are of the type ${first}.`,
        remedy: `Write --source.${first}.… or --destination.${first}.….`,
      });
    }
    if (sides.length === 0) {
      const known = [names.source, names.destination].filter((name) => name !== undefined && name !== 'config');
      const valid = [...known, 'source', 'destination'].map((name) => `--${name}.…`).join(', ');
      throw new CodedError('usage', { message: `${flag.flag}: nothing here is called "${first}". Valid: ${valid}.` });
    }
    assigned[sides[0]!].push({ ...flag, path: flag.path.slice(1) });
  }
  return assigned;
}
