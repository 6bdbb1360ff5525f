import { unlistedParents } from '../endpoint-rules.ts';
import { childPaths, topLevelPaths } from '../endpoint-table.ts';
import type { Simulator } from '../simulator.ts';
import { type Listing, liveRanks } from '../store/listing.ts';
import { TextWriter } from '../text-writer.ts';

/** A piece of a truth has this many bytes, and a line more. */
const pieceBytes = 256 * 1024;

/** The paths that have a truth: every list with objects of its own, and the parents without a list. */
export function truthPaths(): string[] {
  return [...topLevelPaths, ...childPaths, ...Object.keys(unlistedParents)].sort();
}

/**
 * All current objects of a path as lines of JSON, in the order of the list, some lines in each piece. Undefined where the
 * path has none.
 */
export function truth(simulator: Simulator, path: string): Iterable<Buffer> | undefined {
  const listing = topLevel(simulator, path);
  if (listing) return linesOf([listing]);
  return childPaths.includes(path) ? linesOf(childLists(simulator, path)) : undefined;
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

function* childLists(simulator: Simulator, path: string): Generator<Listing> {
  for (const { list } of simulator.store.childLists(path)) yield list;
}

function* linesOf(listings: Iterable<Listing>): Generator<Buffer> {
  const out = new TextWriter();
  for (const listing of listings) {
    for (const rank of liveRanks(listing)) {
      listing.write(rank, out);
      out.text('\n');
      if (out.length < pieceBytes) continue;
      // A copy: the piece is still on its way when the next one is written.
      yield Buffer.from(out.written);
      out.clear();
    }
  }
  if (out.length > 0) yield Buffer.from(out.written);
}
