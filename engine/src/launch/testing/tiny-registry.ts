import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** An image registry with one small image, whose entrypoint no machine can run, under any name (OCI distribution specification), for tests of pulling. */
export class TinyRegistry {
  /** Whether it answers at all. */
  isSilent = false;
  /** Manifests that were asked for. */
  pulls = 0;
  readonly #server: Server;
  #files = new Map<string, { readonly type: string; readonly bytes: Buffer }>();

  private constructor() {
    this.#server = createServer((request, response) => {
      if (this.isSilent) return;
      const path = request.url!;
      if (path.includes('/manifests/') && request.method === 'GET') this.pulls++;
      const found = this.#files.get(path.includes('/manifests/') ? 'manifest' : path.split('/').at(-1)!);
      if (path === '/v2/') response.end('{}');
      else if (found === undefined) response.writeHead(404).end();
      else
        response.writeHead(200, { 'content-type': found.type, 'content-length': found.bytes.length }).end(found.bytes);
    });
  }

  static async start(): Promise<TinyRegistry> {
    const registry = new TinyRegistry();
    await registry.#fill();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** `127.0.0.1:PORT/NAME`: Docker takes registries on this machine without encryption. */
  image(name: string): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #fill(): Promise<void> {
    const archive = pack();
    archive.entry({ name: 'connector', mode: 0o755 }, 'no program');
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    const tar = Buffer.concat(chunks);
    const layer = gzipSync(tar);
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        os: 'linux',
        config: { Entrypoint: ['/connector'] },
        rootfs: { type: 'layers', diff_ids: [digest(tar)] },
      }),
    );
    const type = 'application/vnd.docker.distribution.manifest.v2+json';
    const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digest(bytes) });
    const manifest = {
      schemaVersion: 2,
      mediaType: type,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    };
    for (const bytes of [config, layer]) this.#files.set(digest(bytes), { type: 'application/octet-stream', bytes });
    this.#files.set('manifest', { type, bytes: Buffer.from(JSON.stringify(manifest)) });
  }
}
