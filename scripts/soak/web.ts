/** An HTTPS and an HTTP/2 server under load, which are drained and listen again. A request that is not answered whole is lost. */
import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { drainable, drainAgent, type DrainableServer, type DrainReport } from '../../src/index.js';
import { certificate, turns } from '../../test/support/pair.js';
import { isRefused, isTooLate } from '../refused.js';

const LOOPS = 4;
const UPLOAD = Buffer.alloc(10_000, 'u');
const DOWNLOAD = Buffer.alloc(20_000, 'd');

export class Web {
  readonly reports: DrainReport[] = [];
  readonly lost: string[] = [];
  answered = 0;
  refused = 0;
  readonly #https: Server;
  readonly #http2: Server;
  readonly #drains: readonly DrainableServer[];
  readonly #agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  /** Its connections are idle when it is drained. */
  readonly #idle = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  #loads: Promise<void>[] = [];

  constructor() {
    const app = (request: NodeJS.ReadableStream, response: { end(body: Buffer): unknown }): void => void request.resume().on('end', () => response.end(DOWNLOAD));
    this.#https = https.createServer(certificate, app as never);
    this.#http2 = http2.createSecureServer(certificate, app as never);
    this.#http2.on('sessionError', (error: Error) => this.lost.push(`an HTTP/2 session of the server: ${error.message}`));
    this.#drains = [drainable(this.#https), drainable(this.#http2)];
  }

  /** Listens, again perhaps, and clients begin. */
  async open(): Promise<void> {
    for (const server of [this.#https, this.#http2]) await once(server.listen(0, '127.0.0.1'), 'listening');
    await Promise.all(Array.from({ length: LOOPS }, async () => this.#get(this.#idle)));
    for (let i = 0; i < LOOPS; i++) this.#loads.push(this.#loop(), this.#session());
  }

  /** An agent under which nothing happens, then both servers under load. At the end nothing is open. */
  async drain(): Promise<void> {
    this.reports.push(await drainAgent(this.#idle), ...(await Promise.all(this.#drains.map((each) => each.drain()))));
    await Promise.all(this.#loads.splice(0));
    for (const agent of [this.#agent, this.#idle]) agent.destroy();
  }

  async #get(agent: https.Agent): Promise<void> {
    const { port } = this.#https.address() as AddressInfo;
    const request = https.request({ port, host: '127.0.0.1', agent, method: 'POST' });
    const response = new Promise<NodeJS.ReadableStream>((resolve, reject) => request.on('response', resolve).on('error', reject));
    request.end(UPLOAD);
    let bytes = 0;
    for await (const chunk of await response) bytes += chunk.length;
    if (bytes !== DOWNLOAD.length) throw new Error(`${bytes} bytes of the answer`);
    this.answered++;
  }

  /** Until nobody listens any more. */
  async #loop(): Promise<void> {
    while (this.#https.listening) {
      try {
        await this.#get(this.#agent);
        await new Promise((resolve) => setTimeout(resolve, 50));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') this.lost.push(`https: ${(error as Error).message}`);
      }
    }
  }

  /** Until the server says GOAWAY. */
  async #session(): Promise<void> {
    const session = http2.connect(`https://127.0.0.1:${(this.#http2.address() as AddressInfo).port}`, { rejectUnauthorized: false });
    session.on('error', (error) => this.lost.push(`an HTTP/2 session: ${error.message}`));
    const closed = once(session, 'close');
    await once(session, 'connect');
    while (!session.closed && !session.destroyed) {
      await Promise.all([this.#stream(session), this.#stream(session)]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await closed;
  }

  async #stream(session: ClientHttp2Session): Promise<void> {
    let stream: http2.ClientHttp2Stream;
    try {
      stream = session.request({ ':method': 'POST' });
    } catch (error) {
      if (!isTooLate(error)) this.lost.push(`HTTP/2: ${(error as Error).message}`);
      return;
    }
    let bytes = 0;
    let failure = '';
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', (error) => (failure = error.message));
    stream.end(UPLOAD);
    await new Promise<void>((resolve) => stream.once('close', resolve));
    if (bytes === DOWNLOAD.length && failure === '') this.answered++;
    else if (isRefused(stream)) this.refused++;
    else this.lost.push(`HTTP/2: ${bytes} bytes, reset ${stream.rstCode}, ${failure}`);
    await turns(1);
  }
}
