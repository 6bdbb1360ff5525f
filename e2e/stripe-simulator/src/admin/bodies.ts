import * as z from 'zod';
import { type Faults, lateSecondsMax } from '../faults.ts';
import type { Schedule } from '../schedule.ts';
import { AdminError } from './admin-error.ts';

const share = z.number().min(0).max(1);
const rate = z.number().min(0);
const paths = z.array(z.string());

const faultsSchema = z.strictObject({
  latency_ms: z.number().min(0),
  latency_jitter_ms: z.number().min(0),
  rate_limit: z.number().positive().nullable(),
  retry_after: z.boolean(),
  error_rate: share,
  reset_rate: share,
  forbidden: paths,
  not_enabled: paths,
  garbage: paths,
  events_late: share,
  events_late_seconds: z.number().int().min(1).max(lateSecondsMax),
  events_doubled: share,
  events_partial: paths,
  events_older: share,
}) satisfies z.ZodType<Faults>;
const scheduleSchema = z.strictObject({ create: rate, update: rate, delete: rate }) satisfies z.ZodType<Schedule>;
const faultsBody = faultsSchema.extend({ schedule: scheduleSchema.partial() }).partial();
const objectsBody = z.strictObject({
  path: z.string(),
  count: z.number().int().min(1).max(1_000_000).optional(),
  id: z.string().optional(),
  ids: z.array(z.string()).optional(),
});

/** What is to be changed about the faults; what isn't named stays. */
export type FaultsBody = Partial<Faults> & { schedule?: Partial<Schedule> };
/** Which objects to make or change. */
export type ObjectsBody = z.infer<typeof objectsBody>;

/** Reads the body of `POST /_admin/faults`. @throws AdminError that says what is wrong */
export function readFaults(body: unknown): FaultsBody {
  // zod's partial() says `| undefined` of keys, but leaves out those that weren't sent.
  return read(faultsBody, body) as FaultsBody;
}

/** Reads the body of `POST /_admin/objects/…`. @throws AdminError that says what is wrong */
export function readObjects(body: unknown): ObjectsBody {
  return read(objectsBody, body);
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const { success, data, error } = schema.safeParse(body);
  if (!success) throw new AdminError(z.prettifyError(error), { cause: error });
  return data;
}
