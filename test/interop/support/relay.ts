/** A TCP relay that can stop what the peer sends at a moment that no clock could hit. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterThisTest } from './cleanup.js';

export class Relay {
  /** How many more chunks of the peer's side pass. */
  #passes = Infinity;
  #held: (() => void)[] = [];
  #fromUs: (() => void) | undefined;
  #fromPeer: (() => void) | undefined;
  readonly #peer: 'client' | 'server';

  constructor(peer: 'client' | 'server') {
    this.#peer = peer;
  }

  /** Listens, and connects whoever comes with `port`. */
  async listen(port: number): Promise<number> {
    const server = net.createServer({ allowHalfOpen: true }, (client) => {
      const upstream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      for (const socket of [client, upstream]) {
        afterThisTest(() => socket.destroy());
        socket.setNoDelay(true).on('error', () => {});
      }
      this.#forward(client, upstream, this.#peer === 'client');
      this.#forward(upstream, client, this.#peer === 'server');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterThisTest(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  #forward(from: Socket, to: Socket, isPeer: boolean): void {
    const pass = (send: () => void): void => {
      if (!isPeer) {
        send();
        this.#fromUs?.();
      } else if (this.#passes-- > 0) {
        send();
        this.#fromPeer?.();
      } else {
        this.#held.push(send);
        this.#fromPeer?.();
      }
    };
    from.on('data', (chunk) => pass(() => to.write(chunk))).on('end', () => pass(() => to.end()));
  }

  /** Resolves when the peer has sent something, held or not. */
  peerSends(): Promise<void> {
    return new Promise((resolve) => (this.#fromPeer = resolve));
  }

  /** Lets `chunks` more of the peer's pass, then no more, until `release`. Resolves when we have sent something after that. */
  hold(chunks: number): Promise<void> {
    this.#passes = chunks;
    return new Promise((resolve) => (this.#fromUs = resolve));
  }

  release(): void {
    this.#passes = Infinity;
    for (const send of this.#held.splice(0)) send();
  }
}
