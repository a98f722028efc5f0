import { expect } from 'chai';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { shutdown } from '../../src/index.js';
import { LAST, PREFACE, RawClient, frame, get, goaway, serve, type Serving } from '../support/http2.js';
import { VERSIONS, track, turns, type Version } from '../support/pair.js';

const ok = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

interface Connected extends Serving {
  readonly client: RawClient;
}

/** One exchange is over when it resolves. Streams but those for "/held" are answered at once. */
async function connected(version: Version = 'TLSv1.3'): Promise<Connected> {
  const serving = await serve(true);
  serving.server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] !== '/held') ok(stream);
  });
  const client = await RawClient.connect(serving.port, version);
  client.send(PREFACE, get(1));
  await client.answered(1);
  await client.until(() => client.of('SETTINGS').length === 2);
  client.frames.length = 0;
  return { ...serving, client };
}

async function heldStream({ server, client }: Connected, id: number): Promise<ServerHttp2Stream> {
  const streams = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
  client.send(get(id, '/held'));
  return (await streams)[0];
}

for (const version of VERSIONS) {
  describe(`Http2Connection.drain, ${version}`, () => {
    it('serves a stream that the client opens after the first GOAWAY, and names it in the final one', async () => {
      const { client, connections, sessions } = await connected(version);
      client.acknowledges = false;
      const drained = connections[0]!.drain();
      await client.until(() => client.of('PING').length === 1);
      client.send(get(3));
      await client.answered(3);
      expect(client.of('GOAWAY').map(goaway)).to.deep.equal([[LAST, 0]]);
      client.acknowledge(client.of('PING')[0]!);
      await drained;
      expect(sessions[0]!.destroyed).to.equal(true);
      await client.until(() => client.of('GOAWAY').length === 2);
      expect(client.frames.map(({ name }) => name)).to.deep.equal(['GOAWAY', 'PING', 'HEADERS', 'DATA', 'GOAWAY']);
      expect(goaway(client.frames[4]!)).to.deep.equal([3, 0]);
    });

    it('leaves TLS open for a shutdown, which both sides then finish', async () => {
      const { client, connections } = await connected(version);
      const { socket } = connections[0]!;
      await connections[0]!.drain();
      await turns();
      expect(socket).to.deep.include({ writableEnded: false, destroyed: false, readableFlowing: true });
      expect(socket.listenerCount('data')).to.equal(0);
      expect(client.end).to.equal(undefined);
      client.send(frame(6, 0, 0, Buffer.alloc(8)), Buffer.alloc(200_000)); // what still comes is thrown away
      client.socket.once('end', () => client.socket.end());
      expect(await shutdown(socket, { bidirectional: true })).to.deep.include({ value: 1 });
    });

    it('waits for the streams, also for one that is opened between the two GOAWAYs', async () => {
      const connection = await connected(version);
      const { client, connections } = connection;
      const first = await heldStream(connection, 3);
      client.acknowledges = false;
      let over = false;
      const drained = connections[0]!.drain().then(() => (over = true));
      await client.until(() => client.of('PING').length === 1);
      const second = await heldStream(connection, 5);
      client.acknowledge(client.of('PING')[0]!);
      await client.until(() => client.of('GOAWAY').length === 2);
      expect(goaway(client.of('GOAWAY')[1]!)).to.deep.equal([5, 0]);
      ok(first);
      await client.answered(3);
      expect(over).to.equal(false);
      ok(second);
      await drained;
      await client.answered(5);
    });
  });
}

