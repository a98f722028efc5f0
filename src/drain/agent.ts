/** Draining an agent, without a request lost. */
import type { Agent, ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { argumentError, completeDrainOptions, drainOptions, isTLSSocket } from '../arguments.js';
import { inNextTurn } from '../connection/turn.js';
import type { DrainOptions, DrainReport } from '../types.js';
import { watchSocket } from '../connection/connection.js';
import { putMethod } from '../connection/methods.js';
import { loaded } from '../builtins.js';
import { inHandshake } from '../node/handle.js';
import { takeDestroyBack } from '../node/http.js';
import { Drain } from './drain.js';

type Lists = Pick<Agent, 'sockets' | 'freeSockets' | 'requests'>;

/**
 * Closes the sockets of an agent, those with TLS by a two-way shutdown: idle ones at once, busy ones when their request is answered and no queued one is left for
 * them. The busy sockets serve the queue, as always. Requests that are still in it when `grace` is over, or `force` is aborted, fail with an error that
 * says so.
 *
 * A request made during the drain is served too, on a connection of its own that is not kept for another one. After the drain the agent is as it
 * was, with nothing in its pool. A second call meanwhile joins the first.
 *
 * @param agent any `http.Agent`: an `https.Agent`, or one of a package that extends it, as agentkeepalive and https-proxy-agent do
 * @throws (rejects) as `drainSockets`
 * @example
 * const { total, complete, oneWay } = await drainAgent(https.globalAgent, { grace: 5000 });
 * console.log(`${complete + oneWay} of ${total} connections closed without a loss`);
 */
export async function drainAgent(agent: Agent, options: DrainOptions = {}): Promise<DrainReport> {
  const { sockets, freeSockets, requests } = (agent ?? {}) as Partial<Lists>;
  if (!sockets || !freeSockets || !requests) throw argumentError('agent', 'an http.Agent', agent);
  const checked = drainOptions(options);
  const before = running.get(agent);
  if (before !== undefined) {
    before.join(checked);
    return before.report;
  }
  const drain = new Drain(completeDrainOptions(checked), () => failQueued(agent));
  const ends = new AgentDrain(agent, drain);
  running.set(agent, drain);
  try {
    ends.begin();
    return await drain.report;
  } finally {
    ends.stop();
    running.delete(agent);
  }
}

/** A second drain of the same agent would take the `keepAlive` that the first one has set for the agent's own. */
const running = new WeakMap<Lists, Drain>();

class AgentDrain {
  readonly #agent: Lists;
  readonly #drain: Drain;
  readonly #known = new Set<Socket>();
  /** Those that the agent must not touch any more. */
  readonly #taken = new Set<Socket>();
  /** Of those that are being let go. */
  readonly #giveDestroyBack = new WeakMap<Socket, () => void>();
  #keepAlive: boolean | undefined;

  constructor(agent: Lists, drain: Drain) {
    this.#agent = agent;
    this.#drain = drain;
  }

  begin(): void {
    const agent = this.#agent;
    if (isAgent(agent)) {
      agent.prependListener('free', this.#onFree);
      this.#keepAlive = keepAliveOf(agent).keepAlive;
      keepAliveOf(agent).keepAlive = false; // a connection made from now on is for one request
    }
    for (const socket of socketsOf(agent.sockets)) this.#addBusy(socket);
    for (const socket of socketsOf(agent.freeSockets)) {
      this.#addBusy(socket); // a request may get it before its turn comes
      this.#drain.soon(() => {
        // A request may have got it meanwhile: then it is busy, and comes by 'free'.
        if (!socketsOf(agent.freeSockets).includes(socket)) return;
        // Documented: done with a free socket before its next request. It ends the agent's watch over it (since 22.23, 24.21 and 26), which
        // would destroy it at the first byte that comes, the peer's alert; and the process waits for the socket again.
        loaded.http.Agent.prototype.reuseSocket.call(agent as Agent, socket, {} as ClientRequest);
        this.#end(socket);
      });
    }
    this.#sealIfServed();
  }

  stop(): void {
    const agent = this.#agent;
    if (!isAgent(agent)) return;
    agent.off('free', this.#onFree);
    keepAliveOf(agent).keepAlive = this.#keepAlive!;
  }

  #addBusy(socket: Socket): void {
    if (this.#known.has(socket)) return;
    this.#known.add(socket);
    if (isTLSSocket(socket)) watchSocket(socket);
    this.#drain.add(socket);
    socket.once('close', () => {
      this.#drain.close(socket); // for the report
      inNextTurn(() => this.#sealIfServed());
    });
    // Node calls it when an answer has said `Connection: close`, or the agent keeps none, and asserts that the socket is not writable any more.
    putMethod(socket, 'destroySoon', () => {
      socket.end();
      this.#take(socket);
    });
    if (takeDestroyBack(socket)) socket.destroySoon(); // it was called right before the drain
    // Its request has upgraded it: the agent has let it go.
    socket.once('agentRemove', () => {
      if (!this.#taken.has(socket)) this.#drain.finish(socket);
    });
  }

  /**
   * A request is done. The agent's own listener, which is next, gives the socket to a request of the queue, or destroys it, now that `keepAlive` is
   * false. That would be a bare FIN: so for this one moment `destroy` is ours.
   */
  readonly #onFree = (socket: unknown): void => {
    if (!(socket instanceof Socket) || !socket.writable) return;
    this.#addBusy(socket); // it may get another request
    const giveDestroyBack = putMethod(socket, 'destroy', () => (this.#take(socket), socket));
    this.#giveDestroyBack.set(socket, giveDestroyBack);
    process.nextTick(giveDestroyBack);
  };

  /** Its last answer is here: nobody needs it any more, and a destroying without an error says just that. The drain destroys it, when it is closed. */
  #take(socket: Socket): void {
    this.#giveDestroyBack.get(socket)?.();
    if (this.#taken.has(socket)) return;
    this.#taken.add(socket);
    const { destroy } = socket;
    putMethod(socket, 'destroy', (error) => (error ? destroy.call(socket, error) : socket));
    this.#drain.soon(() => this.#end(socket));
  }

  /** `end()` comes first: the agent takes a socket off its free ones only if it is not writable any more. */
  #end(socket: Socket): void {
    this.#taken.add(socket);
    this.#drain.shutdown(socket);
    const handshaking = isTLSSocket(socket) && inHandshake(socket); // one that nobody needed when it came: an end() now would send no alert
    if (!socket.writableEnded && !socket.destroyed && !handshaking) socket.end();
    socket.emit('agentRemove');
    this.#sealIfServed();
  }

  #sealIfServed(): void {
    if (Object.keys(this.#agent.requests).length === 0) this.#drain.seal();
  }
}

function isAgent(agent: Lists): agent is Agent {
  return agent instanceof loaded.http.Agent;
}

function socketsOf(lists: Lists['sockets']): Socket[] {
  return Object.values(lists).flatMap((list) => (list ?? []).filter((socket) => socket instanceof Socket && !socket.destroyed && !isPlaceholder(socket)));
}

/** agent-base counts a connection to a proxy that is not there yet by a socket that never connects. */
function isPlaceholder(socket: Socket): boolean {
  return socket.pending && !socket.connecting;
}

/** Documented as an option only; the agent reads this field each time. */
function keepAliveOf(agent: Agent): { keepAlive: boolean } {
  return agent as unknown as { keepAlive: boolean };
}

function failQueued({ requests }: Lists): void {
  for (const [name, queue] of Object.entries(requests)) {
    Reflect.deleteProperty(requests, name);
    for (const request of (queue ?? []) as unknown as (ClientRequest & { onSocket(socket: null, error: Error): void })[]) {
      request.onSocket(null, Object.assign(new Error('The agent was drained before this request got a connection'), { code: 'ECONNRESET' }));
    }
  }
}
