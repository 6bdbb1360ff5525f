import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A way to the Docker Engine, which can be cut: a socket that passes everything on. */
export class CuttableWay {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string) {
    this.path = path;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const engine = createConnection({ path: '/var/run/docker.sock', allowHalfOpen: true });
      for (const [from, to] of [
        [client, engine],
        [engine, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy()).pipe(to);
      }
    }).listen(path);
  }

  /** Breaks all connections; new ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** There is no way any more. */
  close(): void {
    this.#server.close();
    this.cut();
  }
}
