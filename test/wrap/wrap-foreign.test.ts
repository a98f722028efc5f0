import { expect } from 'chai';
import { EventEmitter, once } from 'node:events';
import type { Duplex } from 'node:stream';
import { unwrap, wrap } from '../../src/index.js';
import { certificate } from '../support/pair.js';
import { connection, handshakes } from '../support/wrapped.js';

/** A stream of another library, such as readable-stream: all the methods, another class. */
function foreign(stream: Duplex): Duplex {
  return new Proxy(stream, { getPrototypeOf: () => EventEmitter.prototype });
}

it("unwrap gives back a stream that is no instance of Node's Duplex", async () => {
  const [ours, peers] = await connection();
  const transport = foreign(ours);
  const client = wrap(transport, { rejectUnauthorized: false });
  const server = wrap(peers, { isServer: true, ...certificate });
  await handshakes(client, server);
  const [plain] = await Promise.all([unwrap(client), unwrap(server)]);
  expect(plain).to.equal(transport);
  peers.write('plain');
  expect(String((await once(plain, 'data'))[0])).to.equal('plain');
});
