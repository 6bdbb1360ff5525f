import { ExitCode, errorCodes } from './error-code.ts';

/** What each exit code means, for whoever calls a program. */
export const exitCodeMeanings: Readonly<Record<keyof typeof ExitCode, { meaning: string; next: string }>> = {
  done: { meaning: 'Done. Skipped streams are included.', next: 'Nothing.' },
  usage: {
    meaning: 'The command line can not be understood, or a file that it names can not be read.',
    next: 'Correct the command.',
  },
  stopped: {
    meaning: 'Stopped early by a limit or by SIGTERM; state is saved and there is more to do.',
    next: 'Run again to go on.',
  },
  config: {
    meaning: 'Configuration or credentials, or a stream failed because of them.',
    next: 'Do not retry: a person must act.',
  },
  retry: { meaning: 'Something transient, or a stream failed for another reason.', next: 'Retry, with a pause.' },
  protocol: { meaning: 'A connector broke the protocol.', next: 'Report it to whoever maintains the connector.' },
  stateStore: { meaning: 'The state store can not be reached.', next: 'Retry, with a pause; nothing is lost.' },
};

/** The table of exit codes in Markdown. */
export function exitCodeTable(): string {
  const rows = Object.entries(exitCodeMeanings).map(
    ([name, { meaning, next }]) => `| ${ExitCode[name as keyof typeof ExitCode]} | ${meaning} | ${next} |`,
  );
  return ['| exit code | meaning | what to do |', '|---:|---|---|', ...rows].join('\n');
}

/** `docs/reference/errors.md`, made from the table of error codes. */
export function errorPage(): string {
  const codes = Object.entries(errorCodes).map(([code, row]) =>
    [
      `### \`${code}\``,
      '',
      row.meaning,
      '',
      `**What to do.** ${row.remedy}`,
      '',
      `Failure type \`${row.failureType}\` · retry: ${row.retry} · exit code ${row.exitCode}`,
    ].join('\n'),
  );
  return `${[
    '<!-- Generated from protocol-schema/src/error-code.ts by `make generate`. -->',
    '# Errors and exit codes',
    'Every error has a code. The code fixes who can help (the failure type), whether trying again can help, and the exit code. The message says what happened, with real values, and what to do next.',
    '## Exit codes',
    'The same for the engine and for every command of every connector. The `check` of a connector ends with 0 also when the answer is `failed`: the answer is in its message. `penstock check` ends with the exit code of the failure.',
    exitCodeTable(),
    '## Failure types',
    [
      '| failure type | who can help |',
      '|---|---|',
      '| `config` | a person must act: configuration, credentials, permissions |',
      '| `transient` | time: try again later |',
      '| `system` | whoever maintains the program: a defect here or on the other side |',
    ].join('\n'),
    '## Error codes',
    ...codes,
  ].join('\n\n')}\n`;
}
