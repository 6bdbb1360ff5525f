/** What becomes of one sort of bad input. */
export interface BadInputRow {
  /** What was read. */
  readonly what: string;
  /** What the reader does about it. */
  readonly answer: string;
}

/**
 * What every reader does with input that is not as it should be. The keys name the rows in `golden/bad-lines.ndjson` and
 * `golden/tolerated-lines.ndjson`.
 */
export const badInput = {
  not_a_message: {
    what: 'a line that is not JSON (or not UTF-8), or is no message',
    answer:
      'counted, and logged as a warning with its number and its first 200 bytes; more than 100 of them: the run fails with exit code 40 and says which connector wrote them',
  },
  refused_payload: {
    what: 'a record line that looks canonical, but whose payload the destination refuses',
    answer: 'parsed before it is called bad; when it is no message, as in the row above, else treated as a bad record',
  },
  line_too_long: {
    what: 'a line longer than 32 MiB',
    answer: 'the run fails with exit code 40, naming the stream and the size',
  },
  half_a_line: {
    what: 'a last line without a newline, from a process that failed',
    answer: 'dropped, and said',
  },
  spelling: {
    what: 'a carriage return before the newline, blank lines, spaces, any order of fields, unknown fields',
    answer: 'accepted',
  },
  unknown_type: {
    what: 'a message of an unknown `type`',
    answer: 'passed over, and logged at debug level',
  },
  unknown_stream: {
    what: 'a record of a stream that is not in the catalog',
    answer: 'that stream is an error, once; the others go on',
  },
  config_refused: {
    what: 'a config that the spec refuses',
    answer:
      'one `connection_status: failed` that names each path, what was expected and the valid keys; exit code 20 (`check`: 0)',
  },
  file_refused: {
    what: 'a file that is missing, empty or not JSON',
    answer: 'one line on stderr with the path and the position; exit code 2',
  },
} as const satisfies Record<string, BadInputRow>;
