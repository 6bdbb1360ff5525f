import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type TestSimulator } from '../testing/start-simulator.ts';

const path = '/v1/customers';

describe.each(['compact', 'indented'])('an answer that waits for a slow reader, %s,', (look) => {
  let sim: TestSimulator;
  beforeAll(async () => {
    sim = await startSimulator('--count', `${path}=20000`, ...(look === 'indented' ? ['--pretty'] : []));
  });
  afterAll(() => sim.close());

  /** Asks for pages on a connection of its own and reads nothing yet. */
  async function ask(cursors: readonly string[]): Promise<{ read(): Promise<string> }> {
    const socket = connect(Number(new URL(sim.url).port), '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    for (const [i, cursor] of cursors.entries()) {
      const end = i === cursors.length - 1 ? 'connection: close\r\n' : '';
      socket.write(
        `GET ${path}?limit=100&starting_after=${cursor} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer sk_test_1\r\n${end}\r\n`,
      );
    }
    return { read: async () => (await buffer(socket)).toString() };
  }

  it('has its own bytes, however many others are made meanwhile', async () => {
    const stream = sim.simulator.store.streams.get(path)!;
    const cursor = (page: number) => stream.idAt(19_999 - page * 100);
    // Far more than the system keeps for a reader.
    const pages = Array.from({ length: 40 }, (_, i) => i);
    const connections = await Promise.all([0, 1].map((k) => ask(pages.map((page) => cursor(page + k)))));
    const bodies: string[] = [];
    for (let page = 0; page < 41; page++)
      bodies.push((await sim.get(`${path}?limit=100&starting_after=${cursor(page)}`)).text);
    for (const [k, connection] of connections.entries()) {
      const answers = (await connection.read()).split('HTTP/1.1 200 OK\r\n').slice(1);
      expect(answers.length).toBe(40);
      for (const page of pages) {
        const text = answers[page]!;
        expect(text.slice(text.indexOf('\r\n\r\n') + 4) === bodies[page + k], `page ${page} of ${k}`).toBe(true);
      }
    }
  });
});
