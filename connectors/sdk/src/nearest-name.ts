/** Steps of one character (put in, left out, replaced, or swapped with its neighbour) from one word to the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** What was probably meant by a name that isn't valid; undefined when nothing is near. Dashes, case and `_` don't count. */
export function nearestName(name: string, valid: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_.]/g, '');
  const wanted = plain(name.slice(0, 100));
  let nearest: { name: string; distance: number } | undefined;
  for (const candidate of valid) {
    const steps = distance(wanted, plain(candidate));
    if (steps <= Math.max(1, Math.floor(wanted.length / 3)) && steps < (nearest?.distance ?? Infinity)) {
      nearest = { name: candidate, distance: steps };
    }
  }
  return nearest?.name;
}
