/** A `finish` whose peer ends meanwhile is over: there is nobody left to say goodbye to. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { drainSockets, getShutdownError, type DrainOptions } from '../../src/index.js';
import { outcome } from '../support/origins.js';
import { listen, makePair, track, turns, VERSIONS } from '../support/pair.js';
import { Program } from '../support/program.js';

type Ends = readonly [ours: net.Socket, peer: net.Socket];

async function plainPair(allowHalfOpen: boolean): Promise<Ends> {
  const server = net.createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const ours = track(net.connect({ port: await listen(server), host: '127.0.0.1', allowHalfOpen }));
  const [[peer]] = await Promise.all([accepted, once(ours, 'connect')]);
  return [ours, track(peer).on('error', () => {})];
}

const KINDS: [title: string, make: (allowHalfOpen: boolean) => Promise<Ends>][] = [
  ['plain', plainPair],
  ...VERSIONS.map((version): [string, (allowHalfOpen: boolean) => Promise<Ends>] => [
    version,
    async (allowHalfOpen) => {
      const { ours, peer } = await makePair({ version, side: 'client', allowHalfOpen });
      return [ours, peer];
    },
  ]),
];

const CONSUMERS: Record<string, (socket: net.Socket) => void> = {
  nobody: () => {},
  "a 'data' listener": (socket) => void socket.on('data', () => {}),
  'a paused reader': (socket) => void socket.on('data', () => {}).pause(),
  "a 'readable' listener": (socket) => void socket.on('readable', () => socket.read()),
};

for (const [title, make] of KINDS) {
  describe(`finish of a ${title} socket whose peer ends`, () => {
    for (const allowHalfOpen of [false, true]) {
      for (const [consumer, consume] of Object.entries(CONSUMERS)) {
        it(`is over, and the socket is complete, when ${consumer} reads${allowHalfOpen ? ', with allowHalfOpen' : ''}`, async () => {
          const [ours, peer] = await make(allowHalfOpen);
          consume(ours);
          peer.resume();
          const drained = drainSockets([ours], { finish: () => new Promise(() => {}), grace: 10_000 });
          await turns(5);
          peer.end('goodbye');
          expect(outcome(await drained)).to.deep.equal({ total: 1, complete: 1 });
          expect(ours.destroyed).to.equal(true);
          expect(Object.hasOwn(ours, 'push')).to.equal(title !== 'plain'); // that of a watched socket
        });
      }
    }

    it('may wait for that end itself, and what it throws then still counts', async () => {
      const finish: DrainOptions['finish'] = async (socket) => {
        socket.resume().write('QUIT');
        await once(socket, 'end');
        throw new Error('mine');
      };
      const [ours, peer] = await make(false);
      peer.once('data', () => peer.end());
      expect(outcome(await drainSockets([ours], { finish, grace: 10_000 }))).to.deep.equal({ total: 1, failed: 1, FINISH: 1 });
      if (title !== 'plain') expect(getShutdownError(ours as TLSSocket)).to.include({ code: 'ERR_TLS_SHUTDOWN_FINISH' });
    });

    it('reads what the peer has sent before its end', async () => {
      let text = '';
      const finish: DrainOptions['finish'] = async (socket) => {
        socket.write('QUIT');
        for await (const chunk of socket) {
          await turns(5);
          text += (chunk as Buffer).toString();
        }
      };
      const [ours, peer] = await make(true);
      peer.once('data', () => {
        peer.write('one ');
        setImmediate(() => peer.end('two'));
      });
      const report = await drainSockets([ours], { finish, grace: 10_000 });
      expect(text).to.equal('one two');
      expect(report.total).to.equal(1);
      expect(report.forced).to.equal(0);
    });

    it('is over, and the socket failed, when the peer resets it', async () => {
      const [ours, peer] = await make(false);
      const drained = drainSockets([ours], { finish: () => new Promise(() => {}), grace: 10_000 });
      await turns(5);
      if (title === 'plain') {
        peer.destroySoon = () => void peer.destroy();
        peer.resetAndDestroy();
      } else peer.destroy();
      const report = await drained;
      expect(report.total).to.equal(1);
      expect(report.complete + report.forced).to.equal(0);
    });

    it('is over when somebody destroys the socket', async () => {
      const [ours] = await make(false);
      const drained = drainSockets([ours], { finish: () => new Promise(() => {}), grace: 10_000 });
      await turns(5);
      ours.destroy();
      expect(outcome(await drained)).to.deep.equal({ total: 1, failed: 1, CLOSED: 1 });
    });
  });
}

describe('finish, with nothing else in the event loop', () => {
  it('does not end the process with a promise that is never resolved', async () => {
    const program = new Program(['unref']);
    expect(await program.end()).to.deep.equal([0, null]);
    expect(program.output).to.match(/drained/);
  });
});
