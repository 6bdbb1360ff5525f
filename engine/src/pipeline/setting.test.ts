// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Setting, settingLines } from './setting.ts';
import { allOn } from './testing.ts';

const setting = (more: Partial<Setting>): Setting => ({ key: 'k', meaning: [], isOn: true, value: 1, ...more });

/** The object that settings stand for. */
function objectOf(settings: readonly Setting[], isWanted: (setting: Setting) => boolean): Record<string, unknown> {
  const entries = settings
    .filter(isWanted)
    .map(({ key, value, below }) => [key, below === undefined ? value : objectOf(below, isWanted)]);
  return Object.fromEntries(entries);
}

const anyKey = fc
  .oneof(
    fc.constantFrom(
      'null',
      'true',
      'no',
      'on',
      'y',
      '~',
      '-',
      '#x',
      'a: b',
      '${X}',
      '1',
      '1e3',
      '<<',
      '*a',
      '',
      ' s ',
      'é',
      '"',
      "'",
    ),
    fc.string({ maxLength: 12 }),
  )
  .filter((key) => key !== '__proto__');
const anyValue = fc.oneof(
  fc.constantFrom(
    '',
    '# no comment',
    'a: b',
    'null',
    '1',
    'two\nlines',
    '"two"\nlines',
    '${X}',
    '- x',
    '<text>',
    'x'.repeat(300),
    '{',
    '@',
    '`',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const anyMeaning = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.constantFrom('key: value', '#key: "1"', 'a\r\n\nb', '\u0000\u0085\ufeff'),
  ),
  { maxLength: 3 },
);
const anySettings = (depth: number): fc.Arbitrary<Setting[]> =>
  fc.uniqueArray(
    fc.record({
      key: anyKey,
      meaning: anyMeaning,
      isOn: fc.boolean(),
      value: anyValue,
      ...(depth > 0
        ? {
            below: fc.option(
              anySettings(depth - 1).filter((below) => below.some(({ isOn }) => isOn)),
              { nil: undefined },
            ),
          }
        : {}),
    }) as fc.Arbitrary<Setting>,
    { selector: ({ key }) => key, maxLength: 4 },
  );

describe('settings as lines of YAML', () => {
  it('are the mapping of those that are on, whatever their keys, values and meanings are', () => {
    fc.assert(
      fc.property(anySettings(2), (settings) => {
        const lines = settingLines(settings);
        // JSON knows no -0.
        const text = lines.join('\n');
        expect(JSON.stringify(parse(text) ?? {})).toBe(JSON.stringify(objectOf(settings, ({ isOn }) => isOn)));
        expect(JSON.stringify(parse(allOn(text)) ?? {})).toBe(JSON.stringify(objectOf(settings, () => true)));
      }),
    );
  });

  it('say what each one means, and what is off once its # is gone', () => {
    const lines = settingLines([
      setting({ key: 'url', value: '${URL}', meaning: ['Where it is.'] }),
      setting({ key: 'size', isOn: false, value: 5, meaning: ['In bytes.', 'At least 1.'] }),
      setting({
        key: 'limits',
        isOn: false,
        meaning: ['Bounds.'],
        below: [setting({ key: 'a', meaning: ['First.'] }), setting({ key: 'b', isOn: false, value: '<text>' })],
      }),
      setting({ key: 'list', isOn: false, value: [{ name: '*' }] }),
    ]);
    expect(lines.join('\n')).toBe(`# Where it is.
url: \${URL}

# In bytes.
# At least 1.
#size: 5

# Bounds.
#limits:
#  # First.
#  a: 1
#  #b: <text>
#list:
#  - name: "*"`);
    expect(parse(allOn(lines.join('\n')))).toEqual({
      url: '${URL}',
      size: 5,
      limits: { a: 1, b: '<text>' },
      list: [{ name: '*' }],
    });
  });

  it('keep long meanings within the width of a screen, and words whole', () => {
    const word = 'w'.repeat(120);
    const lines = settingLines([setting({ meaning: [`${'some words '.repeat(30)}${word}`] })]);
    expect(lines.filter((line) => line.length > 100)).toEqual([`# ${word}`]);
  });
});
