import { PAUSE_MAX_MS } from './rate-limit.ts';

/** How long `Retry-After` asks to wait: seconds or an HTTP date, capped; undefined when it is absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(PAUSE_MAX_MS, Math.max(0, ms));
}

/** A header's value, its first one where there are several. @param name in lower case */
export function headerOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** An HTTP date in seconds since 1970; undefined when it is absent or unreadable. */
export function secondsOf(date: string | undefined): number | undefined {
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
