/** How often each endpoint has been asked, and what it answered. */
export class RequestCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  /** @param outcome HTTP status, or `reset` where the connection was broken off */
  add(path: string, outcome: number | 'reset'): void {
    const byOutcome = this.#counts.get(path) ?? new Map<string, number>();
    byOutcome.set(String(outcome), (byOutcome.get(String(outcome)) ?? 0) + 1);
    this.#counts.set(path, byOutcome);
  }

  reset(): void {
    this.#counts.clear();
  }

  /** Totals, by endpoint and by outcome. */
  toJSON(): { total: number; by_status: Record<string, number>; by_path: Record<string, Record<string, number>> } {
    const byStatus: Record<string, number> = {};
    const byPath: Record<string, Record<string, number>> = {};
    let total = 0;
    for (const [path, outcomes] of [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      byPath[path] = Object.fromEntries(outcomes);
      for (const [outcome, count] of outcomes) {
        byStatus[outcome] = (byStatus[outcome] ?? 0) + count;
        total += count;
      }
    }
    return { total, by_status: byStatus, by_path: byPath };
  }
}
