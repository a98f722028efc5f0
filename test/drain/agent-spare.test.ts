/**
 * A connection that an agent has begun for its queue, and that nobody needs any more when it is there: Node calls it free in the middle of its handshake. Agents
 * whose connections come later (https-proxy-agent) meet that under load.
 */
import { expect } from 'chai';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { drainAgent } from '../../src/index.js';
import { inHandshake } from '../../src/node/handle.js';
import { makeServer, outcome } from '../support/origins.js';
import { listen, track } from '../support/pair.js';

type Create = (options: net.NetConnectOpts, callback: (error: Error | null, socket: Duplex) => void) => undefined;

/** Its connections come when `release` is called. */
class Held extends http.Agent {
  #held: (() => TLSSocket)[] = [];
  #onHeld = (): void => {};

  override createConnection = ((options, callback) => {
    this.#held.push(() => {
      const socket = tls.connect({ ...(options as tls.ConnectionOptions), rejectUnauthorized: false });
      callback(null, socket);
      return socket;
    });
    this.#onHeld();
  }) as Create as never;

  /** When one has been asked for: lets it be made. */
  async next(): Promise<() => TLSSocket> {
    while (this.#held.length === 0) await new Promise<void>((resolve) => (this.#onHeld = resolve));
    return this.#held.shift()!;
  }
}

/** Requests that wait for their answers, by path. */
class Requests {
  readonly #responses = new Map<string, ServerResponse>();
  #onRequest = (): void => {};

  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    this.#responses.set(request.url!, response);
    this.#onRequest();
  };

  async comes(path: string): Promise<void> {
    while (!this.#responses.has(path)) await new Promise<void>((resolve) => (this.#onRequest = resolve));
  }

  async answer(path: string, connection = 'keep-alive'): Promise<void> {
    await this.comes(path);
    this.#responses.get(path)!.setHeader('connection', connection).end('the end');
  }
}

describe('drainAgent', () => {
  it('complete: a spare connection, called free in its handshake', async () => {
    const requests = new Requests();
    const server = makeServer('https', requests.listener);
    server.on('secureConnection', (socket) => track(socket));
    const port = await listen(server);
    const agent = track(new Held({ keepAlive: true, maxSockets: 2 }));
    const send = async (path: string): Promise<string> => {
      const [response] = (await once(http.get({ agent, port, path, host: '127.0.0.1', protocol: 'http:' }), 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of response.setEncoding('latin1')) text += chunk;
      return text;
    };
    const [first, second] = [send('/first'), send('/second')];
    for (let i = 0; i < 2; i++) (await agent.next())();
    const queued = send('/queued');
    const drained = drainAgent(agent, { grace: 10_000 });
    // The first answer closes its connection, and a new one is begun for the queue. But before it is there, the second connection serves the queue.
    await requests.answer('/first', 'close');
    await first;
    const makeSpare = await agent.next();
    await requests.answer('/second');
    await second;
    await requests.comes('/queued');
    const spare = makeSpare();
    expect(inHandshake(spare)).to.equal(true);
    await once(spare, 'close');
    await requests.answer('/queued');
    expect(await queued).to.equal('the end');
    expect(outcome(await drained)).to.deep.equal({ total: 3, complete: 3 });
  });
});