describe('Http2Connection.drain', () => {
  it('is not misled by the acknowledgement of a PING of the application', async () => {
    const { client, connections, sessions } = await connected();
    client.acknowledges = false;
    sessions[0]!.ping(() => {});
    await client.until(() => client.of('PING').length === 1);
    const drained = connections[0]!.drain();
    await client.until(() => client.of('PING').length === 2);
    client.acknowledge(client.of('PING')[0]!);
    client.send(get(3));
    await client.answered(3);
    client.send(get(5)); // a turn of the server's lies between
    await client.answered(5);
    expect(client.of('GOAWAY').length).to.equal(1);
    client.acknowledge(client.of('PING')[1]!);
    await drained;
  });

  it('sends the final GOAWAY when the time is over and the client acknowledges nothing', async () => {
    const { client, connections } = await connected();
    client.acknowledges = false;
    await connections[0]!.drain(30);
    await client.until(() => client.of('GOAWAY').length >= 2);
    expect(client.of('GOAWAY').map(goaway).slice(0, 2)).to.deep.equal([[LAST, 0], [1, 0]]);
  });

  it('sends the final GOAWAY when the time is over and no PING can be sent, since ten are out', async () => {
    const { client, connections, sessions } = await connected();
    client.acknowledges = false;
    for (let i = 0; i < 10; i++) sessions[0]!.ping(() => {});
    await client.until(() => client.of('PING').length === 10);
    const drained = connections[0]!.drain(300);
    await client.until(() => client.of('GOAWAY').length === 1);
    client.send(get(3));
    await client.answered(3);
    await drained;
  });

  it('resolves when the client has never sent its preface', async () => {
    const { port, connections } = await serve(true);
    const client = await RawClient.connect(port);
    await client.until(() => client.of('SETTINGS').length === 1);
    await connections[0]!.drain(30);
    await client.until(() => client.of('GOAWAY').length >= 2);
    expect(client.frames[0]!.name).to.equal('SETTINGS');
  });

  it('serves a connection that it is asked to drain before the session is made, with the preface still on its way', async () => {
    let drained: Promise<void> | undefined;
    const { port, server } = await serve(true, {}, (connection) => (drained = connection.drain()));
    server.on('stream', ok);
    const client = await RawClient.connect(port);
    await client.until(() => client.of('GOAWAY').length === 1);
    expect(client.frames[0]!.name).to.equal('SETTINGS');
    client.send(PREFACE, get(1));
    await client.answered(1);
    await drained;
  });

  it('says nothing more than the session has said, when the application has closed it before', async () => {
    const connection = await connected();
    const { client, connections, sessions } = connection;
    const held = await heldStream(connection, 3);
    sessions[0]!.close();
    await client.until(() => client.of('GOAWAY').length === 1);
    const drained = connections[0]!.drain();
    await turns();
    ok(held);
    await drained;
    await client.answered(3);
    expect(client.of('GOAWAY').map(goaway).every(([last]) => last === 3)).to.equal(true);
  });

  it('closes at once after a GOAWAY of the application, which has refused later streams already', async () => {
    const { client, connections, sessions } = await connected();
    sessions[0]!.goaway(0);
    await client.until(() => client.of('GOAWAY').length === 1);
    client.acknowledges = false;
    await connections[0]!.drain(Infinity);
    expect(client.of('GOAWAY').map(goaway).every(([last]) => last === 1)).to.equal(true);
  });

  it('resolves when the application destroys the session, and leaves the socket open', async () => {
    const connection = await connected();
    await heldStream(connection, 3);
    const drained = connection.connections[0]!.drain();
    const closed = once(connection.sessions[0]!, 'close');
    connection.sessions[0]!.destroy();
    await drained;
    await closed;
    expect(connection.connections[0]!.socket.destroyed).to.equal(false);
  });

  it('resolves when the client resets the connection', async () => {
    const connection = await connected();
    await heldStream(connection, 3);
    connection.client.acknowledges = false;
    const drained = connection.connections[0]!.drain();
    await connection.client.until(() => connection.client.of('PING').length === 1);
    connection.client.raw.resetAndDestroy();
    await drained;
    expect(connection.sessions[0]!.destroyed).to.equal(true);
  });

  it('resolves at once on a socket that is closed, and gives the same promise twice', async () => {
    const { connections } = await connected();
    const { socket } = connections[0]!;
    socket.destroy();
    await once(socket, 'close');
    const drained = connections[0]!.drain();
    expect(connections[0]!.drain()).to.equal(drained);
    await drained;
  });

  it('delivers 100 answers of 100 kB whole that were on their way, each with its trailers', async () => {
    const { server, port, connections } = await serve(true);
    let open = 0;
    const all = new Promise<void>((resolve) => {
      server.on('stream', (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
        stream.write(Buffer.alloc(40_000));
        if (++open === 100) resolve();
        void all.then(() => stream.end(Buffer.alloc(60_000)));
      });
    });
    const session = track(http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }));
    const answers = Array.from({ length: 100 }, async () => {
      const stream = session.request();
      let length = 0;
      stream.on('data', (chunk: Buffer) => (length += chunk.length));
      const trailers = once(stream, 'trailers') as Promise<[http2.IncomingHttpHeaders]>;
      await once(stream, 'close');
      return [length, (await trailers)[0]['x-end']];
    });
    await all;
    const drained = connections[0]!.drain();
    for (const answer of await Promise.all(answers)) expect(answer).to.deep.equal([100_000, 'yes']);
    await drained;
  });
});
