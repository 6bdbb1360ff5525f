import * as z from 'zod';

/** Longest delay of a timer of Node, in seconds: some 24 days (2^31 - 1 ms). A longer one would be over at once. */
const timerSecondsMax = 2_147_483;

const seconds = z.number().positive().max(timerSecondsMax);

const limits = z.strictObject({
  batch_bytes_max: z
    .int()
    .min(1024)
    .max(256 * 1024 * 1024)
    .default(8 * 1024 * 1024)
    .describe('Records of a stream are written when they have this many bytes.'),
  batch_records_max: z.int().min(1).max(1_000_000).default(10_000).describe('… or are this many.'),
  unstaged_records_max: z
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe('Batches of up to this many records (and 128 KiB) are merged without a staging table, which is faster.'),
  batch_seconds_max: z.number().positive().max(3600).default(1).describe('… or have waited this long, in seconds.'),
  open_checkpoints_max: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Reading pauses while this many checkpoints wait for their records.'),
  retries_max: z.int().min(0).max(100).default(8).describe('How often a batch is tried again after a passing trouble.'),
  retry_seconds_max: seconds.default(300).describe('… and for how long, in seconds.'),
  connect_seconds_max: seconds.default(30).describe('How long a connection may take, in seconds.'),
  silence_seconds_max: seconds
    .default(60)
    .describe(
      'After so many seconds without a sign of a statement, Postgres is asked over another connection what became of it.',
    ),
});

const fieldNames = z.array(z.string().min(1));

const streamOptions = z.strictObject({
  insert_only: fieldNames
    .optional()
    .describe('Fields whose columns keep what the first record of a key said; _raw_data has the newest.'),
  volatile: fieldNames
    .optional()
    .describe('Top-level fields that change all the time: a record that differs in nothing else counts as equal.'),
});

/** The configuration, strict: an unknown key is an error. */
export const configSchema = z.strictObject({
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'expected a URL like postgres://USER@HOST:5432/DATABASE')
    .optional()
    .meta({ secret: true })
    .describe(
      'Where the database is: postgres://USER:PASSWORD@HOST:5432/DATABASE. What it leaves out is taken from PGHOST, PGUSER, PGPASSWORD and the like.',
    ),
  schema: z
    .string()
    .min(1)
    .max(63)
    .refine((name) => Buffer.byteLength(name) <= 63 && !name.includes('\0'), 'a name of at most 63 bytes')
    .refine((name) => !name.startsWith('pg_'), 'another name: Postgres keeps those that begin with pg_ for itself')
    .default('public')
    .describe('The schema of the tables; created when it is missing.'),
  connections: z.int().min(1).max(32).default(2).describe('How many connections write at the same time.'),
  columns: z
    .enum(['typed', 'raw'])
    .default('typed')
    .describe(
      'typed: a column for each top-level scalar of the JSON Schema. raw: only keys and _raw_data, which is faster.',
    ),
  index: z
    .enum(['none', 'default'])
    .default('default')
    .describe('default: indexes on `created` and on references. none: the primary key alone.'),
  on_bad_record: z
    .enum(['fail_stream', 'skip'])
    .default('fail_stream')
    .describe('What happens when Postgres can not store a record. skip: it is left out and logged.'),
  soft_delete: z
    .enum(['mark', 'remove'])
    .default('mark')
    .describe('What becomes of the row of a deleted record: marked as deleted with its content kept, or removed.'),
  streams: z
    .record(z.string(), streamOptions)
    .default({})
    .describe('What is special about single streams, by name; for append_dedup.'),
  ssl_ca_pem: z
    .string()
    .optional()
    .describe(
      'Certificate of the authority that signed the server certificate, as PEM text. Without an sslmode it means verify-full.',
    ),
  ssl_cert_pem: z.string().optional().describe('Our own certificate, for a server that asks for one, as PEM text.'),
  ssl_key_pem: z.string().optional().meta({ secret: true }).describe('The key of `ssl_cert_pem`, as PEM text.'),
  limits: limits.prefault({}).describe('Limits on memory, time and retries.'),
});

/** The configuration as it is used: checked, with its defaults filled in. */
export type Config = z.output<typeof configSchema>;
