/** Outside of a drain nothing may differ from Node's own server: each case is run on both, and what the client and the server saw is compared. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import { PREFACE, RawClient, frame, get, goaway, serve } from '../support/http2.js';
import { turns } from '../support/pair.js';

interface Case {
  readonly client: RawClient;
  readonly session: ServerHttp2Session;
  /** The stream for "/held" is open. */
  hold(): Promise<void>;
  readonly server: Awaited<ReturnType<typeof serve>>['server'];
}

/** The frames and the end at the client, the events at the server. */
async function observe(carried: boolean, act: (test: Case) => unknown): Promise<unknown> {
  const { server, port } = await serve(carried);
  const events: string[] = [];
  const code = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'none';
  server.on('sessionError', (error) => events.push(`sessionError ${code(error)}`));
  server.on('stream', (stream, headers) => {
    stream.on('error', (error) => events.push(`stream ${stream.id} error ${code(error)}`));
    stream.on('close', () => events.push(`stream ${stream.id} closed, ${stream.rstCode}`));
    if (headers[':path'] === '/held') return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const sessions = once(server, 'session') as Promise<[ServerHttp2Session]>;
  const secured = once(server, 'secureConnection');
  const client = await RawClient.connect(port);
  const [socket] = (await secured) as [import('node:tls').TLSSocket];
  socket.on('error', () => {});
  client.send(PREFACE, get(1));
  const [session] = await sessions;
  session.on('error', (error) => events.push(`error ${code(error)}`));
  session.on('close', () => events.push(`close, closed ${session.closed}, destroyed ${session.destroyed}`));
  await client.answered(1);
  await client.until(() => client.of('SETTINGS').length === 2);
  const hold = async (): Promise<void> => {
    const opened = once(server, 'stream');
    client.send(get(3, '/held'));
    await opened;
  };
  await turns(); // stream 1 is closed
  client.socket.once('end', () => client.socket.end());
  const over = Promise.all([new Promise((resolve) => socket.once('close', resolve)), new Promise((resolve) => session.once('close', resolve))]);
  await act({ client, session, hold, server });
  await over;
  await turns();
  if (!client.socket.closed) await client.until(() => client.end !== undefined);
  const last = client.of('GOAWAY').map(goaway).map(String);
  return { frames: [...new Set(client.frames.map(({ name, stream, flags }) => `${name} ${stream} ${flags}`))], goaways: [...new Set(last)], end: client.end, events: events.sort(), freed: socket.destroyed };
}

const CASES: Record<string, (test: Case) => unknown> = {
  'session.close()': ({ session }) => session.close(),
  'session.close() with a stream open, which is then reset': async ({ session, client, hold }) => {
    await hold();
    session.close();
    await client.until(() => client.of('GOAWAY').length > 0);
    client.send(frame(3, 0, 3, Buffer.from([0, 0, 0, 8])));
  },
  'session.destroy()': ({ session }) => session.destroy(),
  'session.destroy() with a stream open': async ({ session, hold }) => {
    await hold();
    session.destroy();
  },
  'session.destroy(error)': ({ session }) => session.destroy(new Error('mine')),
  'the time-out of session.setTimeout': ({ session }) => session.setTimeout(10, () => session.close()),
  'a frame that breaks the protocol': ({ client }) => client.send(frame(6, 0, 1, Buffer.alloc(8))),
  'the client\'s GOAWAY and close_notify': ({ client }) => {
    client.send(frame(7, 0, 0, Buffer.alloc(8)));
    client.socket.end();
  },
  'the client\'s close_notify with a stream open': async ({ client, hold }) => {
    await hold();
    client.socket.end();
  },
  'the client\'s bare FIN': ({ client }) => void client.raw.end(),
  'the client\'s reset with a stream open': async ({ client, hold }) => {
    await hold();
    client.raw.resetAndDestroy();
  },
  'server.close(), and session.close() where it does not do that': ({ server, session }) => {
    server.close();
    session.close();
  },
};

describe('a carried HTTP/2 session', () => {
  for (const [name, act] of Object.entries(CASES)) {
    it(`ends as one of Node's own does after ${name}`, async () => {
      expect(await observe(true, act)).to.deep.equal(await observe(false, act));
    });
  }
});
