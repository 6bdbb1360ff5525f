import { distance } from 'fastest-levenshtein';

/** How many names are suggested at most. */
const SUGGESTIONS_MAX = 3;

/** Longer names are cut before they are compared: the work grows with the square of their length. */
const NAME_LENGTH_MAX = 100;

/**
 * The names that `name` was probably meant to be, nearest first, for error messages: mistyped (`api_kye`), spelled in
 * another way (`base-url`) or a part of it (`sessions` for `checkout_sessions`). At most three, none when nothing is near.
 */
export function nearestNames(name: string, valid: readonly string[]): string[] {
  const plain = (text: string): string => text.slice(0, NAME_LENGTH_MAX).toLowerCase().replace(/[-_.]/g, '');
  const wanted = plain(name);
  if (wanted === '') return [];
  const stepsMax = Math.max(wanted.length < 4 ? 1 : 2, Math.floor(wanted.length / 3));
  return valid
    .map((candidate) => {
      const other = plain(candidate);
      const isPart = Math.min(wanted.length, other.length) >= 3 && (other.includes(wanted) || wanted.includes(other));
      // A part is as near as the most mistyped name that still counts.
      return { candidate, steps: Math.min(distance(wanted, other), isPart ? stepsMax : Number.POSITIVE_INFINITY) };
    })
    .filter(({ steps }) => steps <= stepsMax)
    .sort((a, b) => a.steps - b.steps)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ candidate }) => candidate);
}
