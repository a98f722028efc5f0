/**
 * undici's pools drained: `connect` is where an application gets hold of their sockets. The pool's own `close()` waits for its requests, but ends the
 * sockets without close_notify. So: wait until no request is left, then drain the sockets, then close the pool.
 */
import assert from 'node:assert/strict';
import https from 'node:https';
import { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import { drainSockets, drainable, watch } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const identity = await certificate();
const server = https.createServer(identity, (_request, response) => void setTimeout(() => response.end('answer'), 50));
const servers = drainable(server); // to see what it says of the clients
const port = await listen(server);

/** An Agent (a Pool, a Client: the same) whose sockets are known. */
class DrainableAgent extends Agent {
  readonly #sockets: Set<TLSSocket>;
  #requests = new Set<Promise<unknown>>();

  constructor(options: buildConnector.BuildOptions) {
    const sockets = new Set<TLSSocket>();
    const connector = buildConnector(options);
    super({
      connect: (to, callback) =>
        connector(to, (...result) => {
          const [, socket] = result;
          if (socket instanceof TLSSocket) {
            sockets.add(watch(socket));
            socket.once('close', () => sockets.delete(socket));
          }
          callback(...result);
        }),
    });
    this.#sockets = sockets;
  }

  /** Requests that were made before are served. */
  async drain(): Promise<Awaited<ReturnType<typeof drainSockets>>> {
    await Promise.allSettled(this.#requests);
    const report = await drainSockets(this.#sockets);
    await this.close();
    return report;
  }

  async text(path: string): Promise<string> {
    const answer = this.request({ origin: `https://127.0.0.1:${port}`, path, method: 'GET' }).then(({ body }) => body.text());
    this.#requests.add(answer);
    return answer.finally(() => this.#requests.delete(answer));
  }
}

const agent = new DrainableAgent({ ca: identity.cert, servername: 'localhost' });
const answers = Promise.all(['/1', '/2', '/3'].map((path) => agent.text(path)));
const report = await agent.drain();
assert.deepEqual(await answers, ['answer', 'answer', 'answer']);
console.log(`${report.total} sockets, ${report.complete} complete`);
assert.ok(report.total > 0 && report.complete === report.total);
await servers.drain();
