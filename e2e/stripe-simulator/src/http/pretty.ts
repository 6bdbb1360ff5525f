/**
 * Indents JSON text by two spaces, as Stripe's API answers. Works on the text, so that numbers stay as they are
 * written (`1.0`).
 */
export function indentJson(text: string): string {
  let out = '';
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      i = endOfString(text, i);
    } else if (c === '{' || c === '[') {
      const closing = text[i + 1];
      if (closing === '}' || closing === ']') {
        i++;
        continue;
      }
      depth++;
      out += `${text.slice(from, i + 1)}\n${'  '.repeat(depth)}`;
      from = i + 1;
    } else if (c === '}' || c === ']') {
      depth--;
      out += `${text.slice(from, i)}\n${'  '.repeat(depth)}`;
      from = i;
    } else if (c === ',') {
      out += `${text.slice(from, i + 1)}\n${'  '.repeat(depth)}`;
      from = i + 1;
    } else if (c === ':') {
      out += `${text.slice(from, i + 1)} `;
      from = i + 1;
    }
  }
  return `${out}${text.slice(from)}\n`;
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}
