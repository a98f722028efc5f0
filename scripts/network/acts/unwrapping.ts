/** A connection that goes on in plaintext behind TLS. */
import { once } from 'node:events';
import type net from 'node:net';
import { unwrap, wrap } from 'tls-graceful-shutdown';
import { bytesOf, collect, gotOf, type Got } from '../bytes.js';
import type { Version } from '../../../test/support/pair.js';
import { acceptTcp, connectTcp, identityOf, remember, versionsOf } from './sockets.js';
import { timed, type Timed } from './timed.js';

export interface UnwrapPlan {
  readonly version: Version;
  readonly name: string;
  readonly length: number;
  readonly timeout: number;
}

export interface UnwrapTold extends Timed {
  readonly isSame: boolean;
  readonly overTls: Got;
  readonly inPlaintext: Got;
}

async function unwrapOne(transport: net.Socket, isServer: boolean, { version, name, length, timeout }: UnwrapPlan): Promise<UnwrapTold> {
  const closed = new Promise((resolve) => transport.once('close', resolve));
  const secure = remember(wrap(transport, isServer ? { isServer: true, ...identityOf(version) } : { rejectUnauthorized: false, ...versionsOf(version) }));
  await once(secure, isServer ? 'secure' : 'secureConnect');
  const received = collect(secure);
  secure.write(bytesOf(`${name}, TLS`, length));
  const { result: plain, ...time } = await timed(() => unwrap(secure, { timeout }));
  const receivedPlain = collect(plain);
  plain.end(bytesOf(`${name}, plain`, length));
  await closed;
  return { ...time, isSame: plain === transport, overTls: gotOf(received()), inPlaintext: gotOf(receivedPlain()) };
}

const servers = new Map<number, Promise<UnwrapTold>>();

export async function listenAndUnwrap(plan: UnwrapPlan): Promise<number> {
  const { port, socket } = await acceptTcp();
  servers.set(port, socket.then((transport) => unwrapOne(transport, true, plan)));
  return port;
}

export const unwrappedAt = (port: number): Promise<UnwrapTold> => servers.get(port)!;

export async function connectAndUnwrap({ port, ...plan }: UnwrapPlan & { port: number }): Promise<UnwrapTold> {
  return await unwrapOne(await connectTcp(port), false, plan);
}
