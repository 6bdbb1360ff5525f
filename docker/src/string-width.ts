/**
 * Stands in a bundle for the package `string-width`. That one compiles tables of all emoji when it is loaded, which takes 10 ms
 * or more, and programs load it only to lay out a `--help` that is hardly ever asked for. Here only a text that has more than
 * ASCII in it loads it.
 */
type Options = Readonly<Record<string, boolean>>;

declare const require: (name: 'string-width/whole') => {
  readonly default: (text: string, options?: Options) => number;
};

/** Columns that a text takes on a terminal. */
export default function width(text: string, options?: Options): number {
  // Users of the package hand it other values too, for which it has an answer.
  if (typeof text === 'string' && /^[\x20-\x7e]*$/.test(text)) return text.length;
  return require('string-width/whole').default(text, options);
}
