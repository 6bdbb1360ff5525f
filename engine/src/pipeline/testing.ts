/**
 * A pipeline file with every setting on, as a person turns them on: the `#` of `#key:` and of what is below it taken away, at every
 * depth. Comments stay.
 */
export function allOn(text: string): string {
  const next = text.replace(/^( *)#(?=\S| {2})/gm, '$1');
  return next === text ? text : allOn(next);
}
