import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A command line that can't be followed. */
export class UsageError extends Error {}

/** The options of a command line. @throws UsageError for one that there isn't, or that lacks its value */
export function readOptions<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

/** Numbers with commas between them. @throws UsageError for what isn't a whole number from 1 up */
export function numbersIn(option: string, text: string): readonly number[] {
  return text.split(',').map((word) => {
    if (!/^[1-9]\d{0,8}$/.test(word))
      throw new UsageError(`${option} ${text}: "${word}" is no whole number from 1 up.`);
    return Number(word);
  });
}

/** Runs a benchmark; a command line that can't be followed ends with 2, with the usage on stderr. */
export async function runWithUsage(usage: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
  }
}
