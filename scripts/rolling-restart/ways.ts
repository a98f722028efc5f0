/** The ways in which a worker of the rolling restart test ends. */
import type { Http2SecureServer } from 'node:http2';
import type https from 'node:https';
import { drainOnSignal, drainable, type DrainOptions } from 'tls-graceful-shutdown';
import { fromBench } from './shared.js';

/** What a server that does not drain by itself is given before its process ends. */
const LIMIT = 5000;

type Servers = readonly (https.Server | Http2SecureServer)[];

/** Before the servers listen. */
type Way = (servers: Servers) => void;

function drain(servers: Servers, options: DrainOptions): void {
  drainOnSignal(servers.map((server) => drainable(server, options)), { onDrained: (report) => void process.send!(report) });
}

/** The process ends when all are closed, or its time is over. */
function onSigterm(close: () => Promise<unknown>, limit: number): void {
  process.once('SIGTERM', () => {
    setTimeout(() => process.exit(), limit);
    void close().then(() => process.exit());
  });
}

export const WAYS = {
  defaults: (servers) => drain(servers, {}),
  'idleGrace: 0': (servers) => drain(servers, { idleGrace: 0 }),
  'server.close()': (servers) => {
    onSigterm(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))), LIMIT);
  },
  'http-terminator': (servers) => {
    type Terminator = { terminate(): Promise<void> };
    const { createHttpTerminator } = fromBench('http-terminator') as { createHttpTerminator(options: object): Terminator };
    const terminators = servers.map((server) => createHttpTerminator({ server, gracefulTerminationTimeout: LIMIT }));
    onSigterm(() => Promise.all(terminators.map((terminator) => terminator.terminate())), 2 * LIMIT);
  },
  stoppable: (servers) => {
    const stoppable = fromBench('stoppable') as (server: Servers[number], grace: number) => { stop(callback: () => void): void };
    const stoppables = servers.map((server) => stoppable(server, LIMIT));
    onSigterm(() => Promise.all(stoppables.map((server) => new Promise<void>((resolve) => server.stop(resolve)))), 2 * LIMIT);
  },
  'http-graceful-shutdown': (servers) => {
    const gracefulShutdown = fromBench('http-graceful-shutdown') as (server: Servers[number], options: object) => () => Promise<void>;
    const stops = servers.map((server) => gracefulShutdown(server, { signals: '', forceExit: false, timeout: LIMIT }));
    onSigterm(() => Promise.all(stops.map((stop) => stop())), 2 * LIMIT);
  },
  'close-with-grace': (servers) => {
    const closeWithGrace = fromBench('close-with-grace') as (options: object, close: () => Promise<unknown>) => void;
    closeWithGrace({ delay: LIMIT, logger: false }, () => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));
  },
} satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;
