/** The half of a request holds its connection in a drain; a request that Node has answered by itself does not. */
import { expect } from 'chai';
import { Client, get } from '../support/clients.js';
import { COMPLETE, HTTP1_KINDS, makeServer, nextSocket, outcome, start } from '../support/origins.js';
import { turns } from '../support/pair.js';

const REFUSED = 'GET /refused HTTP/1.1\r\nhost: x\r\nexpect: the unexpected\r\n\r\n';
/** What was asked before, and how that was answered. */
const BEFORE: Record<string, [requests: string, answered: RegExp]> = {
  nothing: ['', /^/],
  'one request': [get('/1'), /answer \/1\./],
  'three pipelined requests': [get('/1') + get('/2') + get('/3'), /answer \/3\./],
  'a request that Node refuses by itself': [REFUSED, /417 Expectation Failed[^]*\r\n\r\n/],
  'a request behind one that Node refuses': [REFUSED + get('/2'), /answer \/2\./],
};

for (const kind of HTTP1_KINDS) {
  describe(`drain, the beginning of a request to ${kind}`, () => {
    for (const [title, [requests, answered]] of Object.entries(BEFORE)) {
      it(`none behind ${title}: the connection is idle`, async () => {
        const { drains, port } = await start(makeServer(kind, (request, response) => response.end(`answer ${request.url}.`)));
        const client = await Client.connect(port);
        await client.write(requests).until(answered);
        expect(outcome(await drains.drain({ grace: 10_000, idleGrace: 0 }))).to.deep.equal(COMPLETE);
        expect(client.received).to.equal('close_notify');
      });

      it(`one behind ${title} holds the connection until the request is answered`, async () => {
        const server = makeServer(kind, (request, response) => response.end(`answer ${request.url}.`));
        const { drains, port } = await start(server);
        const accepted = nextSocket(server);
        const client = await Client.connect(port);
        const socket = await accepted;
        await client.write(requests).until(answered);
        client.write(get('/last').slice(0, 9));
        while (socket.bytesRead < requests.length + 9) await turns(1);
        const drained = drains.drain({ grace: 10_000, idleGrace: 0 });
        await turns(10);
        client.write(get('/last').slice(9));
        expect(outcome(await drained)).to.deep.equal(COMPLETE);
        await client.ended;
        expect(client.text).to.match(/answer \/last\.$/);
        expect(client.received).to.equal('close_notify');
      });
    }
  });
}
