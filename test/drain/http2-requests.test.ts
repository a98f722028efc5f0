/** What becomes of the requests of an HTTP/2 session that is drained: answered whole, or refused and not processed. */
import { expect } from 'chai';
import { once } from 'node:events';
import http2, { constants } from 'node:http2';
import { PREFACE, RawClient, closed, connected, get, goaway, heldStream, ok, serve } from '../support/http2.js';
import { COMPLETE, outcome } from '../support/origins.js';
import { VERSIONS, track, turns } from '../support/pair.js';

for (const version of VERSIONS) {
  describe(`requests of a drained HTTP/2 session, ${version}`, () => {
    it('are waited for if the application got them, the last of which the GOAWAY names; then TLS ends both ways', async () => {
      const connection = await connected(version);
      const { client, drains, session, socket } = connection;
      const held = await heldStream(connection, 3);
      const drained = drains.drain();
      await client.until(() => client.of('GOAWAY').length === 1);
      expect(goaway(client.frames[0]!)).to.deep.equal([3, 0]);
      expect([session.destroyed, client.end]).to.deep.equal([false, undefined]);
      ok(held);
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      await client.answered(3);
      expect(client.end).to.equal('end');
      expect(client.of('GOAWAY').map(goaway).every(([last]) => last === 3)).to.equal(true);
      expect([session.destroyed, socket.destroyed]).to.deep.equal([true, true]);
    });

    it('do not reach the application if they cross the GOAWAY: that, or a reset, says that they are refused', async () => {
      const connection = await connected(version);
      const { client, drains, session, streams } = connection;
      const held = await heldStream(connection, 3);
      const drained = drains.drain();
      await closed(session);
      client.send(get(5)); // comes before the GOAWAY is sent
      await client.until(() => client.of('GOAWAY').length === 1);
      client.send(get(7)); // comes after it
      await turns();
      ok(held);
      expect(outcome(await drained)).to.deep.equal(COMPLETE);
      expect(streams.map(({ id }) => id)).to.deep.equal([3]);
      expect(client.frames.filter(({ stream }) => stream > 3).every(({ name, payload }) => name === 'RST_STREAM' && payload.readUInt32BE() === constants.NGHTTP2_REFUSED_STREAM)).to.equal(true);
      expect(client.of('GOAWAY').map(goaway).every(([last, code]) => last < 5 && code === 0)).to.equal(true);
      await client.answered(3);
    });
  });
}

describe('requests of a drained HTTP/2 session', () => {
  it("of Node's client that cross the GOAWAY fail with rstCode 7, whatever the method, and those that it had not sent have no id", async () => {
    const { server, port, drains, sessions } = await serve();
    const paths: unknown[] = [];
    let open: (() => void) | undefined;
    server.on('stream', (stream, headers) => {
      paths.push(headers[':path']);
      open = () => ok(stream);
    });
    const session = track(http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }));
    const gone = (stream: http2.ClientHttp2Stream): Promise<void> => new Promise((resolve) => void stream.once('close', resolve));
    const send = (path: string): http2.ClientHttp2Stream => session.request({ ':path': path, ':method': 'POST' }).on('error', () => {}).resume().end('body');
    const answered = send('/answered');
    while (open === undefined) await turns(1);
    const drained = drains.drain();
    await closed(sessions[0]!);
    const crossing = send('/crossing');
    await gone(crossing);
    expect([crossing.rstCode, crossing.pending]).to.deep.equal([constants.NGHTTP2_REFUSED_STREAM, false]);
    let unsent: http2.ClientHttp2Stream | undefined;
    try {
      unsent = send('/unsent');
    } catch (error) {
      expect(error).to.have.property('code', 'ERR_HTTP2_GOAWAY_SESSION'); // Node 20 and 22
    }
    if (unsent !== undefined) await gone(unsent);
    expect(unsent?.pending ?? true).to.equal(true);
    open();
    await gone(answered);
    expect(answered.rstCode).to.equal(0);
    expect((await drained).complete + (await drained).oneWay).to.equal(1);
    expect(paths).to.deep.equal(['/answered']);
  });

  it('of a connection that comes while it runs are answered if the application got them', async () => {
    const { port, server, drains } = await serve();
    let reached = 0;
    server.on('stream', (stream) => (reached++, ok(stream)));
    const connection = once(server, 'connection');
    const connecting = RawClient.connect(port);
    await connection;
    const drained = drains.drain();
    const client = await connecting;
    client.socket.once('end', () => client.socket.end());
    client.send(PREFACE, get(1));
    expect(outcome(await drained)).to.deep.equal(COMPLETE);
    expect(client.frames[0]!.name).to.equal('SETTINGS');
    expect(client.of('DATA').length).to.equal(reached);
    expect(client.of('GOAWAY').map(goaway)).to.deep.include([reached, 0]);
  });

  it('have their answers delivered whole, 100 of 100 kB on their way, each with its trailers', async () => {
    const { server, port, drains } = await serve();
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
    const drained = drains.drain();
    for (const answer of await Promise.all(answers)) expect(answer).to.deep.equal([100_000, 'yes']);
    expect((await drained).failed + (await drained).forced).to.equal(0);
  });
});
