import type { Session } from '../connect/session.ts';
import { type BatchCounts, type StreamTable, streamTable } from '../merge/store-batch.ts';
import { takeOver } from '../merge/take-over.ts';
import type { TablePlan } from '../tables/plan-tables.ts';

/** How the rows of one stream are replaced as a whole. */
export type Overwrite = {
  /** Where batches go until the set is complete. */
  readonly side: StreamTable;
  /** Has the complete set take the place of the old one. */
  readonly takeOver: (session: Session) => Promise<BatchCounts>;
  /** No other run can go on with the set, so that no checkpoint may leave before it is complete. */
  readonly holdsCheckpoints: boolean;
};

/** Builds it for a table and its side table, both of which are there. */
export function makeOverwrite(target: TablePlan, side: TablePlan): Overwrite {
  return {
    side: streamTable(side),
    takeOver: takeOver(target, side),
    holdsCheckpoints: target.overwrite?.generation === undefined,
  };
}

/**
 * What a batch that went into the side table has done to the table itself: nothing yet. A record that has a row of its own
 * there is counted when the rows are taken over; all others are counted now, so that each is counted once.
 */
export function whileGathering({ updated, deleted, skipped }: BatchCounts): BatchCounts {
  return { created: 0, updated: 0, deleted: 0, skipped: updated + deleted + skipped };
}
