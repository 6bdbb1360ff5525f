/**
 * A destination for the relay's benchmark: cuts its input into lines, counts the records, and answers every checkpoint and
 * status with itself, at once. `config.work` is `none`, `parse`: then each record is parsed, as many a connector does, or
 * `split`: then it does nothing but cut lines.
 */
import { encodeMessage, LineSplitter, message, type OnLine, RecordPeek } from '@penstock/protocol';
import { beginCommand, type RelayEndConfig, type RelayEndFigures, reportAtExit } from './relay-end.ts';

function onLineOf(work: RelayEndConfig['work'], onRecord: () => void): OnLine {
  if (work === 'split') return onRecord;
  const peek = new RecordPeek();
  return (bytes, start, end) => {
    if (peek.stream(bytes, start, end) === undefined) {
      process.stdout.write(`${bytes.toString('utf8', start, end)}\n`);
      return;
    }
    if (work === 'parse') JSON.parse(bytes.toString('utf8', start, end));
    onRecord();
  };
}

function write(config: RelayEndConfig): void {
  const figures = { bytes: 0, records: 0, seconds: 0 } satisfies Partial<RelayEndFigures>;
  let beganAt = 0;
  const splitter = new LineSplitter();
  const onLine = onLineOf(config.work, () => {
    figures.records += 1;
  });
  process.stdin.on('data', (chunk: Buffer) => {
    if (figures.bytes === 0) {
      beganAt = performance.now();
      reportAtExit(config, figures);
    }
    figures.bytes += chunk.length;
    splitter.push(chunk, onLine);
    figures.seconds = (performance.now() - beganAt) / 1000;
  });
}

const { command, config } = beginCommand();
if (command === 'spec') {
  const destination_sync_modes = ['append' as const, 'append_dedup' as const];
  process.stdout.write(
    encodeMessage(message.spec({ config: { type: 'object' }, protocol_version: 1, destination_sync_modes })),
  );
} else write(config);
