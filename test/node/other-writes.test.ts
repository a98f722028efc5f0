/**
 * OpenSSL writes by itself, too: each KeyUpdate that asks for one is answered. Over a transport that is slow to write the answers wait, and leave behind our
 * `end()`, also where the peer has sent a fatal alert, and our own alert never leaves. They are not taken for it.
 */
import { expect } from 'chai';
import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { shutdown, watch, type ShutdownResult } from '../../src/index.js';
import { Forger } from '../support/forger.js';
import { SIDES, certificate, track, turns, type Side } from '../support/pair.js';
import { wire, type WireEnd } from '../support/wire.js';
import { wrapAs } from '../support/wrapped.js';

const version = 'TLSv1.3';
const CLOSE_NOTIFY = [1, 0] as const;
/** Fatal, and OpenSSL has no name for it: it ends the stream as a `close_notify` does, at whatever byte comes next. */
const UNNAMED = [2, 117] as const;

interface Made {
  readonly ours: TLSSocket;
  readonly line: WireEnd;
  readonly forger: Forger;
}

async function make(side: Side, isWrapped = false): Promise<Made> {
  const [line, far] = wire();
  const forger = track(new Forger(far, version, side === 'client' ? 'server' : 'client'));
  const options = { minVersion: version, maxVersion: version, allowHalfOpen: true } as const;
  const ours = track(isWrapped ? wrapAs(side, line, version) : side === 'client' ? tls.connect({ socket: line, rejectUnauthorized: false, ...options } as tls.ConnectionOptions) : new tls.TLSSocket(line as never, { isServer: true, ...certificate, ...options } as tls.TLSSocketOptions));
  ours.on('error', () => {}).resume();
  await forger.handshake;
  await turns(20);
  return { ours, line, forger };
}

/** Where `late`, the application's own `_final` calls Node's some turns later. */
async function closeBehindAnswers(side: Side, late: boolean, [level, description]: readonly [number, number]): Promise<ShutdownResult & { readonly ourAlerts: readonly Buffer[] }> {
  const { ours, line, forger } = await make(side);
  if (late) makeLate(ours);
  watch(ours);
  const { _write: write } = line;
  const waiting: (() => void)[] = [];
  line._write = (chunk: Buffer, encoding, callback) => write.call(line, chunk, encoding, () => void waiting.push(callback));
  for (let i = 0; i < 3; i++) {
    line.arrive(forger.sealKeyUpdate(true));
    await turns();
  }
  line.arrive(forger.sealAlert(level, description));
  await turns();
  line.arrive(Buffer.from([0x17]));
  await turns();
  expect(waiting, 'an answer is being written').to.have.length(1);
  const result = shutdown(ours, { bidirectional: true });
  await turns(10);
  line._write = write;
  waiting[0]!();
  const answer = await result;
  await forger.untilOurAlert();
  return { ...answer, ourAlerts: forger.ourAlerts };
}

function makeLate(socket: TLSSocket): void {
  const { _final: final } = socket;
  socket._final = (callback) => void turns().then(() => final.call(socket, callback));
}

for (const side of SIDES) {
  for (const late of [false, true]) {
    describe(`answers to KeyUpdates that wait, as ${side}, with ${late ? "a _final that calls Node's later" : "Node's _final"}`, () => {
      it('are no proof: no clean end behind a fatal alert, and our alert is lost', async () => {
        const { value, state, error, ourAlerts } = await closeBehindAnswers(side, late, UNNAMED);
        expect({ value, ...state, code: error?.code }).to.deep.equal({ value: -1, sent: 'lost', received: 'unverified', code: 'ERR_TLS_SHUTDOWN_NOT_SENT' });
        expect(ourAlerts).to.deep.equal([]);
      });

      it("hide none: 1 behind the peer's close_notify", async () => {
        const { value, state, ourAlerts } = await closeBehindAnswers(side, late, CLOSE_NOTIFY);
        expect({ value, ...state }).to.deep.equal({ value: 1, sent: 'close_notify', received: 'close_notify' });
        expect(ourAlerts).to.deep.equal([Buffer.from(CLOSE_NOTIFY)]);
      });
    });
  }
}

for (const [side, isWatched] of SIDES.flatMap((each) => [[each, true], [each, false]] as const)) {
  it(`a KeyUpdate that asks for an answer while a Duplex is being ended ends no process, and 1 is still told, as ${side}${isWatched ? '' : ', ended before anybody watched'}`, async () => {
    const { ours, line, forger } = await make(side);
    let isEnding = (): void => {};
    const ending = new Promise<void>((resolve) => (isEnding = resolve));
    const { _final: final } = line;
    line._final = (callback) => {
      isEnding();
      void turns(20).then(() => final.call(line, callback));
    };
    if (!isWatched) {
      ours.end();
      await ending;
    }
    const answer = shutdown(watch(ours), { bidirectional: true });
    await ending;
    for (let i = 0; i < 4; i++) {
      line.arrive(forger.sealKeyUpdate(true));
      await turns();
    }
    line.arrive(forger.sealAlert(...CLOSE_NOTIFY));
    const { value, state } = await answer;
    expect({ value, ...state }).to.deep.equal({ value: 1, sent: 'close_notify', received: 'close_notify' });
  });
}

for (const isWrapped of [false, true]) {
  for (const side of SIDES) {
    it(`KeyUpdates that ask for an answer when a Duplex has been ended are read past, and 1 is told, as ${side}${isWrapped ? ', with wrap' : ''}`, async () => {
      const { ours, line, forger } = await make(side, isWrapped);
      watch(ours);
      const answer = shutdown(ours, { bidirectional: true });
      await once(ours, 'finish');
      await turns(5);
      for (let i = 0; i < 4; i++) {
        line.arrive(forger.sealKeyUpdate(true));
        await turns();
      }
      line.arrive(forger.sealAlert(...CLOSE_NOTIFY));
      const { value, state } = await answer;
      expect({ value, ...state }).to.deep.equal({ value: 1, sent: 'close_notify', received: 'close_notify' });
    });
  }
}
