import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { screens, screenText, withScreens } from './screens.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/guide/watching.md'), 'utf8');

it('the guide shows every screen as it is drawn now', () => {
  // When this fails on purpose: npm run generate -w @penstock/engine
  expect(page).toBe(withScreens(page));
  const shown = [...page.matchAll(/^<!-- screen: (\S+) -->\n\n```text$/gm)].map(([, name]) => name);
  expect(shown.sort()).toEqual(Object.keys(screens).sort());
});

it.each(Object.keys(screens).filter((name) => /x\d+$/.test(name)))('%s keeps to its size', (name) => {
  const [width, height] = name.match(/\d+/g)!.map(Number);
  const lines = screenText(name).split('\n');
  expect(lines.length).toBeLessThan(height!);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width!);
});

it('an old screen in the page is replaced, and the text around it stays', () => {
  const old = 'before\n\n<!-- screen: plain -->\n\n```text\nold\n```\n\nafter\n';
  expect(withScreens(old)).toBe(
    `before\n\n<!-- screen: plain -->\n\n\`\`\`text\n${screenText('plain')}\n\`\`\`\n\nafter\n`,
  );
});

it('a screen that nobody draws is an error', () => {
  expect(() => withScreens('<!-- screen: nothing -->\n\n```text\n```\n')).toThrow('there is no screen "nothing"');
});
