/** When is an answer whole? HTTP/1.1 and HTTP/2, in one piece and byte by byte. */
import { createServer, constants } from 'node:http2';
import { once } from 'node:events';
import net from 'node:net';
import { expect } from 'chai';
import { http1Request } from '../../src/probe/requests/http1.js';
import { http2Request } from '../../src/probe/requests/http2.js';
import type { Reply, Request } from '../../src/probe/requests/request.js';
import { textRequest } from '../../src/probe/requests/text.js';
import { listen, track } from '../support/pair.js';

const AUTHORITY = { authority: 'example.com', name: 'example.com' };
const get = (): Request => http1Request(AUTHORITY, 'close', 'agent/1');

/** `chunk` is fed in pieces of `size`. */
function fed(reply: Reply, bytes: string | Buffer, size: number): [whole: boolean | undefined, summary: string | undefined] {
  const all = Buffer.from(bytes as string, 'latin1');
  for (let at = 0; at < all.length; at += size) reply.feed(all.subarray(at, at + size));
  return [reply.isWhole, reply.summary];
}

const OK = 'HTTP/1.1 200 OK\r\n';

describe('an HTTP/1.1 answer', () => {
  const answers: readonly (readonly [what: string, answer: string, whole: boolean | undefined, summary: string | undefined])[] = [
    ['nothing', '', false, undefined],
    ['a part of a head', 'HTTP/1.1 200 OK\r\nServer: x', false, 'a part of an HTTP head'],
    ['a stated length, and all of it', `${OK}Content-Length: 4\r\n\r\npage`, true, 'HTTP/1.1 200 OK, whole'],
    ['a stated length, and less', `${OK}content-length:  5 \r\n\r\npage`, false, 'HTTP/1.1 200 OK, not whole'],
    ['a length of nothing', `${OK}Content-Length: 0\r\n\r\n`, true, 'HTTP/1.1 200 OK, whole'],
    ['no stated length', `${OK}\r\npage`, undefined, 'HTTP/1.1 200 OK, of no stated length'],
    ['chunks, and the last one', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\npage\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n`, true, 'HTTP/1.1 200 OK, whole'],
    ['chunks with trailers', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n`, true, 'HTTP/1.1 200 OK, whole'],
    ['chunks, and not the last one', `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\npage\r\n`, false, 'HTTP/1.1 200 OK, not whole'],
    ['a chunk that is cut', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\npage`, false, 'HTTP/1.1 200 OK, not whole'],
    ['a length of a chunk that is none', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\npage`, undefined, 'no HTTP'],
    ['100 Continue before it', `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`, true, 'HTTP/1.1 200 OK, whole'],
    ['no body by its status', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', true, 'HTTP/1.1 304 Not Modified, whole'],
    ['control characters', `HTTP/1.1 200 \x1b[31m\r\nContent-Length: 0\r\n\r\n`, true, 'HTTP/1.1 200 \\x1b[31m, whole'],
    ['something else', '* BYE\r\n\r\n', undefined, 'no HTTP'],
    ['a version that is none', 'HTTP/x\r\n\r\n', undefined, 'no HTTP'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${'x'.repeat(70_000)}`, undefined, 'no HTTP'],
  ];
  for (const [what, answer, whole, summary] of answers) {
    it(`of ${what} is ${whole === undefined ? 'whole if its end says so' : whole ? 'whole' : 'not whole'}`, () => {
      const sizes = answer.length > 10_000 ? [answer.length, 1000] : [answer.length, 7, 1];
      for (const size of sizes) expect(fed(get().reply, answer, Math.max(1, size)), `in pieces of ${size}`).to.deep.equal([whole, summary]);
    });
  }

  it('is asked for by a GET that asks to close, or does not', () => {
    expect(String(get().bytes)).to.equal('GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: agent/1\r\nAccept: */*\r\nConnection: close\r\n\r\n');
    expect(String(http1Request(AUTHORITY, 'keep', 'agent/1').bytes)).to.not.include('Connection');
  });
});

describe('an HTTP/2 answer', () => {
  async function exchange(wish: 'close' | 'keep', status: number, body: Buffer): Promise<{ reply: Reply; goaway: number; authority: unknown }> {
    let goaway = -1;
    let authority: unknown;
    const server = createServer();
    server.on('session', (session) => session.on('goaway', (code) => (goaway = code)));
    server.on('stream', (stream, headers) => {
      authority = headers[':authority'];
      stream.respond({ ':status': status });
      stream.end(body);
    });
    const socket = track(net.connect(await listen(server), '127.0.0.1'));
    const { bytes, reply } = http2Request(AUTHORITY, wish, 'agent/1');
    socket.write(bytes);
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) {
        const answer = reply.feed(Buffer.of(byte));
        if (answer !== undefined) socket.write(answer);
      }
      if (reply.isWhole === true) socket.end();
    });
    await once(socket, 'end');
    server.close();
    return { reply, goaway, authority };
  }

  for (const [status, summary] of [[200, 'HTTP/2 200, whole'], [404, 'HTTP/2 404, whole'], [418, /^HTTP\/2 (418|answer), whole$/]] as const) {
    it(`of status ${status} is whole at the end of its stream, and more than a window can hold`, async () => {
      const { reply, goaway, authority } = await exchange('close', status, Buffer.alloc(300_000, 'x'));
      expect(reply.isWhole).to.equal(true);
      expect(reply.summary).to.match(new RegExp(summary));
      expect([goaway, authority]).to.deep.equal([constants.NGHTTP2_NO_ERROR, 'example.com']);
    });
  }

  it('over a connection that is to be kept sends no GOAWAY', async () => {
    expect((await exchange('keep', 200, Buffer.from('page'))).goaway).to.equal(-1);
  });

  it('tells a reset stream, what is not whole, and what is no HTTP/2', () => {
    const reply = (): Reply => http2Request(AUTHORITY, 'close', 'agent/1').reply;
    const headers = Buffer.from([0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]);
    expect(fed(reply(), headers, 1)).to.deep.equal([false, 'HTTP/2 200, not whole']);
    expect(fed(reply(), Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7]), 1)).to.deep.equal([false, 'HTTP/2, the stream was reset']);
    expect(fed(reply(), 'HTTP/1.1 400 Bad Request\r\n\r\n', 99)).to.deep.equal([undefined, 'no HTTP/2']);
    expect(fed(reply(), '', 1)).to.deep.equal([false, undefined]);
  });

  it('answers SETTINGS and PING', () => {
    const { reply } = http2Request(AUTHORITY, 'close', 'agent/1');
    expect(reply.feed(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))).to.deep.equal(Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]));
    expect(reply.feed(Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]))).to.equal(undefined);
    expect(reply.feed(Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))).to.deep.equal(Buffer.from([0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
  });
});

describe('any other answer', () => {
  it('is told by its first words', () => {
    expect(fed(textRequest('QUIT\r\n').reply, '221 Bye\r\n', 1)).to.deep.equal([undefined, '"221 Bye\\r\\n"']);
    expect(fed(textRequest('QUIT\r\n').reply, 'x'.repeat(500), 7)[1]).to.have.length(42).and.to.match(/\.\.\."$/);
    expect(textRequest('QUIT\r\n').name).to.equal('"QUIT\\r\\n"');
  });
});
