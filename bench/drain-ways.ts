/** The ways of closing an HTTPS server that drain.ts compares. Every one has as much time as it wants for the requests in flight. */
import { createRequire } from 'node:module';
import type { Server } from 'node:https';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { drainable } from '../src/index.js';

/** Before the server listens; gives what closes it. */
type Way = (server: Server, idle: ReadonlySet<TLSSocket>) => () => unknown;

const GRACE = 120_000;

/** From bench/node_modules. */
function load<T>(name: string): T {
  return createRequire(new URL('../../bench/package.json', import.meta.url))(name) as T;
}

type Terminator = (options: { server: Server; gracefulTerminationTimeout: number; maxWaitTimeout?: number }) => { terminate(): Promise<unknown> };

export const WAYS = {
  'drainable().drain()': (server) => {
    const drains = drainable(server, { grace: GRACE, idleGrace: 0 }); // the others don't wait for one more request, either
    return () => drains.drain();
  },
  'end() on all idle ones, in one turn': (server, idle) => () => {
    net.Server.prototype.close.call(server); // that of https destroys idle connections
    for (const socket of idle) socket.end();
  },
  'server.close()': (server) => () => server.close(),
  'http-terminator': (server) => {
    const { createHttpTerminator } = load<{ createHttpTerminator: Terminator }>('http-terminator');
    const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: GRACE });
    return () => terminator.terminate();
  },
  'lil-http-terminator': (server) => {
    const terminator = load<Terminator>('lil-http-terminator')({ server, gracefulTerminationTimeout: GRACE, maxWaitTimeout: GRACE });
    return () => terminator.terminate();
  },
  stoppable: (server) => {
    const stoppable = load<(server: Server) => { stop(): void }>('stoppable')(server);
    return () => stoppable.stop();
  },
  'http-graceful-shutdown': (server) => load<(server: Server, options: object) => () => Promise<void>>('http-graceful-shutdown')(server, { forceExit: false, timeout: GRACE }),
  'close-with-grace, with server.close()': (server) => {
    type CloseWithGrace = (options: { delay: number }, close: () => Promise<unknown>) => { close(): void };
    // It ends the process behind that.
    return load<CloseWithGrace>('close-with-grace')({ delay: GRACE }, () => new Promise((resolve) => server.close(resolve))).close;
  },
} satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;
