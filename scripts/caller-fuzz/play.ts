/** Plays one sequence: a socket, an honest peer behind a log of records, and the caller. Everything is destroyed in the end. */
import type { TLSSocket } from 'node:tls';
import { getShutdown, type ShutdownState } from '../../src/index.js';
import { ScriptedPeer } from '../../test/support/fault-peer.js';
import { FaultProxy } from '../../test/support/fault-proxy.js';
import { LINES } from '../../test/support/lines.js';
import { turns } from '../../test/support/pair.js';
import { COMMON } from '../../test/support/suites.js';
import { Caller } from './caller.js';
import type { Plan } from './plan.js';

export interface Story {
  readonly end: number;
  readonly finish: number;
  readonly close: number;
  readonly errors: string;
  readonly writesDone: number;
  readonly writesFailed: number;
}

export interface Played {
  readonly plan: Plan;
  readonly proxy: FaultProxy;
  readonly peer: ScriptedPeer;
  readonly caller: Caller;
  /** When everything had come to rest, before anything was destroyed. */
  readonly state: ShutdownState;
  readonly statedAt: number;
  /** What the caller's own listeners had heard by then. */
  readonly story: Story;
  readonly displaced: readonly string[];
  /** When all had been destroyed. */
  readonly stateAtLast: ShutdownState;
  readonly listenersOfOurs: readonly string[];
}

/** Waiting for what is under way, not for what never comes. */
const REST_MS = 4000;
const MANY_TURNS = 200;
const QUIET_TURNS = 80;
/** After the last step: both halves, without much patience. */
const LAST = { how: 'shutdown', bidirectional: true, quiet: false, timeout: 60, unread: 'keep', abort: 'never' } as const;

export async function play(plan: Plan, isPlain = false, slack = 0): Promise<Played> {
  const { kind, version, side, watched, path, peerKeepsOpen, steps } = plan;
  let caller!: Caller;
  const early = (socket: TLSSocket): void => {
    caller = new Caller(socket, isPlain, slack);
    if (watched === 'early') caller.watch();
  };
  const { ours, far: proxy, ...line } = await LINES[kind]!(version, side, early, (end) => new FaultProxy(end, COMMON[version], side === 'client' ? 'server' : 'client'), { suite: COMMON[version] });
  proxy.deliver = line.deliver;
  proxy.reset = line.reset;
  proxy.peerKeepsOpen = peerKeepsOpen;
  line.transport?.on('error', () => {});
  const takePiece = caller.reader.onPiece;
  caller.reader.onPiece = () => {
    line.onData();
    takePiece();
  };
  const peer = new ScriptedPeer(proxy.peer, plan);
  proxy.arm(path);
  try {
    await Promise.all([peer.start(), caller.run(steps)]);
    caller.readOn();
    await settled(caller);
    caller.call({ ...LAST, bidirectional: plan.peerEnds !== 'first' || plan.seed % 2 === 0 }); // one step is 1, too, if the peer's alert is in
    await settled(caller);
    await rest(() => isAtRest(ours, proxy, peer, caller));
    caller.look();
    const seen = { state: getShutdown(ours), statedAt: performance.now(), story: storyOf(caller), displaced: caller.displaced };
    line.destroy();
    for (const { plain } of caller.calls) plain?.destroy();
    caller.noteDestroy();
    await rest(() => ours.closed && caller.calls.every(({ settled: answer }) => answer !== undefined));
    caller.call({ ...LAST, timeout: 0 });
    await turns(2);
    return { plan, proxy, peer, caller, ...seen, stateAtLast: getShutdown(ours), listenersOfOurs: namesOf(ours) };
  } finally {
    line.destroy();
  }
}

/** All calls that have a limit. */
async function settled({ calls }: Caller): Promise<void> {
  await Promise.all(calls.filter(({ timeout }) => timeout < Infinity).map(({ done }) => done));
}

const lengthOf = (chunks: readonly (Buffer | string)[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

/** All that was delivered has been read, on both sides, or never will be. */
function isAtRest(ours: TLSSocket, { lanes, isIdle, peer: itsSocket, lineClosed }: FaultProxy, peer: ScriptedPeer, { reader, written }: Caller): boolean {
  const { toUs, toPeer } = lanes;
  const hasRead = ours.closed || ours.readableEncoding !== null || lengthOf(reader.pieces) >= toUs.log.plaintext(toUs.log.intact).length;
  const hasSent = lineClosed || toPeer.log.plaintext().length >= written;
  const hasGot = itsSocket.closed || lengthOf(peer.got) === toPeer.log.plaintext(toPeer.log.intact).length;
  return isIdle && hasRead && hasSent && hasGot;
}

/** Some turns long nothing has been under way, or it takes too long. */
async function rest(isAt: () => boolean): Promise<void> {
  const end = performance.now() + REST_MS;
  for (let still = 0, i = 0; still < QUIET_TURNS && (performance.now() < end || i < MANY_TURNS); i++) {
    await turns(1);
    still = isAt() ? still + 1 : 0;
  }
}

function storyOf({ heard: { end, finish, close, errors }, writesDone, writesFailed }: Caller): Story {
  return { end, finish, close, errors: errors.join(), writesDone, writesFailed };
}

function namesOf(socket: NodeJS.EventEmitter): string[] {
  return socket.eventNames().flatMap((event) => socket.rawListeners(event).map(({ name }) => name).filter((name) => /tlsShutdown/i.test(name)));
}
