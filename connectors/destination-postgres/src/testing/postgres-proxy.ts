import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One message on its way through the proxy, before it is passed on. */
export type PassingMessage = {
  /** Connections are counted from 1. */
  readonly connection: number;
  readonly from: 'client' | 'server';
  /** The type byte (Postgres manual, Message Formats); `startup` for the first message of a client, which has none. */
  readonly type: string;
  /** Its first bytes as text: SQL of a query (`Q`) or statement (`P`), name of a statement (`B`), tag of a command (`C`). */
  readonly text: string;
  /** Which message of the whole proxy it is, from 1. */
  readonly number: number;
};

/**
 * What becomes of a message: passed on; both sides' sockets destroyed, before or after it is passed on; or nothing of this
 * connection passed on any more, while its sockets stay open.
 */
export type Verdict = 'pass' | 'cut' | 'pass_then_cut' | 'stall';

/** How a {@link PostgresProxy} breaks connections. Without rules everything passes. */
export type ProxyRules = {
  readonly onMessage?: (message: PassingMessage) => Verdict;
  /** After this many bytes, of all connections and both directions together, the connection is cut, once. */
  readonly cutAfterBytes?: number;
  /** False refuses new connections. */
  readonly admits?: () => boolean;
};

/** A TCP proxy in front of a real server. */
export type PostgresProxy = {
  /** The URL to give to a client. */
  readonly url: string;
  /** Messages and bytes that passed so far. */
  readonly passed: () => { readonly messages: number; readonly bytes: number };
  /** Puts other rules in place of those so far. */
  readonly rule: (rules: ProxyRules) => void;
  /** Lets go on what is stalled, with all that was kept back. */
  readonly resume: () => void;
  /** Cuts every connection that is open, and waits until both sides are closed. */
  readonly cutAll: () => Promise<void>;
  readonly close: () => Promise<void>;
};

const textCharsMax = 2000;

/** Starts a proxy in front of the server of `url`, on a free port of 127.0.0.1. */
export async function startProxy(url: string, first: ProxyRules = {}): Promise<PostgresProxy> {
  const target = new URL(url);
  const links = new Set<Link>();
  let rules = first;
  let connections = 0;
  let messages = 0;
  let bytes = 0;
  let cutDone = false;
  const decide: Decide = (connection, from, type, body) => {
    messages++;
    return rules.onMessage?.({ connection, from, type, text: readText(type, body), number: messages }) ?? 'pass';
  };
  const mayPass: MayPass = (count) => {
    const limit = cutDone ? undefined : rules.cutAfterBytes;
    if (limit !== undefined && bytes + count > limit) {
      cutDone = true;
      count = limit - bytes;
    }
    bytes += count;
    return count;
  };
  const server = createServer((client) => {
    if (rules.admits?.() === false) {
      client.destroy();
      return;
    }
    const link = new Link(client, connect(Number(target.port), target.hostname), ++connections, decide, mayPass);
    links.add(link);
    link.whenClosed(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = async () => {
    for (const link of links) link.cut();
    while (links.size > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const here = new URL(url);
  here.port = String((server.address() as AddressInfo).port);
  return {
    url: here.href,
    passed: () => ({ messages, bytes }),
    rule: (next) => {
      rules = next;
    },
    resume: () => {
      for (const link of links) link.resume();
    },
    cutAll,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await cutAll();
      await closed;
    },
  };
}

type Decide = (connection: number, from: PassingMessage['from'], type: string, body: Buffer) => Verdict;
/** How many of `count` bytes may still pass; fewer means that the connection is cut after them. */
type MayPass = (count: number) => number;

/** One connection through the proxy. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #mayPass: MayPass;
  /** Kept back since it was stalled; undefined while everything passes. */
  #kept: { readonly to: Socket; readonly bytes: Buffer }[] | undefined;

  constructor(client: Socket, server: Socket, number: number, decide: Decide, mayPass: MayPass) {
    this.#client = client;
    this.#server = server;
    this.#mayPass = mayPass;
    for (const socket of [client, server]) socket.setNoDelay(true);
    this.#forward(client, server, new MessageSplitter(true), (type, body) => decide(number, 'client', type, body));
    this.#forward(server, client, new MessageSplitter(false), (type, body) => decide(number, 'server', type, body));
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** Nothing is read any more either: what a side sends then fills the buffers of its socket, as with a network that is gone. */
  #stall(): void {
    this.#kept ??= [];
    for (const socket of [this.#client, this.#server]) socket.pause();
  }

  resume(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const { to, bytes } of kept) this.#send(to, bytes);
    for (const socket of [this.#client, this.#server]) socket.resume();
  }

  whenClosed(done: () => void): void {
    for (const [one, other] of [
      [this.#client, this.#server],
      [this.#server, this.#client],
    ] as const)
      one.once('close', () => other.closed && done());
  }

  #forward(from: Socket, to: Socket, splitter: MessageSplitter, decide: (type: string, body: Buffer) => Verdict): void {
    from.on('error', () => {});
    from.on('close', () => (this.#kept ? undefined : to.destroySoon()));
    from.on('data', (chunk: Buffer) => {
      for (const { type, body, bytes } of splitter.push(chunk)) {
        if (from.destroyed) return;
        if (type === 'encryption') {
          from.write('N');
          continue;
        }
        const verdict = this.#kept ? 'pass' : decide(type, body);
        if (verdict === 'cut') return this.cut();
        if (verdict === 'stall') this.#stall();
        if (this.#kept) this.#kept.push({ to, bytes });
        else if (verdict === 'pass_then_cut') {
          from.destroy();
          // Sent to its end before the socket closes.
          to.end(bytes);
          return;
        } else this.#send(to, bytes);
      }
    });
  }

  #send(to: Socket, bytes: Buffer): void {
    const count = this.#mayPass(bytes.length);
    if (count < bytes.length) {
      to.end(bytes.subarray(0, count));
      (to === this.#client ? this.#server : this.#client).destroy();
    } else if (!to.destroyed) to.write(bytes);
  }
}

type SplitMessage = { readonly type: string; readonly body: Buffer; readonly bytes: Buffer };

/** What a client's first message may ask for instead, as codes: TLS and GSSAPI. The answer is one byte. */
const encryptionCodes = [80877103, 80877104];

/** Cuts a byte stream into messages: a type byte (not in a client's first message), a length that counts itself, a body. */
class MessageSplitter {
  #isStartup: boolean;
  #rest: Buffer = Buffer.alloc(0);

  constructor(isClient: boolean) {
    this.#isStartup = isClient;
  }

  *push(chunk: Buffer): Generator<SplitMessage> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const typeBytes = this.#isStartup ? 0 : 1;
      if (this.#rest.length < typeBytes + 4) return;
      const end = typeBytes + this.#rest.readUInt32BE(typeBytes);
      if (this.#rest.length < end) return;
      const bytes = this.#rest.subarray(0, end);
      const asksEncryption = this.#isStartup && encryptionCodes.includes(bytes.readUInt32BE(4));
      const type = asksEncryption ? 'encryption' : this.#isStartup ? 'startup' : String.fromCharCode(bytes[0]!);
      this.#rest = this.#rest.subarray(end);
      this.#isStartup &&= asksEncryption;
      yield { type, body: bytes.subarray(typeBytes + 4), bytes };
    }
  }
}

function readText(type: string, body: Buffer): string {
  const [first = '', second = ''] = body.subarray(0, textCharsMax).toString('latin1').split('\0');
  return type === 'P' || type === 'B' ? second : first;
}
