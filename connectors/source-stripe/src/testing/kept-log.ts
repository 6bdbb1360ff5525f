import type { ConnectorLog, LogDetail } from '@penstock/connector-sdk';

/** A log that keeps what it is told. */
export class KeptLog implements ConnectorLog {
  readonly lines: { readonly level: string; readonly text: string; readonly detail: LogDetail | undefined }[] = [];

  debug(text: string, detail?: LogDetail): void {
    this.lines.push({ level: 'debug', text, detail });
  }
  info(text: string, detail?: LogDetail): void {
    this.lines.push({ level: 'info', text, detail });
  }
  warn(text: string, detail?: LogDetail): void {
    this.lines.push({ level: 'warn', text, detail });
  }
  error(text: string, detail?: LogDetail): void {
    this.lines.push({ level: 'error', text, detail });
  }

  /** Texts of one level, in order. */
  of(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ text }) => text);
  }
}
