/**
 * Peers that we wrote ourselves on somebody's TLS library: one program each, with the arguments ROLE VERSION PORT PLAN COUNT KEY CERT.
 *
 * The plan says when and how the peer closes, COUNT connections one after the other:
 *
 * - `second...`: it reads to the end of our data, says what ended it, then closes.
 * - `first...`: it waits for a byte of ours, then closes. With `at-once` it does not wait, with `data` it sends four bytes before.
 *   `...-half`, `...-unwrap`, `...-fin`: it closes its sending side only (`fin`: TCP's, without an alert), then reads on and says what it saw.
 */
import { expect } from 'chai';
import type { TLSSocket } from 'node:tls';
import type { Child } from './child.js';
import { cleanUp } from './cleanup.js';
import { CERT_FILE, close, connect, inWords, KEY_FILE, listen, ONE_STEP, QUIET, readToEnd, VERSIONS, type Outcome, type Version } from './ends.js';

/** A whole line: a pipe may deliver the half of one. */
const SAW = /^saw (.*?)\r?\n/m;

export type Role = 'client' | 'server';

export interface Case {
  readonly plan: string;
  /** What the peer does. */
  readonly peer: string;
  /** What we return in the end. */
  readonly ours: Outcome | ((version: Version) => Outcome);
  /** It closes right behind its handshake. Where our session tickets are unread then, the kernel's answer is a reset, and our alert may be too late. */
  readonly atOnce?: boolean;
  /** How our data ended, in the peer's eyes. */
  readonly saw?: string;
  readonly times?: number;
}

export type StartPeer = (args: readonly string[]) => Child;

function titleOf([outcome, ...others]: readonly Outcome[], { peer, times = 1 }: Case, inSteps: boolean): string {
  return `${inSteps ? '0, then ' : ''}${[...new Set([outcome!, ...others].map(inWords))].join(', or ')}: the peer ${peer}${times === 1 ? '' : `, ${times} times`}`;
}

/** Every case with the peer as a client and as a server, on both versions of TLS, and where we close first also one step a call. */
export function itAgreesWith(name: string, start: StartPeer, cases: readonly Case[]): void {
  for (const version of VERSIONS) {
    for (const role of ['server', 'client'] as const) {
      describe(`${name} as the ${role}, ${version}`, () => {
        afterEach(cleanUp);

        it('1, quietly: the peer calls it a truncation', async () => {
          const { peer, next } = await meet(start, role, version, 'second-quiet', 1);
          const socket = await next();
          socket.write('data');
          await peer.waitFor(/^connected/m);
          expect((await close(socket, { quiet: true })).slice(0, 2)).to.deep.equal(QUIET);
          expect((await peer.waitFor(SAW))[1]).to.equal('truncated');
        });

        for (const one of cases) {
          const expected = typeof one.ours === 'function' ? one.ours(version) : one.ours;
          const outcomes = one.atOnce && version === 'TLSv1.3' && role === 'client' ? [expected, afterReset(expected), ...READ_RESETS] : [expected];
          for (const inSteps of one.plan.startsWith('second') ? [false, true] : [false]) {
            it(titleOf(outcomes, one, inSteps), () => run(start, role, version, one, outcomes, inSteps));
          }
        }
      });
    }
  }
}

/** The reset of the peer's kernel was read before its alert. Whether ours had left by then depends on the moment. */
const READ_RESETS = (['queued', 'lost', 'close_notify'] as const).map((sent): Outcome => [-1, sent, 'error', 'ERR_TLS_SHUTDOWN_TRANSPORT']);

/** The same end of the peer, but our alert was refused. */
function afterReset([, , received, code]: Outcome): Outcome {
  return [-1, 'lost', received, code ?? 'ERR_TLS_SHUTDOWN_TRANSPORT'];
}

async function run(start: StartPeer, role: Role, version: Version, { plan, saw, times = 1 }: Case, outcomes: readonly Outcome[], inSteps: boolean): Promise<void> {
  const { peer, next } = await meet(start, role, version, plan, times);
  for (let i = 0; i < times; i++) {
    const socket = await next();
    if (plan.startsWith('second')) {
      socket.resume();
      socket.write('data');
      await peer.waitFor(/^connected/m);
      if (inSteps) expect(await close(socket)).to.deep.equal(ONE_STEP);
    } else {
      if (!plan.includes('at-once')) socket.write('!');
      expect(await readToEnd(socket)).to.equal(plan.includes('data') ? 'data' : '');
    }
    expect(outcomes).to.deep.include(await close(socket, { bidirectional: !inSteps }));
    if (saw !== undefined) expect((await peer.waitFor(SAW))[1]).to.equal(saw);
    await peer.waitFor(/^closed/m);
  }
  expect(await peer.exitStatus()).to.equal(0);
}

async function meet(start: StartPeer, role: Role, version: Version, plan: string, times: number): Promise<{ peer: Child; next(): Promise<TLSSocket> }> {
  const rest = [plan, String(times), KEY_FILE, CERT_FILE];
  if (role === 'server') {
    const peer = start([role, version, '0', ...rest]);
    const port = Number((await peer.waitFor(/^listening (\d+)\s/m))[1]);
    return { peer, next: () => connect(port, version) };
  }
  const { port, accept } = await listen(version);
  return { peer: start([role, version, String(port), ...rest]), next: accept };
}
