import { fitName } from './identifier.ts';
import type { TablePlan } from './plan-tables.ts';

/**
 * The table in which the next rows of an overwritten table are gathered. Its name has the generation in it, so that a
 * program that still writes an older one finds its table gone, and doesn't mix its rows with these. Pure.
 *
 * @param plan of the stream's table
 * @param runName stands in for the generation where there is none: unlike that of any other run
 */
export function planSide(plan: TablePlan, runName: string): TablePlan {
  const set = plan.overwrite?.generation ?? runName;
  return {
    ...plan,
    table: fitName(`_penstock_next_${set}_${plan.stream}`),
    overwrite: undefined,
    // A deleted record has to leave a trace: older ones may come after it.
    softDelete: 'mark',
    tombstones: undefined,
    indexes: [],
  };
}
