import { sourceProgram } from '../source-program.ts';
import { numbersIn, readOptions, UsageError } from '../usage-error.ts';
import { type CaseChoice, distributions, rules } from './cases.ts';

/** What to say to somebody whose command line can't be followed. */
export const usage = `Usage: npm run bench:requests -- [options]

Each option takes one value or several, with commas between them:
  --rule NAME           ${rules.join(', ')}
  --distribution NAME   ${distributions.join(', ')}
  --objects N           20000,200000 when absent
  --rate N              requests a second; 20,100 when absent
  --program FILE        the source to run; by default its bundle
`;

/** Which cases to run, and the program for those of ours. */
export interface CommandLine extends CaseChoice {
  readonly program: string;
}

/** @throws UsageError for an option or a value that there isn't */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = readOptions(args, {
    rule: { type: 'string', default: rules.join() },
    distribution: { type: 'string', default: distributions.join() },
    objects: { type: 'string', default: '20000,200000' },
    rate: { type: 'string', default: '20,100' },
    program: { type: 'string', default: sourceProgram },
  });
  return {
    rules: namesIn('--rule', values.rule, rules),
    distributions: namesIn('--distribution', values.distribution, distributions),
    objects: numbersIn('--objects', values.objects),
    rates: numbersIn('--rate', values.rate),
    program: values.program,
  };
}

function namesIn<T extends string>(option: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new UsageError(`${option} ${text}: "${name}" is none of ${known.join(', ')}.`);
    return found;
  });
}
