/** HTTP/2's stand-ins for a socket pass for a `TLSSocket`, and refuse to be read, written or ended. */
import { expect } from 'chai';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { drainSockets, getShutdown, getShutdownError, gracefulShutdown, shutdown, watch } from '../../src/index.js';
import { certificate, listen, track } from '../support/pair.js';

const rejection = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error);

async function expectRefused(standIn: TLSSocket): Promise<void> {
  const errors = await Promise.all([gracefulShutdown(standIn), shutdown(standIn, { unread: 'discard' }), drainSockets([standIn])].map(rejection));
  for (const call of [watch, getShutdown, getShutdownError]) {
    try {
      call(standIn);
    } catch (error) {
      errors.push(error);
    }
  }
  expect(errors).to.have.length(6);
  for (const error of errors) expect(error).to.be.an.instanceOf(TypeError).with.property('code', 'ERR_INVALID_ARG_TYPE');
}

it("refuses session.socket and request.socket of HTTP/2, on both sides, and the session is as it was", async () => {
  const server = http2.createSecureServer(certificate);
  const port = await listen(server);
  const session = track(http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }));
  await once(session, 'connect');
  await expectRefused(session.socket as TLSSocket);
  const stream = session.request();
  const [request, response] = (await once(server, 'request')) as [http2.Http2ServerRequest, http2.Http2ServerResponse];
  await expectRefused(request.socket as TLSSocket);
  await expectRefused(request.stream.session!.socket as TLSSocket);
  response.end('hello');
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
  expect(body).to.equal('hello');
  const { socket } = session;
  await new Promise<void>((resolve) => session.close(resolve));
  await expectRefused(socket as TLSSocket);
});
