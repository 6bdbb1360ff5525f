/**
 * How fast the codec cuts chunks into lines and tells the stream of each: one core, from memory, no pipe. Prints one JSON
 * line: `bytes_per_second` and `records_per_second` of cutting alone (`split`), with the stream told (`peek`), and with the
 * start of `data` found as well (`slice`). The best of several rounds, since the machine may be busy with something else.
 *
 *     node e2e/bench/src/split-lines.ts [--record-bytes 1400] [--chunk-bytes 65536] [--megabytes 512] [--rounds 7]
 */
import { parseArgs } from 'node:util';
import {
  LineSplitter,
  type OnLine,
  RECORD_LINE_TAIL,
  RecordPeek,
  recordDataStart,
  recordLineHead,
} from '@penstock/protocol';

const { values } = parseArgs({
  options: {
    'record-bytes': { type: 'string', default: '1400' },
    'chunk-bytes': { type: 'string', default: '65536' },
    megabytes: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '7' },
  },
});
const recordBytes = Number(values['record-bytes']);
const chunkBytes = Number(values['chunk-bytes']);
const totalBytes = Number(values.megabytes) * 1024 * 1024;
const rounds = Number(values.rounds);

/** Enough of them that no cache of the processor holds them all. */
const RECORDS = 50_000;

/** Chunks of a pipe that carries rows of records of a few streams; lines cross their boundaries. */
function makeChunks(): Buffer[] {
  const streams = ['customers', 'invoices', 'subscription_schedules'];
  const lines: string[] = [];
  for (let i = 0; i < RECORDS; i++) {
    const head = recordLineHead(streams[Math.floor(i / 100) % streams.length]!, '2026-01-31T12:00:00Z');
    const id = `{"id":"obj_${i}","text":"`;
    const padding = 'x'.repeat(Math.max(0, recordBytes - head.length - id.length - 2 - RECORD_LINE_TAIL.length));
    lines.push(`${head}${id}${padding}"}${RECORD_LINE_TAIL}`);
  }
  const bytes = Buffer.from(lines.join(''));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(Buffer.from(bytes.subarray(at, at + chunkBytes)));
  return chunks;
}

const chunks = makeChunks();
const passBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);

function measure(makeOnLine: () => { onLine: OnLine; seen: () => number }) {
  let best = { bytes_per_second: 0, records_per_second: 0 };
  for (let round = 0; round < rounds; round++) {
    const { onLine, seen } = makeOnLine();
    const splitter = new LineSplitter();
    let bytes = 0;
    const startedNs = process.hrtime.bigint();
    while (bytes < totalBytes) {
      for (const chunk of chunks) splitter.push(chunk, onLine);
      bytes += passBytes;
    }
    const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
    if (seen() !== splitter.lineNumber) throw new Error(`${splitter.lineNumber} lines, but ${seen()} were recognised`);
    if (bytes / seconds > best.bytes_per_second) {
      best = {
        bytes_per_second: Math.round(bytes / seconds),
        records_per_second: Math.round(splitter.lineNumber / seconds),
      };
    }
  }
  return best;
}

const split = measure(() => {
  let lines = 0;
  return {
    onLine: () => {
      lines += 1;
    },
    seen: () => lines,
  };
});
const peek = measure(() => {
  const records = new RecordPeek();
  let known = 0;
  return {
    onLine: (bytes, start, end) => {
      if (records.stream(bytes, start, end) !== undefined) known += 1;
    },
    seen: () => known,
  };
});
const slice = measure(() => {
  const records = new RecordPeek();
  let known = 0;
  return {
    onLine: (bytes, start, end) => {
      const stream = records.stream(bytes, start, end);
      if (stream !== undefined && recordDataStart(bytes, start, end, Buffer.byteLength(stream)) > 0) known += 1;
    },
    seen: () => known,
  };
});
console.log(
  JSON.stringify({ benchmark: 'split-lines', record_bytes: recordBytes, chunk_bytes: chunkBytes, split, peek, slice }),
);
