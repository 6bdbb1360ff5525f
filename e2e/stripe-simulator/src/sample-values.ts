import { mix } from './random.ts';

/**
 * Names, places and texts that real accounts have: several scripts, combining marks, characters outside the basic
 * plane, quotes, backslashes and line breaks, because these are what a sync gets wrong. Everything is handed out as JSON
 * text, and what can be is written as such once: writing strings is most of the work of making objects. Numbers are in base 10
 * because Node writes other bases many times slower.
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

const written = (list: readonly string[]) => list.map((text) => JSON.stringify(text));
const [namesWritten, textsWritten, currenciesWritten, keysWritten] = [names, texts, currencies, metadataKeys].map(
  written,
) as [string[], string[], string[], string[]];
const citiesWritten = cities.map(([city, country, postal_code, state, line1]) => {
  const text = JSON.stringify({ city, country, line1, line2: '@', postal_code, state: state || null });
  return text.split('"@"') as [string, string];
});

/** Takes one entry of a list by a hash. */
export function pick<T>(list: readonly T[], hash: number): T {
  return list[hash % list.length] as T;
}

/** A person's or company's name. */
export const sampleName = (hash: number): string => pick(namesWritten, hash);
/** A line of description. */
export const sampleText = (hash: number): string => pick(textsWritten, hash);
/** A currency code as Stripe writes it. */
export const sampleCurrency = (hash: number): string => pick(currenciesWritten, hash);
/** An address that mostly differs from the next one's. */
export const sampleEmail = (hash: number): string => `"customer+${hash >>> 4}@example.com"`;
/** A phone number from the range that is set aside for examples. */
export const samplePhone = (hash: number): string => `"+1415555${String(hash % 10_000).padStart(4, '0')}"`;
/** An amount in the smallest unit of its currency: mostly small, now and then at Stripe's upper end. */
export const sampleAmount = (hash: number): string =>
  String(hash % 97 === 0 ? 99_999_999 - (hash % 1000) : 50 + ((hash >>> 3) % 25_000));
/** A decimal with more digits than a double keeps, as Stripe's `…_decimal` strings may have. */
export const sampleDecimal = (hash: number): string =>
  hash % 5 === 0
    ? `"${sampleAmount(hash)}.${String(100_000_000_000 + (hash % 900_000_000)).slice(1)}5"`
    : `"${sampleAmount(hash)}"`;

/** A postal address with the fields of Stripe's. */
export function sampleAddress(hash: number): string {
  const [before, after] = pick(citiesWritten, hash);
  return `${before}${hash % 3 === 0 ? `"Apt. ${hash % 400}"` : 'null'}${after}`;
}

/**
 * Metadata: one in six objects has none, the others up to nine pairs.
 *
 * @param revision goes in as a further pair, where it isn't 0
 */
export function sampleMetadata(hash: number, revision: number): string {
  let pairs = '';
  const count = hash % 6 === 0 ? 0 : 1 + (mix(hash, 1) % 9);
  // Keys are taken in a row from some place on, so that none comes twice.
  for (let i = 0; i < count; i++) {
    const h = mix(hash, i + 2);
    pairs += `${i === 0 ? '' : ','}${pick(keysWritten, (hash >>> 8) + i)}:${h % 4 === 0 ? sampleText(h >>> 3) : `"${h}-${(h ^ hash) >>> 0}-${hash}"`}`;
  }
  return revision === 0 ? `{${pairs}}` : `{${pairs}${pairs === '' ? '' : ','}"revision":"${revision}"}`;
}
