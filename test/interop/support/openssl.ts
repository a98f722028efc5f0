/** OpenSSL's own client and server, interactive: what is typed on their standard input is data, or a command if its first letter is one. */
import type { TLSSocket } from 'node:tls';
import { Child } from './child.js';
import { CERT_FILE, connect, KEY_FILE, listen, type Version } from './ends.js';

/** Their commands, as they are typed. */
export const RENEGOTIATE = { server: 'r\n', client: 'R\n' } as const;
export const KEY_UPDATE = 'k\n';
export const KEY_UPDATE_AND_ASK_FOR_ONE = 'K\n';

export interface Pair {
  readonly peer: Child;
  readonly socket: TLSSocket;
}

/** Where a client connects to instead of `port`: a relay between the two. */
export type Via = (port: number) => Promise<number>;
const directly: Via = (port) => Promise.resolve(port);

export async function startServer(...args: readonly string[]): Promise<{ peer: Child; port: number }> {
  const peer = new Child('openssl', ['s_server', '-accept', '127.0.0.1:0', '-key', KEY_FILE, '-cert', CERT_FILE, ...args]);
  const port = Number((await peer.waitFor(/ACCEPT 127\.0\.0\.1:(\d+)\s/))[1]);
  return { peer, port };
}

export function startClient(port: number, ...args: readonly string[]): Child {
  return new Child('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args]);
}

/** Our client, connected to `openssl s_server`. */
async function withServer(version: Version, args: readonly string[], via: Via): Promise<Pair> {
  const { peer, port } = await startServer(...args);
  const socket = await connect(await via(port), version);
  if (!args.includes('-www') && !args.includes('-rev')) await peer.waitFor(/Secure Renegotiation IS/); // the last line before it reads what is typed
  return { peer, socket };
}

/** Our server, with `openssl s_client` connected. */
async function withClient(version: Version, args: readonly string[], via: Via): Promise<Pair> {
  const { port, accept } = await listen(version);
  const peer = startClient(await via(port), ...args);
  const socket = await accept();
  await peer.waitFor(/^---\n.*Verify return code.*?^---\n/ms);
  return { peer, socket };
}

export function meet(role: 'client' | 'server', version: Version, args: readonly string[] = [], via: Via = directly): Promise<Pair> {
  return (role === 'server' ? withServer : withClient)(version, args, via);
}
