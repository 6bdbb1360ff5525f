/**
 * How many list requests reading takes, and how long, next to the fewest and the shortest possible: `npm run bench:requests`.
 * A JSON line for each case:
 *
 * - `requests`: list requests that the simulator counted; `minimum`: the pages of all lists, were they full; `ratio` of them
 * - `wall_s`: from the first list request to the last record; `ideal_s`: what rate and latency allow; `wall_ratio` of them
 * - `wall_ratio_round_trip`: the same with what a page really takes here (`round_trip_ms`) in place of the bare latency, which
 *   matters where one request has to wait for the other
 * - `too_many_requests`: answers with 429; the simulator allows just the rate that the reader keeps to
 * - `other_requests`: those that are for none of the lists (the account, events, lists inside objects)
 * - `empty_pages`, `partial_pages`: answers for the lists with no object, and with fewer than were asked for
 * - `max_in_flight`: the most requests at the same time; `cpu_s`, `peak_rss_mb`: what our program used
 * - `side_by_side`: cases that ran at the same time. Those of 20 requests/s and less mostly wait, so two of them do.
 *
 * `ours` is the real source as a program, `known` the model in requests/known-rule.ts. All cases take about 20 minutes, those
 * of one rule half of that. Options: see requests/command-line.ts.
 */
import { printFigures } from './print-figures.ts';
import { type Case, casesOf } from './requests/cases.ts';
import { readCommandLine, usage } from './requests/command-line.ts';
import { measureCase, type Setting } from './requests/measure-case.ts';
import { discoverStreams } from './source-program.ts';
import { runWithUsage } from './usage-error.ts';

const slowRateMax = 20;
const slowAtOnce = 2;

/** Takes the next case until there is none; a case that fails is said, and doesn't keep the others from running. */
async function measureAll(cases: Case[], setting: Setting, sideBySide: number): Promise<void> {
  const one = async (): Promise<void> => {
    for (let next = cases.shift(); next !== undefined; next = cases.shift()) {
      try {
        printFigures({ ...(await measureCase(next, setting)), side_by_side: sideBySide });
      } catch (error) {
        process.stderr.write(`${JSON.stringify(next)}: ${(error as Error).message}\n`);
        process.exitCode = 1;
      }
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, one));
}

await runWithUsage(usage, async () => {
  const { program, ...choice } = readCommandLine(process.argv.slice(2));
  const cases = casesOf(choice);
  const setting = { program, discovered: await discoverStreams(program) };
  const slow = cases.filter(({ rate }) => rate <= slowRateMax);
  const fast = cases.filter(({ rate }) => rate > slowRateMax);
  await measureAll(slow, setting, Math.min(slowAtOnce, Math.max(1, slow.length)));
  await measureAll(fast, setting, 1);
});
