import { mix } from './random.ts';
import { type TextWriter, utf8 } from './text-writer.ts';

/**
 * Names, places and texts that real accounts have: several scripts, combining marks, characters outside the basic
 * plane, quotes, backslashes and line breaks, because these are what a sync gets wrong. Everything is written as JSON
 * text, and what can be is made into its bytes once: writing strings is most of the work of making objects.
 */
const names = [
  'Jenny Rosen',
  'Zoë Müller',
  'José Ángel Núñez',
  '王小明',
  '株式会社さくら',
  'Анна Каренина',
  'محمد العربي',
  'Þórdís Björk',
  'O’Connor & Sons',
  'Ngọc Trần',
  'Ada "Countess" Lovelace',
  'Łukasz Żółć',
  'Σωκράτης',
  'नेहा शर्मा',
  'Team 🚀 Rocket',
  'Åse Ødegård',
  'Back\\slash GmbH',
  'Maria da Conceição',
  'Cafe\u0301 Noir',
  '김민준',
  'Smith, Jones; Partners',
  "D'Angelo",
  'Élodie Lefèvre',
  'Øystein 𝒩ord',
];
const texts = [
  'Order from the web shop',
  'Monthly plan, paid in advance',
  'Zahlung für Rechnung',
  'Två rader\nav text',
  '“Quoted” and \\escaped\\',
  'お支払い',
  'Tab\tseparated',
  'Gift card 🎁',
  'Consulting — 3½ hours',
  '100 % organic',
  'A description of some length, as support tools write them: '.repeat(8),
  'Renouvellement d’abonnement',
];
const cities: readonly (readonly [string, string, string, string, string])[] = [
  ['San Francisco', 'US', '94102', 'CA', '1234 Fake Street'],
  ['Zürich', 'CH', '8001', 'ZH', 'Bahnhofstrasse 1'],
  ['東京', 'JP', '100-0001', '東京都', '千代田区1-1'],
  ['São Paulo', 'BR', '01310-100', 'SP', 'Avenida Paulista, 1578'],
  ['Kraków', 'PL', '31-042', 'Małopolskie', 'Rynek Główny 12'],
  ['Reykjavík', 'IS', '101', '', 'Laugavegur 26'],
];
const currencies = ['usd', 'usd', 'usd', 'eur', 'eur', 'gbp', 'jpy', 'chf', 'sek', 'kwd'];
const metadataKeys = [
  'order_id',
  'plan',
  'campaign',
  'crm_id',
  'note',
  'ключ',
  'source.channel',
  'is_trial',
  'referrer_of_the_first_order',
];

/** Writes a value as JSON text, one of many by a hash. */
export type Sample = (hash: number, out: TextWriter) => void;

const written = (list: readonly string[]) => list.map((text) => utf8(JSON.stringify(text)));
const [namesWritten, textsWritten, currenciesWritten, keysWritten] = [names, texts, currencies, metadataKeys].map(
  written,
) as [Uint8Array[], Uint8Array[], Uint8Array[], Uint8Array[]];
const citiesWritten = cities.map(([city, country, postal_code, state, line1]) => {
  const text = JSON.stringify({ city, country, line1, line2: '@', postal_code, state: state || null });
  return text.split('"@"').map(utf8) as [Uint8Array, Uint8Array];
});

/** Takes one entry of a list by a hash. */
export function pick<T>(list: readonly T[], hash: number): T {
  return list[hash % list.length] as T;
}

/** A person's or company's name. */
export const writeName: Sample = (hash, out) => out.bytes(pick(namesWritten, hash));
/** A line of description. */
export const writeText: Sample = (hash, out) => out.bytes(pick(textsWritten, hash));
/** A currency code as Stripe writes it. */
export const writeCurrency: Sample = (hash, out) => out.bytes(pick(currenciesWritten, hash));

/** An address that mostly differs from the next one's. */
export const writeEmail: Sample = (hash, out) => {
  out.text('"customer+');
  out.number(hash >>> 4);
  out.text('@example.com"');
};

/** A phone number from the range that is set aside for examples. */
export const writePhone: Sample = (hash, out) => {
  out.text('"+1415555');
  const digits = hash % 10_000;
  for (let bound = 1000; bound > 1 && digits < bound; bound /= 10) out.text('0');
  out.number(digits);
  out.text('"');
};

/** An amount in the smallest unit of its currency: mostly small, now and then at Stripe's upper end. */
export const writeAmount: Sample = (hash, out) =>
  out.number(hash % 97 === 0 ? 99_999_999 - (hash % 1000) : 50 + ((hash >>> 3) % 25_000));

/** A decimal with more digits than a double keeps, as Stripe's `…_decimal` strings may have. */
export const writeDecimal: Sample = (hash, out) => {
  out.text('"');
  writeAmount(hash, out);
  if (hash % 5 === 0) out.text(`.${String(100_000_000_000 + (hash % 900_000_000)).slice(1)}5`);
  out.text('"');
};

/** A postal address with the fields of Stripe's. */
export const writeAddress: Sample = (hash, out) => {
  const [before, after] = pick(citiesWritten, hash);
  out.bytes(before);
  if (hash % 3 === 0) {
    out.text('"Apt. ');
    out.number(hash % 400);
    out.text('"');
  } else {
    out.text('null');
  }
  out.bytes(after);
};

/**
 * Metadata: one in six objects has none, the others up to nine pairs.
 *
 * @param revision goes in as a further pair, where it isn't 0
 */
export function writeMetadata(hash: number, revision: number, out: TextWriter): void {
  const count = hash % 6 === 0 ? 0 : 1 + (mix(hash, 1) % 9);
  out.text('{');
  // Keys are taken in a row from some place on, so that none comes twice.
  for (let i = 0; i < count; i++) {
    const h = mix(hash, i + 2);
    if (i > 0) out.text(',');
    out.bytes(pick(keysWritten, (hash >>> 8) + i));
    out.text(':');
    if (h % 4 === 0) writeText(h >>> 3, out);
    else writeNumbers(h, (h ^ hash) >>> 0, hash, out);
  }
  if (revision > 0) {
    out.text(count === 0 ? '"revision":"' : ',"revision":"');
    out.number(revision);
    out.text('"');
  }
  out.text('}');
}

function writeNumbers(a: number, b: number, c: number, out: TextWriter): void {
  out.text('"');
  out.number(a);
  out.text('-');
  out.number(b);
  out.text('-');
  out.number(c);
  out.text('"');
}
