import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { confirm } from './confirm.ts';
import type { CommandContext } from './options.ts';

function terminal(isTTY: boolean, signal?: AbortSignal) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const context = { stdin, stderr, ...(signal && { signal }) } as unknown as CommandContext;
  return { stdin, stderr, context };
}

it.each(['y', 'Y', 'yes', ' yes '])('takes %j for yes', async (answer) => {
  const { stdin, stderr, context } = terminal(true);
  stdin.write(`${answer}\n`);
  await confirm('Forget it?', undefined, context);
  expect(String(stderr.read())).toBe('Forget it? [y/N] ');
});

it.each(['', 'n', 'yesterday', 'no'])('takes %j for no', async (answer) => {
  const { stdin, context } = terminal(true);
  stdin.write(`${answer}\n`);
  await expect(confirm('Forget it?', undefined, context)).rejects.toMatchObject({
    code: 'stopped',
    message: 'Nothing was changed.',
  });
});

it('takes the end of the input, and a signal, for no', async () => {
  const closed = terminal(true);
  closed.stdin.end();
  await expect(confirm('Forget it?', undefined, closed.context)).rejects.toMatchObject({ code: 'stopped' });
  const stop = new AbortController();
  const stopped = terminal(true, stop.signal);
  const asked = confirm('Forget it?', undefined, stopped.context);
  stop.abort();
  await expect(asked).rejects.toMatchObject({ code: 'stopped' });
});

it('asks neither a program nor whoever has said yes', async () => {
  const program = terminal(false);
  await confirm('Forget it?', undefined, program.context);
  const sure = terminal(true);
  await confirm('Forget it?', true, sure.context);
  expect([program.stderr.read(), sure.stderr.read()]).toEqual([null, null]);
});
