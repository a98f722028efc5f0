/**
 * A canary for new Nodes. The first socket of each kind that is watched, and the first request of a drainable HTTP server, are asked whether the fields in
 * the tables of this folder are there, and of the type that they have in Node 20 to 26. One that is not is told by a warning, once in a process. It is only
 * told: each place that asks a field has its own answer where that is gone. On Bun and Deno nothing is asked.
 *
 * A field whose holder is gone is not told, since its holder is. UNASKED has those that can't be asked.
 */
import type { ServerResponse } from 'node:http';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { finalRequest } from './final.js';
import { duplexUnder } from './handle.js';
import { takeDestroyBack } from './http.js';
import { IS_NODE } from './runtime.js';

type Holder = Readonly<Record<PropertyKey, unknown>>;
type Asked<T> = Readonly<Record<string, (subject: T) => boolean>>;

function isHolder(value: unknown): value is Holder {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Whether it is of that type, or null where that may be, below a holder that is there. */
function has(holder: unknown, name: PropertyKey, type: string, orNull = false): boolean {
  if (!isHolder(holder)) return true;
  const value = holder[name];
  return value === null ? orNull : typeof value === type;
}

const handle = (socket: object): unknown => (socket as Holder)['_handle'];
function below(holder: unknown, name: string): unknown {
  return isHolder(holder) ? holder[name] : undefined;
}
const parent = (socket: object): unknown => below(handle(socket), '_parent');
const nameOf = (value: unknown): unknown => below(below(value, 'constructor'), 'name');

const ofSocket = (name: string, type: string) => (socket: object) => has(socket, name, type);
const ofHandle = (name: string, type: string, orNull = false) => (socket: object) => has(handle(socket), name, type, orNull);
const ofParent = (name: string, type: string) => (socket: object) => has(parent(socket), name, type);
const ofState = (name: string, orNull = false) => (socket: object) => has((socket as Holder)['_readableState'], name, 'boolean', orNull);

/** Over TCP or a Unix socket. */
const OVER_KERNEL: Asked<TLSSocket> = {
  'socket._handle': ofSocket('_handle', 'object'),
  secureConnecting: ofSocket('secureConnecting', 'boolean'),
  _secureEstablished: ofSocket('_secureEstablished', 'boolean'),
  '_tlsError()': ofSocket('_tlsError', 'function'),
  _hadError: ofSocket('_hadError', 'boolean'),
  '_init()': ofSocket('_init', 'function'),
  '_releaseControl()': ofSocket('_releaseControl', 'function'),
  '_readableState.ended': ofState('ended'),
  '_readableState.flowing': ofState('flowing', true),
  '_handle._parent': ofHandle('_parent', 'object'),
  '_handle._parentWrap': ofHandle('_parentWrap', 'object', true),
  '_handle.bytesRead': ofHandle('bytesRead', 'number'),
  '_handle.reading': (socket) => (socket.connecting && nameOf(parent(socket)) === 'Pipe') || has(handle(socket), 'reading', 'boolean'), // a Unix socket has it once it is connected
  '_handle.readStart()': ofHandle('readStart', 'function'),
  '_handle.readStop()': ofHandle('readStop', 'function'),
  '_handle.receive()': ofHandle('receive', 'function'),
  '_handle.newSessionDone()': ofHandle('newSessionDone', 'function'),
  '_handle.verifyError()': ofHandle('verifyError', 'function'),
  '_handle.onread': ofHandle('onread', 'function'),
  '_handle.onerror': ofHandle('onerror', 'function'),
  // A free socket of an http.Agent has another one from Node 26 on.
  onStreamRead: (socket) => [undefined, 'onStreamRead', 'freeSocketOnReadGuard'].includes(below(below(handle(socket), 'onread'), 'name') as string | undefined),
  'the class of _parent': (socket) => !isHolder(parent(socket)) || ['TCP', 'Pipe'].includes(nameOf(parent(socket)) as string),
  writeQueueSize: (socket) => has(handle(socket), 'writeQueueSize', 'number') && has(parent(socket), 'writeQueueSize', 'number'),
  '_parent.bytesRead': ofParent('bytesRead', 'number'),
  '_parent.bytesWritten': ofParent('bytesWritten', 'number'),
  '_parent.readStart()': ofParent('readStart', 'function'),
  '_parent.readStop()': ofParent('readStop', 'function'),
  '_parent.useUserBuffer()': ofParent('useUserBuffer', 'function'),
  '_parent.onread': (socket) => !isHolder(parent(socket)) || ('onread' in (parent(socket) as Holder) && ['undefined', 'function'].includes(typeof below(parent(socket), 'onread'))), // mostly not set yet
  '_parent.fd': ofParent('fd', 'number'),
  '_parent.getpeername()': (socket) => nameOf(parent(socket)) === 'Pipe' || has(parent(socket), 'getpeername', 'function'),
  '_handle.hasRef()': ofParent('hasRef', 'function'), // of the transport's own socket
  'net.Socket.prototype._final': () => has(net.Socket.prototype, '_final', 'function'),
  'handle.shutdown()': () => finalRequest() !== undefined || !has(net.Socket.prototype, '_final', 'function'),
  'request.oncomplete': () => has(finalRequest(), 'oncomplete', 'function'),
};

const OVER_DUPLEX: Asked<TLSSocket> = {
  '_handle._parentWrap.stream': (socket) => !isHolder(below(handle(socket), '_parentWrap')) || duplexUnder(socket) !== undefined,
  '_handle._parentWrap._handle': (socket) => has(below(handle(socket), '_parentWrap'), '_handle', 'object', true),
  '_parent.readBuffer()': ofParent('readBuffer', 'function'),
  '_parent.emitEOF()': ofParent('emitEOF', 'function'),
  '_parent.onwrite': ofParent('onwrite', 'function'),
  '_parent.finishWrite()': ofParent('finishWrite', 'function'),
};

const parserOf = (response: ServerResponse): unknown => below(response.req.socket, 'parser');
const serverOf = (response: ServerResponse): unknown => below(response.req.socket, 'server');

/** Of the first request that Node's parser has given to a drainable server. */
const OF_HTTP: Asked<ServerResponse> = {
  'server._connections': (response) => has(serverOf(response), '_connections', 'number'),
  'Symbol(http.server.connectionsCheckingInterval)': (response) => {
    const server = serverOf(response);
    if (!(server instanceof net.Server) || !server.listening) return true;
    return Object.getOwnPropertySymbols(server).some(({ description }) => description === 'http.server.connectionsCheckingInterval');
  },
  'socket.server': (response) => has(response.req.socket, 'server', 'object'),
  'socket.parser': (response) => has(response.req.socket, 'parser', 'object'),
  kOnMessageBegin: (response) => has(below(parserOf(response), 'constructor'), 'kOnMessageBegin', 'number'),
  'parser.onIncoming': (response) => has(parserOf(response), 'onIncoming', 'function'),
  '_storeHeader()': (response) => has(response, '_storeHeader', 'function'),
  _last: (response) => has(response, '_last', 'boolean'),
  "the socket's own destroy, which destroySoon() has listen to 'finish'": () => {
    const socket = new net.Socket();
    socket.destroySoon();
    const isTaken = takeDestroyBack(socket);
    socket.destroy();
    return isTaken;
  },
};

/** What can't be asked, and why. @internal */
export const UNASKED: Readonly<Record<string, string>> = {
  '_handle.shutdown()': 'Node itself ends each socket by it',
  TLSWrap: 'only TLS in TLS has it twice; without it the class is no other that is known',
  freeSocketOnReadGuard: 'only free sockets of an http.Agent have it, from Node 26 on',
  'Symbol(kBoundSession)': 'only HTTP/2 has it, and by alpnProtocol it is known too',
  'Symbol(state)': 'only a session of HTTP/2 has it',
  'socket._paused': 'Node sets it only where too many answers wait',
  'socket.stream': 'only a Duplex has it, where it is asked as _handle._parentWrap.stream',
  exitedAfterDisconnect: 'documented; only workers of a cluster have it',
  'unrefCounted()': 'only a process with a channel to a parent has it',
  'refCounted()': 'the same',
  internalMessage: 'it is an event',
  cmd: 'it comes with that event',
  bun: 'its absence is the rule',
  deno: 'its absence is the rule',
};

/** Each field that is asked. @internal */
export const ASKED: readonly string[] = [OVER_KERNEL, OVER_DUPLEX, OF_HTTP].flatMap((asked) => Object.keys(asked));

/** Those of HTTP servers. @internal */
export const ASKED_OF_HTTP: readonly string[] = Object.keys(OF_HTTP);

/** Two copies of this package tell a field once. */
const TOLD = Symbol.for('tls-graceful-shutdown.told');

function tell(field: string): void {
  const told = ((globalThis as Record<symbol, unknown>)[TOLD] ??= new Set<string>()) as Set<string>;
  if (told.has(field)) return;
  told.add(field);
  process.emitWarning(
    `tls-graceful-shutdown: ${field} of Node ${process.version} is not what it is in Node 20 to 26. Nothing is lost, and no end is taken for clean, but more may be 'unverified'. ` +
      'See "I get TlsGracefulShutdownWarning" in docs/troubleshooting.md',
    'TlsGracefulShutdownWarning',
  );
}

function askAll<T>(asked: Asked<T>, subject: T): void {
  for (const [field, isThere] of Object.entries(asked)) if (!isThere(subject)) tell(field);
}

const done = { kernel: !IS_NODE, duplex: !IS_NODE, http: !IS_NODE };

/** A socket that is being watched, and lives. */
export function askSocket(socket: TLSSocket): void {
  if (done.kernel && done.duplex) return;
  const kind = nameOf(parent(socket));
  if (kind === 'TLSWrap' || kind === 'TTY') return;
  const which = kind === 'JSStream' ? 'duplex' : 'kernel';
  if (done[which]) return;
  done[which] = true;
  askAll(which === 'duplex' ? OVER_DUPLEX : OVER_KERNEL, socket);
}

/** An answer that is to be made, of a connection of Node's own. */
export function askHttp(response: ServerResponse): void {
  if (done.http) return;
  done.http = true;
  askAll(OF_HTTP, response);
}
