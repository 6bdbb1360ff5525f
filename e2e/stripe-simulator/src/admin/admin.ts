import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resources } from '../endpoint-table.ts';
import type { ChangeSchedule } from '../schedule.ts';
import type { Simulator } from '../simulator.ts';
import { isUpdatable } from '../slot-rules.ts';
import type { Stream } from '../store/stream.ts';
import { AdminError } from './admin-error.ts';
import type { ObjectsBody } from './bodies.ts';
import type { RequestCounts } from './request-counts.ts';
import { truth, truthPaths, truthSummary } from './truth.ts';

/** What the admin endpoints look at and change. */
export type AdminSubject = { simulator: Simulator; schedule: ChangeSchedule; counts: RequestCounts };

/** Loaded when there is a body to read: most simulators never get one, and zod takes longer to load than all else here. */
const bodies = () => import('./bodies.ts');
const bodyBytesMax = 16 * 1024 * 1024;
const linesPerChunk = 200;

/** Answers a request under `/_admin/`. These are not part of Stripe's API and need no key. */
export async function handleAdmin(
  of: AdminSubject,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = `${request.method} ${url.pathname.slice('/_admin/'.length)}`;
  try {
    if (name === 'POST webhooks/take') return await sendDeliveries(of.simulator, response);
    if (name === 'GET truth') return await sendTruth(of.simulator, url.searchParams.get('path') ?? '', response);
    const body = request.method === 'POST' ? await readBody(request) : undefined;
    sendJson(response, 200, await run(of, name, url, body));
  } catch (error) {
    if (error instanceof AdminError) return sendJson(response, 400, { error: error.message });
    throw error;
  }
}

async function run(of: AdminSubject, name: string, url: URL, body: unknown): Promise<unknown> {
  const { simulator, schedule, counts } = of;
  switch (name) {
    case 'GET requests':
      return counts.toJSON();
    case 'POST reset':
      counts.reset();
      return counts.toJSON();
    case 'GET truth-summary':
      return truthSummary(simulator);
    case 'GET deleted':
      return { ids: streamAt(simulator, url.searchParams.get('path') ?? '').deletedIds() };
    case 'POST objects/create':
    case 'POST objects/update':
    case 'POST objects/delete':
      return changeObjects(
        simulator,
        name.slice('POST objects/'.length) as 'create' | 'update' | 'delete',
        (await bodies()).readObjects(body),
      );
    case 'GET faults':
      return { ...simulator.faults, schedule: schedule.rates };
    case 'POST faults': {
      const { schedule: rates, ...faults } = (await bodies()).readFaults(body);
      simulator.faults = { ...simulator.faults, ...faults };
      schedule.rates = { ...schedule.rates, ...rates };
      return { ...simulator.faults, schedule: schedule.rates };
    }
    case 'GET clock':
      return { now: simulator.clock.nowS() };
    case 'POST clock': {
      const seconds = Number(url.searchParams.get('advance_s') ?? Number.NaN);
      if (!Number.isFinite(seconds))
        throw new AdminError('Give the seconds to put the clock forward: POST /_admin/clock?advance_s=60');
      simulator.clock.advance(seconds);
      return { now: simulator.clock.nowS() };
    }
    default:
      throw new AdminError(`There is no admin endpoint ${name}. See the README of the simulator.`);
  }
}

function changeObjects(simulator: Simulator, what: 'create' | 'update' | 'delete', body: ObjectsBody) {
  const stream = streamAt(simulator, body.path);
  if (what === 'update' && !isUpdatable(resources[stream.object]?.example ?? {}))
    throw new AdminError(`Objects of ${body.path} never change: they have no metadata, name or description.`);
  const named = [...(body.ids ?? []), ...(body.id === undefined ? [] : [body.id])];
  const done: ({ id: string; event: string | undefined } | undefined)[] = [];
  if (what === 'create' && named.length > 0)
    throw new AdminError('Ids of new objects are given by the simulator: send "count".');
  if (what === 'create' && stream.isFull(body.count ?? 1))
    throw new AdminError(`${body.path} can have no more objects: their ids are well-known names.`);
  for (const id of named) {
    const rank = stream.rankOf(id);
    if (rank === undefined) throw new AdminError(`${body.path} has no object ${id}.`);
    done.push(what === 'update' ? simulator.update(stream, rank) : simulator.delete(stream, rank));
  }
  for (let i = 0; named.length === 0 && i < (body.count ?? 1); i++) {
    done.push(
      what === 'create'
        ? simulator.create(stream)
        : simulator.act(what === 'update' ? 'updated' : 'deleted', stream, simulator.nextHash()),
    );
  }
  const made = done.filter((one) => one !== undefined);
  return { ids: made.map((one) => one.id), events: made.flatMap((one) => one.event ?? []) };
}

function streamAt(simulator: Simulator, path: string): Stream {
  const stream = simulator.store.streams.get(path);
  if (!stream)
    throw new AdminError(
      `${path || 'The empty path'} has no objects that can be changed. Only lists that stand on their own have.`,
    );
  return stream;
}

async function sendTruth(simulator: Simulator, path: string, response: ServerResponse): Promise<void> {
  const lines = truth(simulator, path);
  if (!lines)
    throw new AdminError(`${path || 'The empty path'} has no objects of its own. Paths: ${truthPaths().join(' ')}`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  await pipeline(Readable.from(lines), response);
}

async function sendDeliveries(simulator: Simulator, response: ServerResponse): Promise<void> {
  const { deliveries, droppedCount } = simulator.webhooks.take();
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'deliveries-dropped': String(droppedCount) });
  await pipeline(Readable.from(chunks(jsonLines(deliveries))), response);
}

function* jsonLines(values: Iterable<unknown>): Generator<string> {
  for (const value of values) yield JSON.stringify(value);
}

function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  let count = 0;
  for (const line of lines) {
    chunk += `${line}\n`;
    if (++count % linesPerChunk !== 0) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new AdminError(`The body has more than ${bodyBytesMax} bytes.`);
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new AdminError('The body is not JSON.');
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
