import { createInterface } from 'node:readline/promises';
import { CodedError } from '@penstock/protocol';
import type { CommandContext } from './options.ts';

/** Whether there is a person to ask: stdin and stderr are a terminal. */
export function canAsk({ stdin, stderr }: CommandContext): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/**
 * Asks a person whether to go on, where there is one: with stdin and stderr on a terminal. Programs are not asked.
 *
 * @param yes the answer was given beforehand
 * @throws CodedError `stopped` for any other answer than yes
 */
export async function confirm(question: string, yes: boolean | undefined, context: CommandContext): Promise<void> {
  const { stdin, stderr, signal } = context;
  if (yes === true || !canAsk(context)) return;
  // Not as a terminal, so that Ctrl-C is a signal as everywhere else.
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  const whenClosed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const asked =
      signal === undefined ? lines.question(`${question} [y/N] `) : lines.question(`${question} [y/N] `, { signal });
    const answer = await Promise.race([asked, whenClosed]);
    if (/^\s*y(es)?\s*$/i.test(answer)) return;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  } finally {
    lines.close();
  }
  throw new CodedError('stopped', { message: 'Nothing was changed.', remedy: '' });
}
