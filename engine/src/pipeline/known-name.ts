/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** The names that `name` was probably meant to be, nearest first; at most three, none when nothing is near. */
export function nearestNames(name: string, valid: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return valid
    .map((candidate) => {
      const at = candidate.toLowerCase();
      const contains = wanted.length >= 3 && (at.includes(wanted) || wanted.includes(at));
      return { candidate, distance: Math.min(editDistance(wanted, at), contains ? 2 : Number.POSITIVE_INFINITY) };
    })
    .filter(({ distance }) => distance <= Math.max(2, Math.floor(wanted.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Says that a key is not valid, what it was probably meant to be, and all that are: `unknown key "x"; …`. */
export function describeUnknownKey(key: string, valid: readonly string[]): string {
  const [nearest] = nearestNames(key, valid);
  const meant = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return `unknown key "${key}".${meant} Valid keys: ${valid.length === 0 ? 'none' : valid.join(', ')}`;
}
