import { unlistedParents } from '../endpoint-rules.ts';
import { childPaths, topLevelPaths } from '../endpoint-table.ts';
import type { Simulator } from '../simulator.ts';
import { type Listing, liveRanks } from '../store/listing.ts';

/** The paths that have a truth: every list with objects of its own, and the parents without a list. */
export function truthPaths(): string[] {
  return [...topLevelPaths, ...childPaths, ...Object.keys(unlistedParents)].sort();
}

/** All current objects of a path as lines of JSON, in the order of the list. Undefined where the path has none. */
export function truth(simulator: Simulator, path: string): Iterable<string> | undefined {
  const listing = topLevel(simulator, path);
  if (listing) return objectsOf(listing);
  return childPaths.includes(path) ? childObjects(simulator, path) : undefined;
}

/** Number of current objects for each path. */
export function truthSummary(simulator: Simulator): Record<string, number> {
  const summary: Record<string, number> = {};
  for (const path of truthPaths()) {
    const listing = topLevel(simulator, path);
    if (listing) summary[path] = listing.liveCount();
    else {
      let count = 0;
      for (const { list } of simulator.store.childLists(path)) count += list.size();
      summary[path] = count;
    }
  }
  return summary;
}

function topLevel(simulator: Simulator, path: string): Listing | undefined {
  return path === '/v1/events' ? simulator.events : simulator.store.streams.get(path);
}

function* objectsOf(listing: Listing): Generator<string> {
  for (const rank of liveRanks(listing)) yield listing.render(rank);
}

function* childObjects(simulator: Simulator, path: string): Generator<string> {
  for (const { list } of simulator.store.childLists(path)) yield* objectsOf(list);
}
