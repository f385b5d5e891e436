import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the server saw it. */
export interface SeenRequest {
  readonly url: string;
  readonly first: number;
  readonly last: number;
  readonly headers: IncomingMessage['headers'];
}

/** What a test may do in place of the right answer; true: it has answered, or never will. */
export type Misbehaviour = (seen: SeenRequest, response: ServerResponse, number: number) => boolean | undefined;

/** A server of one file on this machine that answers ranges as RFC 9110 says, unless a test wants otherwise. */
export class RangeServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  bytes: Buffer;
  etag: string | undefined = '"one"';
  misbehave: Misbehaviour | undefined;
  /** Milliseconds before each answer. */
  delayMs = 0;
  /** Requests answered at this moment, and the most at once. */
  atOnce = { now: 0, most: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(bytes: Buffer): Promise<RangeServer> {
    const server = new RangeServer(bytes);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get url(): string {
    return `${this.origin}/slides/case.tif`;
  }
  /** Bytes of all ranges that were asked for. */
  get bytesAsked(): number {
    return this.requests.reduce((sum, { first, last }) => sum + Math.min(last, this.bytes.length - 1) - first + 1, 0);
  }

  /** The headers of a right answer to a range. */
  rangeHeaders({ first, last }: SeenRequest): Record<string, string> {
    const end = Math.min(last, this.bytes.length - 1);
    return {
      'content-range': `bytes ${first}-${end}/${this.bytes.length}`,
      'content-length': String(end - first + 1),
      ...(this.etag === undefined ? {} : { etag: this.etag }),
    };
  }
  /** The bytes of a range. */
  part({ first, last }: SeenRequest): Buffer {
    return this.bytes.subarray(first, last + 1);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const seen = { url: request.url ?? '', first: Number(first), last: Number(last), headers: request.headers };
    this.requests.push(seen);
    const number = this.requests.length;
    this.atOnce.most = Math.max(this.atOnce.most, ++this.atOnce.now);
    response.on('close', () => --this.atOnce.now);
    setTimeout(() => {
      if (response.destroyed || this.misbehave?.(seen, response, number)) return;
      if (seen.first >= this.bytes.length) {
        response.writeHead(416, { 'content-range': `bytes */${this.bytes.length}` }).end();
      } else {
        response.writeHead(206, this.rangeHeaders(seen)).end(this.part(seen));
      }
    }, this.delayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
