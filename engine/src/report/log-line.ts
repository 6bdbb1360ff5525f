import type { LogPayload } from '@penstock/protocol';
import type { Line, Style } from './paint.ts';
import { oneLine } from './text.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

const styles: Record<LogPayload['level'], Style> = { debug: 'dim', info: 'plain', warn: 'yellow', error: 'red' };

/** Whether a log of `level` is shown where the least level is `least`. */
export function isShown(level: LogPayload['level'], least: LogPayload['level']): boolean {
  return levels.indexOf(level) >= levels.indexOf(least);
}

/** A log as one line: level, who said it, of which stream, what. @param from for example `source/stripe` */
export function logLine(log: LogPayload, from?: string): Line {
  const about = [from, log.stream].filter((part) => part !== undefined).map(oneLine);
  return [
    [`${log.level.padEnd(5)} `, styles[log.level]],
    [about.length === 0 ? '' : `${about.join(' ')}: `, 'dim'],
    [oneLine(log.message), styles[log.level]],
  ];
}
