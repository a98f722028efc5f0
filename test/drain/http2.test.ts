import { expect } from 'chai';
import { once } from 'node:events';
import tls, { TLSSocket } from 'node:tls';
import { getShutdown, gracefulShutdown, watch } from '../../src/index.js';
import { RawClient, connected, frame, goaway, heldStream, ok, serve } from '../support/http2.js';
import { COMPLETE, outcome, told } from '../support/origins.js';
import { VERSIONS, listen, track, turns } from '../support/pair.js';

for (const version of VERSIONS) {
  describe(`drain of an HTTP/2 session, ${version}`, () => {
    it('throws away what the client still sends when the session is over', async () => {
      const { client, drains, socket } = await connected(version, false);
      const drained = drains.drain();
      await client.until(() => client.of('GOAWAY').length > 0);
      client.send(frame(6, 0, 0, Buffer.alloc(8)), Buffer.alloc(200_000));
      client.socket.end();
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(getShutdown(socket)).to.deep.equal({ sent: 'close_notify', received: 'close_notify' });
    });

    it('sends no alert with quiet: true, and all that was answered', async () => {
      const connection = await connected(version, false);
      const { client, drains, socket } = connection;
      watch(client.socket).once('end', () => client.raw.end());
      const held = await heldStream(connection, 3);
      const drained = drains.drain({ quiet: true });
      await client.until(() => client.of('GOAWAY').length === 1);
      ok(held);
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.answered(3);
      expect(getShutdown(client.socket).received).to.not.equal('close_notify');
      expect(getShutdown(socket).sent).to.equal('quiet');
    });
  });
}

