import { parseArgs } from 'node:util';
import { sourceProgram } from '../source-program.ts';
import { type CaseChoice, distributions, rules } from './cases.ts';

/** What to say to somebody whose command line can't be followed. */
export const usage = `Usage: npm run bench:requests -- [options]

Each option takes one value or several, with commas between them:
  --rule NAME           ${rules.join(', ')}
  --distribution NAME   ${distributions.join(', ')}
  --objects N           20000,200000 when absent
  --rate N              requests a second; 20,100 when absent
  --program FILE        the source to run, for example a bundle of it
`;

/** A command line that can't be followed. */
export class UsageError extends Error {}

/** Which cases to run, and the program for those of ours. */
export interface CommandLine extends CaseChoice {
  readonly program: string;
}

/** @throws UsageError for an option or a value that there isn't */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { rule, distribution, objects, rate, program } = readOptions(args);
  return {
    rules: namesIn('--rule', rule, rules),
    distributions: namesIn('--distribution', distribution, distributions),
    objects: numbersIn('--objects', objects),
    rates: numbersIn('--rate', rate),
    program,
  };
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rule: { type: 'string', default: rules.join() },
        distribution: { type: 'string', default: distributions.join() },
        objects: { type: 'string', default: '20000,200000' },
        rate: { type: 'string', default: '20,100' },
        program: { type: 'string', default: sourceProgram },
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function namesIn<T extends string>(option: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new UsageError(`${option} ${text}: "${name}" is none of ${known.join(', ')}.`);
    return found;
  });
}

function numbersIn(option: string, text: string): readonly number[] {
  return text.split(',').map((word) => {
    if (!/^[1-9]\d{0,8}$/.test(word))
      throw new UsageError(`${option} ${text}: "${word}" is no whole number from 1 up.`);
    return Number(word);
  });
}
