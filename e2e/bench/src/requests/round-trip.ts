import type { CaseStream } from './cases.ts';

/** Also warms the simulator up: a server that just started is slower than any that a user meets. */
const pages = 20;

/**
 * What a full page takes a client that doesn't look at it, in ms: the latency that is asked for, and the simulator's own
 * work. The median of several. No rate limit may be set.
 */
export async function measureRoundTrip(url: string, lists: readonly CaseStream[]): Promise<number> {
  const { path, pageLimit } = lists.toSorted((a, b) => b.objects - a.objects)[0]!;
  const times: number[] = [];
  for (let page = 0; page < pages; page++) {
    const startedAtMs = performance.now();
    const headers = { authorization: 'Bearer sk_test_bench' };
    const response = await fetch(`${url}${path}?limit=${pageLimit}`, { headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    times.push(performance.now() - startedAtMs);
  }
  return times.toSorted((a, b) => a - b)[pages / 2]!;
}
