import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '../testing/database.ts';
import { type ColumnKind, castSql, castTextSql, sqlTypes } from './column-type.ts';

const db = useTestDatabase();

/** The column's value as text, or null. */
async function cast(kind: ColumnKind, json: string): Promise<string | null> {
  const client = await db.pool.connect();
  try {
    await client.query("set timezone = 'UTC'");
    const { rows } = await client.query(
      `select (${castSql(kind, 'j')})::text as value from (select $1::jsonb as j) x`,
      [json],
    );
    return rows[0].value;
  } finally {
    client.release();
  }
}

const cases: readonly (readonly [ColumnKind, string, string | null])[] = [
  ['text', '"a"', 'a'],
  ['text', '1.50', '1.50'],
  ['text', 'true', 'true'],
  ['text', 'null', null],
  ['text', '{"a":1}', null],
  ['reference', '"cus_1"', 'cus_1'],
  ['reference', '{"id":"cus_1","x":2}', 'cus_1'],
  ['reference', '{"x":2}', null],
  ['reference', `"${'x'.repeat(2000)}"`, 'x'.repeat(2000)],
  // An index would refuse it, and with it the whole record.
  ['reference', `"${'x'.repeat(2001)}"`, null],
  ['reference', `{"id":"cus_1","x":"${'x'.repeat(3000)}"}`, 'cus_1'],
  ['reference', `{"id":"${'x'.repeat(2001)}"}`, null],
  ['short_text', `"${'x'.repeat(2000)}"`, 'x'.repeat(2000)],
  ['short_text', `"${'x'.repeat(2001)}"`, null],
  ['short_text', '{"a":1}', null],
  ['short_text', 'true', 'true'],
  ['short_jsonb', '{"a": 1}', '{"a": 1}'],
  ['short_jsonb', `["${'x'.repeat(2000)}"]`, null],
  ['short_numeric', '0.10', '0.10'],
  ['short_numeric', '1'.repeat(2001), null],
  ['boolean', 'true', 'true'],
  ['boolean', '"true"', null],
  ['bigint', '[]', null],
  ['bigint', '[5]', null],
  ['bigint', '{"a":1}', null],
  ['bigint', 'false', null],
  ['unix_time', '[]', null],
  ['unix_time', '[1]', null],
  ['unix_time', 'true', null],
  ['text', '"{"', '{'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['bigint', '9223372036854775808', null],
  ['bigint', '1e1000', null],
  ['bigint', '1.5', null],
  ['bigint', '2.0', '2'],
  ['bigint', '"12"', '12'],
  ['bigint', '""', null],
  ['bigint', '"9223372036854775807"', '9223372036854775807'],
  ['bigint', '"-9223372036854775808"', '-9223372036854775808'],
  ['bigint', '"9223372036854775808"', null],
  ['bigint', '"-9223372036854775809"', null],
  ['bigint', '"12345678901234567890"', null],
  ['numeric', '0.10', '0.10'],
  ['numeric', '"12.50"', '12.50'],
  ['numeric', '"NaN"', null],
  ['unix_time', '0', '1970-01-01 00:00:00+00'],
  ['unix_time', '1700000000.5', '2023-11-14 22:13:20.5+00'],
  ['unix_time', '1e300', null],
  ['unix_time', '"1700000000"', null],
  ['iso_time', '"2024-02-29T12:00:00Z"', '2024-02-29 12:00:00+00'],
  ['iso_time', '"2024-06-01T12:00:00.123456+02:00"', '2024-06-01 10:00:00.123456+00'],
  ['iso_time', '"2024-06-01"', '2024-06-01 00:00:00+00'],
  ['iso_time', '"2023-02-29T12:00:00Z"', null],
  ['iso_time', '"1900-02-29"', null],
  ['iso_time', '"2000-02-29"', '2000-02-29 00:00:00+00'],
  ['iso_time', '"2024-04-31"', null],
  ['iso_time', '"0000-01-01"', null],
  ['iso_time', '"2024-06-01T25:00:00Z"', null],
  ['iso_time', '"yesterday"', null],
  ['iso_time', '"2024-06-01t12:00:00z"', '2024-06-01 12:00:00+00'],
  ['iso_time', '"2024-06-01T12:00:00.1234567891Z"', '2024-06-01 12:00:00.123457+00'],
  ['iso_time', `"9999-12-31T23:59:59.${'9'.repeat(50)}-14:59"`, '10000-01-01 14:59:00+00'],
  ['iso_time', `"9999-12-31T23:59:60.${'0'.repeat(50)}-14:59"`, '10000-01-01 14:59:00+00'],
  ['iso_time', '"2016-12-31T23:59:60.1Z"', null],
  ['iso_time', `"2024-06-01T12:00:00.${'1'.repeat(51)}Z"`, null],
  ['iso_time', '"2016-12-31T23:59:60Z"', '2017-01-01 00:00:00+00'],
  ['iso_time', '"2016-12-31T23:59:61Z"', null],
  ['jsonb', 'null', null],
  ['jsonb', '[1]', '[1]'],
];

describe('casting', () => {
  it.each(cases)('to %s of %s gives %s', async (kind, json, value) => {
    expect(await cast(kind, json)).toBe(value);
  });

  it('of text that is unpacked already gives the same', async () => {
    const values = [
      `"${'x'.repeat(2001)}"`,
      '"a"',
      '"{a}"',
      '"[a"',
      '""',
      '1.50',
      'true',
      'null',
      '{"a":1}',
      '{"id":"x"}',
      '[]',
      '["id"]',
    ];
    for (const kind of ['text', 'short_text', 'reference'] as const)
      for (const value of values) {
        const { rows } = await db.pool.query(
          `select ${castTextSql(kind, 'c.f', "(d -> 'f')")} as value from (select $1::jsonb as d) x cross join lateral jsonb_to_record(d) as c(f text)`,
          [`{"f":${value}}`],
        );
        expect([kind, value, rows[0].value]).toEqual([kind, value, await cast(kind, value)]);
      }
  });

  it('never fails, whatever the value', async () => {
    const digits = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });
    const timeLike = fc
      .tuple(digits(4), digits(2), digits(2), digits(2), digits(2))
      .map(([y, m, d, h, i]) => `${y}-${m}-${d}T${h}:${i}Z`);
    // What Postgres can't hold in jsonb at all is found earlier.
    const text = fc.string().filter((value) => !value.includes('\0'));
    const json = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.oneof(timeLike, text).map((value) => JSON.stringify(value)),
      digits(25).map((value) => String(BigInt(value))),
    );
    const property = fc.asyncProperty(
      fc.constantFrom(...(Object.keys(sqlTypes) as ColumnKind[])),
      json,
      async (kind, value) => {
        fc.pre(!value.includes('\\u0000'));
        await cast(kind, value);
      },
    );
    await fc.assert(property, { numRuns: 1500 });
  });
});
