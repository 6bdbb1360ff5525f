/**
 * A model of how the known system reads lists, written from a description of it, to compare requests and time with. After
 * every full page the rest of its range is split into two halves of equal time, whatever the density that was just seen and
 * however busy the slots are: the newer half goes on with the cursor, so that the second at the boundary is not lost, the
 * older half starts anew. Ranges of which a half would be too short are read page after page. All requests go through one
 * token bucket, which starts full. A 429 is tried again after a doubling time; other than there, with a token of its own, or a
 * busy machine's jitter would feed itself at a limit that is just the reader's own, and requests are what is compared here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CaseStream } from './cases.ts';

/** Whole seconds since 1970; the cursor is the id of the last object that was read. */
export interface SplitRange {
  readonly gte: number;
  readonly lt: number;
  readonly cursor?: string;
}

/** What reading took. Times are of `performance.now()`, in ms. */
export interface KnownResult {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly records: number;
}

const HALF_S_MIN = 30;
const PAGES_AT_ONCE_PER_STREAM = 100;
const RETRIES_MAX = 5;

/** What is left of a range after a page that wasn't its last. @param oldest `created` of the page's last object */
export function splitRest({ gte }: SplitRange, oldest: number, cursor: string): readonly SplitRange[] {
  const half = Math.floor((oldest - gte) / 2);
  if (half < HALF_S_MIN) return [{ gte, lt: oldest + 1, cursor }];
  const middle = gte + half;
  return [
    { gte: middle, lt: oldest + 1, cursor },
    { gte, lt: middle },
  ];
}

class TokenBucket {
  readonly #rate: number;
  #tokens: number;
  #atMs = performance.now();

  constructor(rate: number) {
    this.#rate = rate;
    this.#tokens = rate;
  }

  /** In the order of the calls: below zero is what others wait for already. */
  async take(): Promise<void> {
    const nowMs = performance.now();
    this.#tokens = Math.min(this.#rate, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#rate) - 1;
    this.#atMs = nowMs;
    if (this.#tokens < 0) await delay((-this.#tokens / this.#rate) * 1000);
  }
}

class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

interface Page {
  readonly data: readonly { readonly id: string; readonly created?: number; readonly date?: number }[];
  readonly has_more?: boolean;
  readonly next_page_url?: string | null;
}

/**
 * Reads all objects of the lists.
 *
 * @param url of the simulator
 * @param rate requests a second
 * @throws Error for an answer that is neither a page nor 429, or when 429s don't end
 */
export async function readByKnownRule(url: string, rate: number, streams: readonly CaseStream[]): Promise<KnownResult> {
  const bucket = new TokenBucket(rate);
  let records = 0;

  async function get(path: string): Promise<unknown> {
    for (let retry = 0; ; retry++) {
      await bucket.take();
      const response = await fetch(`${url}${path}`, { headers: { authorization: 'Bearer sk_test_bench' } });
      if (response.ok) return response.json();
      const text = await response.text();
      if (response.status !== 429 || retry === RETRIES_MAX) throw new Error(`GET ${path}: ${response.status} ${text}`);
      await delay(Math.max(2 ** retry, Number(response.headers.get('retry-after') ?? 0)) * 1000);
    }
  }

  async function getPage(path: string): Promise<Page> {
    const page = (await get(path)) as Page;
    records += page.data.length;
    return page;
  }

  async function readWhole({ path, pageLimit }: CaseStream): Promise<void> {
    const first = `${path}?limit=${pageLimit}`;
    for (let next: string | undefined = first; next !== undefined; ) {
      const page: Page = await getPage(next);
      const last = page.data.at(-1);
      next = page.next_page_url ?? (page.has_more ? `${first}&starting_after=${last?.id}` : undefined);
    }
  }

  async function readBySplitting({ path, pageLimit }: CaseStream, whole: SplitRange): Promise<void> {
    const slots = new Slots(PAGES_AT_ONCE_PER_STREAM);
    const readRange = async (range: SplitRange): Promise<void> => {
      const after = range.cursor === undefined ? '' : `&starting_after=${range.cursor}`;
      const query = `limit=${pageLimit}&created[gte]=${range.gte}&created[lt]=${range.lt}${after}`;
      const page = await slots.run(() => getPage(`${path}?${query}`));
      const last = page.data.at(-1);
      if (!page.has_more || last === undefined) return;
      await Promise.all(splitRest(range, (last.created ?? last.date)!, last.id).map(readRange));
    };
    await readRange(whole);
  }

  const account = (await get('/v1/account')) as { created: number };
  const whole = { gte: account.created, lt: Math.floor(Date.now() / 1000) + 1 };
  const startedAtMs = performance.now();
  const streamSlots = new Slots(Math.min(Math.ceil(rate), streams.length));
  await Promise.all(
    streams.map((stream) =>
      streamSlots.run(() => (stream.canSplit ? readBySplitting(stream, whole) : readWhole(stream))),
    ),
  );
  return { startedAtMs, endedAtMs: performance.now(), records };
}
