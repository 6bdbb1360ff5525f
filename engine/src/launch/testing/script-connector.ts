import type { Connector } from '../launcher.ts';
import { processConnector } from '../process.ts';

/**
 * A connector that is a few lines of JavaScript (a module; `read()` gives the whole stdin), for tests of what programs do
 * wrong.
 */
export function scriptConnector(name: string, code: string): Connector {
  const command = [process.execPath, '--input-type=module', '-e', `${PRELUDE}\n${code}`] as const;
  return processConnector({ name, command: [...command] });
}

/** What such a script may use. */
export const PRELUDE = `
import { once } from 'node:events';
import { writeFileSync, appendFileSync } from 'node:fs';
const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
const record = (stream, id) => ({ type: 'record', record: { stream, emitted_at: '2026-01-01T00:00:00Z', data: { id } } });
const status = (stream, status, more) => ({ type: 'stream_status', stream_status: { stream, status, ...more } });
const forever = () => setInterval(() => {}, 1000);
const write = async (text) => { if (!process.stdout.write(text)) await once(process.stdout, 'drain'); };
`;
