/** Between the clients and the servers: one port for all servers, a delay each way, and a copy of all that passes. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { streamsOf, type Streams } from './frames.js';
import { applicationData, type KeyLog } from './tls-records.js';

/** Milliseconds each way. So some requests cross each GOAWAY. */
const DELAY = 5;

/** @returns all that has passed, once it is over */
function pass(from: Socket, to: Socket): Buffer[] {
  const passed: Buffer[] = [];
  from.on('data', (chunk: Buffer) => {
    passed.push(chunk);
    setTimeout(() => to.write(chunk), DELAY);
  });
  from.on('end', () => setTimeout(() => to.end(), DELAY));
  from.on('close', (hadError) => {
    if (hadError) setTimeout(() => to.resetAndDestroy(), DELAY);
  });
  from.on('error', () => {}); // 'close' tells
  return passed;
}

const hasEnded = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('end', resolve).once('close', resolve));

export class Relay {
  /** Where new connections go. */
  target = 0;
  readonly total: Streams = { opened: 0, refused: 0, givenUp: 0, cut: 0 };
  readonly #keyLog: KeyLog;
  readonly #server: net.Server;
  readonly #open = new Set<Promise<void>>();

  constructor(keyLog: KeyLog) {
    this.#keyLog = keyLog;
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#connect(client));
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  #connect(client: Socket): void {
    const server = net.connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const [fromClient, fromServer] = [pass(client, server), pass(server, client)];
    const first = Promise.race([hasEnded(client).then(() => true), hasEnded(server).then(() => false)]);
    const over = Promise.all([client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    const counted = over.then(async () => {
      this.#count(Buffer.concat(fromClient), Buffer.concat(fromServer), await first);
      this.#open.delete(counted);
    });
    this.#open.add(counted);
  }

  #count(fromClient: Buffer, fromServer: Buffer, clientEndedFirst: boolean): void {
    const decrypted = (sent: Buffer, sender: 'CLIENT' | 'SERVER'): Buffer => applicationData(sent, this.#keyLog.secretsOf(sender, fromClient));
    const streams = streamsOf(decrypted(fromClient, 'CLIENT'), decrypted(fromServer, 'SERVER'), clientEndedFirst);
    for (const key of Object.keys(streams) as (keyof Streams)[]) this.total[key] += streams[key];
  }

  /** When all connections are over. */
  async close(): Promise<void> {
    this.#server.close();
    await Promise.all(this.#open);
  }
}