describe('drain of an HTTP/2 session', () => {
  it('ends a session whose client has never sent its preface', async () => {
    const { port, drains } = await serve();
    const client = await RawClient.connect(port);
    client.socket.once('end', () => client.socket.end());
    await client.until(() => client.of('SETTINGS').length === 1);
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
    expect(client.of('GOAWAY').map(goaway)).to.deep.equal([[0, 0]]);
  });

  it('waits for a session that the application has closed before', async () => {
    const connection = await connected();
    const { client, drains, session } = connection;
    const held = await heldStream(connection, 3);
    session.close();
    const drained = drains.drain();
    await told(drains);
    await turns();
    expect(client.end).to.equal(undefined);
    ok(held);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    await client.answered(3);
  });

  for (const silent of [false, true]) {
    it(`${silent ? 'calls a client failed that does not end within timeout' : 'ends TLS both ways'}, where the session has ended its socket before`, async () => {
      const { client, drains, session, socket } = await connected('TLSv1.3', false);
      session.close();
      await client.until(() => client.end !== undefined);
      expect(socket.writableEnded).to.equal(true);
      const drained = drains.drain({ timeout: silent ? 50 : 5000 });
      await told(drains);
      await turns();
      if (!silent) client.socket.end();
      expect(outcome(await drained)).to.deep.equal(silent ? { total: 1, failed: 1, TIMEOUT: 1 } : COMPLETE);
    });
  }

  for (const when of ['before the drain', 'in the drain'] as const) {
    it(`calls a connection failed that its client has reset, though Node has stopped to read it: ${when}`, async () => {
      const connection = await connected();
      const { client, drains, socket } = connection;
      await heldStream(connection, 3);
      const { _parent: transport } = (socket as unknown as { _handle: { _parent: { readStop(): void } } })._handle;
      const reset = (): void => {
        transport.readStop(); // as Node 20 and 22 do by themselves where the reset comes right behind a request
        client.raw.destroySoon = () => void client.raw.destroy();
        client.raw.resetAndDestroy();
      };
      if (when === 'before the drain') reset();
      const drained = drains.drain({ grace: 5000 });
      await told(drains);
      await turns(5);
      if (when === 'in the drain') reset();
      expect(await drained).to.include({ total: 1, failed: 1 });
    });
  }

  it('ends TLS both ways when the application shuts the socket down meanwhile', async () => {
    const connection = await connected();
    const { client, drains, socket } = connection;
    await heldStream(connection, 3);
    const drained = drains.drain();
    await client.until(() => client.of('GOAWAY').length === 1);
    expect(await gracefulShutdown(socket, { bidirectional: true })).to.equal(1);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
  });

  it("ends TLS both ways when somebody has put a method around the socket's end() meanwhile", async () => {
    const connection = await connected();
    const { client, drains, socket } = connection;
    const held = await heldStream(connection, 3);
    const drained = drains.drain();
    await client.until(() => client.of('GOAWAY').length === 1);
    const { end } = socket;
    let calls = 0;
    socket.end = function (this: typeof socket, ...args: unknown[]) {
      calls++;
      return Reflect.apply(end, this, args) as typeof socket;
    } as typeof end;
    ok(held);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(calls).to.be.within(1, 2); // the drain's own shutdown calls it, too
  });

  it('ends TLS both ways when the application destroys the session meanwhile', async () => {
    const connection = await connected();
    await heldStream(connection, 3);
    const drained = connection.drains.drain();
    await connection.client.until(() => connection.client.of('GOAWAY').length === 1);
    connection.session.destroy();
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
  });

  it('ends TLS both ways when the client ends first, with a stream open', async () => {
    const connection = await connected();
    await heldStream(connection, 3);
    const drained = connection.drains.drain();
    await connection.client.until(() => connection.client.of('GOAWAY').length === 1);
    connection.client.socket.end();
    const report = await drained;
    expect([report.total, report.complete + report.oneWay]).to.deep.equal([1, 1]);
  });

  it('ends TLS both ways when Node forgets to end the session, and sends a second GOAWAY for that', async () => {
    const connection = await connected();
    const { client, drains, session } = connection;
    client.socket.once('end', () => client.socket.end());
    const symbol = Object.getOwnPropertySymbols(Object.getPrototypeOf(Object.getPrototypeOf(session))).find(({ description }) => description === 'kMaybeDestroy')!;
    const forgetful = session as unknown as Record<symbol, (...args: unknown[]) => void>;
    const { [symbol]: maybeDestroy } = forgetful;
    let goaways = 0;
    const { goaway: sendGoaway } = session;
    session.goaway = (...args) => {
      goaways++;
      sendGoaway.apply(session, args);
    };
    forgetful[symbol] = (...args) => {
      if (goaways > 1) maybeDestroy!.apply(session, args);
    };
    const held = await heldStream(connection, 3);
    const drained = drains.drain({ grace: 5000 });
    await client.until(() => client.of('GOAWAY').length > 0);
    ok(held);
    await client.answered(3);
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(goaways).to.equal(2); // the first by session.close()
    for (const each of client.of('GOAWAY')) expect(goaway(each)).to.deep.equal([3, 0]);
  });

  it('counts a session as failed that the client resets', async () => {
    const connection = await connected();
    await heldStream(connection, 3);
    const drained = connection.drains.drain();
    await connection.client.until(() => connection.client.of('GOAWAY').length === 1);
    connection.client.raw.resetAndDestroy();
    expect(outcome(await drained)).to.include({ total: 1, failed: 1 });
    expect(connection.session.destroyed).to.equal(true);
  });

  it('counts a session that the client resets when the server listens again', async () => {
    const connection = await connected();
    const { client, drains, server } = connection;
    await heldStream(connection, 3);
    const drained = drains.drain();
    await client.until(() => client.of('GOAWAY').length === 1);
    await listen(server);
    client.raw.resetAndDestroy();
    expect(outcome(await drained)).to.include({ total: 1, failed: 1 });
  });

  for (const how of ['grace', 'force'] as const) {
    it(`counts a session as forced that has a stream open at the end of ${how}, and destroys it`, async () => {
      const connection = await connected();
      const { drains, session, socket, client } = connection;
      await heldStream(connection, 3);
      const force = new AbortController();
      const drained = drains.drain(how === 'grace' ? { grace: 50 } : { force: force.signal });
      await client.until(() => client.of('GOAWAY').length === 1);
      force.abort();
      expect(outcome(await drained)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
      expect([session.destroyed, socket.destroyed]).to.deep.equal([true, true]);
    });
  }

  it('calls a client failed that does not end within timeout, counted from the end of the last stream', async () => {
    const connection = await connected('TLSv1.3', false);
    const { client, drains } = connection;
    const held = await heldStream(connection, 3);
    const drained = drains.drain({ timeout: 50 });
    await client.until(() => client.of('GOAWAY').length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    ok(held);
    expect(outcome(await drained)).to.deep.equal({ total: 1, failed: 1, TIMEOUT: 1 });
    await client.answered(3);
    expect(client.end).to.equal('end');
  });

  it('gives a connection to finish for which no session is made', async () => {
    const given: unknown[] = [];
    const { server, port, drains, sockets } = await serve({}, { finish: (socket) => void given.push(socket) });
    const [makeSession] = server.listeners('secureConnection').filter(({ name }) => name === 'connectionListener');
    server.off('secureConnection', makeSession as () => void).on('secureConnection', (socket) => socket.resume());
    const client = await RawClient.connect(port);
    client.socket.once('end', () => client.socket.end());
    while (sockets.length === 0) await turns(1);
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
    expect(given).to.deep.equal(sockets);
  });

});

describe('a drainable HTTP/2 server', () => {
  it("leaves its sessions on the socket that 'secureConnection' gave, with Node's own methods and nothing that listens to what is read", async () => {
    const { server, session, socket } = await connected();
    expect(session.socket.off('none', () => {})).to.equal(socket);
    for (const name of ['read', 'pause', 'resume', 'write', 'end'] as const) expect(socket[name], name).to.equal(TLSSocket.prototype[name]);
    expect(['data', 'readable', 'pause', 'resume', 'drain'].map((event) => socket.listenerCount(event))).to.deep.equal([0, 0, 0, 0, 0]);
    expect(server.listenerCount('session')).to.equal(1); // this test's
  });

  it("leaves a client without a protocol to 'unknownProtocol', and drains it", async () => {
    const { server, port, drains } = await serve();
    const unknown = once(server, 'unknownProtocol') as Promise<[TLSSocket]>;
    const client = track(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })).resume();
    const ended = once(client, 'close');
    expect((await unknown)[0]).to.be.instanceOf(TLSSocket);
    expect(outcome(await drains.drain())).to.deep.equal(COMPLETE);
    await ended;
  });
});
