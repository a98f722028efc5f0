/** Plays one plan of the fault fuzzer: our socket, the proxy with its script, the honest peer and our application. Everything is destroyed in the end. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getShutdown, watch, type ShutdownState } from '../../src/index.js';
import { Application } from './fault-call.js';
import { ScriptedPeer } from './fault-peer.js';
import type { Plan } from './fault-plan.js';
import { FaultProxy } from './fault-proxy.js';
import { LINES } from './lines.js';
import { turns } from './pair.js';
import { COMMON, SUITES, sessionOf } from './suites.js';

export interface Played {
  readonly plan: Plan;
  readonly proxy: FaultProxy;
  readonly peer: ScriptedPeer;
  readonly application: Application;
  /** When everything had come to rest. */
  readonly state: ShutdownState;
  readonly statedAt: number;
  /** What was read of the connection behind TLS. */
  readonly plain: Buffer;
  readonly isDestroyed: boolean;
  readonly hadError: boolean;
  readonly transportDestroyed: boolean;
  /** Was it still there when all had been destroyed? And our listeners. */
  readonly isClosed: boolean;
  readonly listenersOfOurs: readonly string[];
}

/** Waiting for what is under way, not for what never comes. On a busy machine a second may be a few turns. */
const REST_MS = 1000;
const REST_LOOKS = 100;

export async function play(plan: Plan): Promise<Played> {
  const { kind, version, side, watched, faults, peerKeepsOpen, when } = plan;
  const early = watched === 'early' ? watch : (): void => {};
  const suite = plan.suite === undefined ? COMMON[version] : SUITES[plan.suite]!;
  const session = plan.resumed ? await sessionOf(suite) : undefined;
  const makeProxy = (end: Duplex): FaultProxy => new FaultProxy(end, suite, side === 'client' ? 'server' : 'client', session);
  const { ours, far: proxy, ...line } = await LINES[kind]!(version, side, early, makeProxy, { suite, ...(session && { session }) });
  const client = side === 'client' ? ours : proxy.peer;
  if (client.isSessionReused() !== (session !== undefined)) throw new Error(`the session was ${session ? 'not ' : ''}resumed`);
  if (plan.fragment !== undefined) for (const each of [ours, proxy.peer]) each.setMaxSendFragment(plan.fragment);
  const { transport } = line;
  proxy.deliver = line.deliver;
  proxy.reset = line.reset;
  proxy.peerKeepsOpen = peerKeepsOpen;
  const peer = new ScriptedPeer(proxy.peer, plan);
  const application = new Application(ours, plan, () => line.onData());
  transport?.on('error', () => {});
  proxy.arm(faults);
  try {
    let closedAt = Infinity;
    ours.once('close', () => (closedAt = performance.now()));
    const ended = new Promise<void>((resolve) => ours.once('end', resolve).once('close', () => resolve()));
    application.write();
    let calling = when === 'first' ? application.call() : undefined;
    await Promise.all([peer.start(), when === 'between' ? turns(1 + (plan.seed % 8)).then(() => (calling = application.call())) : undefined]);
    if (when === 'last') await Promise.race([ended, turns(60)]);
    await (calling ?? application.call());
    const behind = readPlain(application);
    application.readOn();
    await rest(() => isAtRest(ours, proxy, peer, application, behind));
    const state = getShutdown(ours);
    const listenersOfOurs = namesOf(ours);
    const seen = { state, statedAt: performance.now(), isDestroyed: ours.destroyed, hadError: ours.errored !== null, transportDestroyed: transport?.destroyed === true, plain: Buffer.concat(behind) };
    line.destroy();
    await rest(() => closedAt < Infinity && (transport === undefined || transport.closed));
    return { plan, proxy, peer, application, ...seen, isClosed: closedAt < Infinity, listenersOfOurs: [...listenersOfOurs, ...(application.askedAt < closedAt ? namesOf(ours).map((name) => `${name} after 'close'`) : [])] };
  } finally {
    line.destroy();
    application.plain?.destroy();
  }
}

/** On the plain connection somebody reads as soon as it is there. */
function readPlain({ plain }: Application): Buffer[] {
  const read: Buffer[] = [];
  plain?.on('data', (chunk: Buffer) => read.push(chunk));
  return read;
}

const lengthOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

/** All that was delivered has been read, on both sides, or never will be. */
function isAtRest(ours: TLSSocket, { lanes, isIdle, peer: itsSocket, lineClosed }: FaultProxy, peer: ScriptedPeer, application: Application, plain: readonly Buffer[]): boolean {
  const { toUs, toPeer } = lanes;
  const hasRead = ours.closed || lengthOf(application.read) === toUs.log.plaintext(toUs.log.intact).length;
  const hasSent = lineClosed || toPeer.log.plaintext().length === application.written;
  const hasGot = itsSocket.closed || lengthOf(peer.got) === toPeer.log.plaintext(toPeer.log.intact).length;
  return isIdle && hasRead && hasSent && hasGot && (application.plain === undefined || lengthOf(plain) === toUs.log.behindAlert.length);
}

async function rest(isAt: () => boolean): Promise<void> {
  const end = performance.now() + REST_MS;
  for (let i = 0; i < 3 || (!isAt() && (i < REST_LOOKS || performance.now() < end)); i++) await turns(i < 20 ? 2 : 20);
}

function namesOf(socket: NodeJS.EventEmitter): string[] {
  return socket.eventNames().flatMap((event) => socket.rawListeners(event).map(({ name }) => name).filter((name) => name.includes('tlsShutdown') || name.includes('TlsShutdown')));
}
