/** How full a page of a list is: `partial` has fewer objects than were asked for. */
export type PageFill = 'empty' | 'partial' | 'full';

/** What has been counted, as the admin endpoint gives it. */
export type RequestSummary = {
  total: number;
  by_status: Record<string, number>;
  by_path: Record<string, Record<string, number>>;
  /** Requests that were answered with a page without objects, by path. */
  empty_pages: Record<string, number>;
  /** Requests that were answered with fewer objects than they asked for, by path. */
  partial_pages: Record<string, number>;
  /** Most requests that were being answered at the same time. */
  max_in_flight: number;
};

/** How often each endpoint has been asked, and what it answered. */
export class RequestCounts {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #pages = { empty: new Map<string, number>(), partial: new Map<string, number>() };
  #inFlight = 0;
  #inFlightMax = 0;

  /** @param outcome HTTP status, or `reset` where the connection was broken off */
  add(path: string, outcome: number | 'reset'): void {
    const byOutcome = this.#counts.get(path) ?? new Map<string, number>();
    byOutcome.set(String(outcome), (byOutcome.get(String(outcome)) ?? 0) + 1);
    this.#counts.set(path, byOutcome);
  }

  addPage(path: string, fill: PageFill): void {
    if (fill === 'full') return;
    const pages = this.#pages[fill];
    pages.set(path, (pages.get(path) ?? 0) + 1);
  }

  begin(): void {
    this.#inFlight++;
    this.#inFlightMax = Math.max(this.#inFlightMax, this.#inFlight);
  }

  end(): void {
    this.#inFlight--;
  }

  /** Requests that are being answered at this moment go on to count as in flight. */
  reset(): void {
    this.#counts.clear();
    this.#pages.empty.clear();
    this.#pages.partial.clear();
    this.#inFlightMax = this.#inFlight;
  }

  /** Totals, by endpoint and by outcome. */
  toJSON(): RequestSummary {
    const byStatus: Record<string, number> = {};
    const byPath: Record<string, Record<string, number>> = {};
    let total = 0;
    for (const [path, outcomes] of byName(this.#counts)) {
      byPath[path] = Object.fromEntries(outcomes);
      for (const [outcome, count] of outcomes) {
        byStatus[outcome] = (byStatus[outcome] ?? 0) + count;
        total += count;
      }
    }
    return {
      total,
      by_status: byStatus,
      by_path: byPath,
      empty_pages: Object.fromEntries(byName(this.#pages.empty)),
      partial_pages: Object.fromEntries(byName(this.#pages.partial)),
      max_in_flight: this.#inFlightMax,
    };
  }
}

function byName<T>(counts: ReadonlyMap<string, T>): [string, T][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
