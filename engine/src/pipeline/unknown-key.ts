import { nearestNames } from '@penstock/protocol';

/** Says that a key is not valid, what it was probably meant to be, and all that are: `unknown key "x"; …`. */
export function describeUnknownKey(key: string, valid: readonly string[]): string {
  const [nearest] = nearestNames(key, valid);
  const meant = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return `unknown key "${key}".${meant} Valid keys: ${valid.length === 0 ? 'none' : valid.join(', ')}`;
}
