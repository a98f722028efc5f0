/** Every kind of server, with a connection in every state, and a client that closes in every way. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { DrainOptions, DrainReport } from '../../src/index.js';
import { Client, get, HABITS, post, type Habit } from '../support/clients.js';
import { Http2Client } from '../support/http2-client.js';
import { application, BIG, HTTP1_KINDS, KINDS, Later, makeServer, nextConnection, nextSocket, onUpgrade, start, stopped, sumOf, type Kind, type Origin } from '../support/origins.js';
import { turns, VERSIONS } from '../support/pair.js';

interface Rig extends Origin {
  readonly client: Client;
  readonly later: Later;
}

/** A connection, before the drain and in it. */
interface State {
  readonly title: string;
  readonly kinds: readonly Kind[];
  before(rig: Rig): Promise<void>;
  /** What a client that is not stuck goes on with. */
  during?(rig: Rig): Promise<void> | void;
  /** Whether it got everything. */
  gets?(text: string): boolean;
}

const UPGRADE = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n';
const http2 = (rig: Rig): Http2Client => rig.client as Http2Client;

async function openStreams(rig: Rig, count: number): Promise<void> {
  await rig.client.handshake();
  http2(rig).preface();
  for (let i = 0; i < count; i++) http2(rig).request(2 * i + 1);
  await rig.later.reaches(count);
}

const STATES: readonly State[] = [
  {
    title: 'with its handshake not begun',
    kinds: KINDS,
    before: async ({ client }) => void (await once(client.raw, 'connect')),
    during: ({ client }) => client.handshake(),
  },
  { title: 'that has sent nothing', kinds: KINDS, before: ({ client }) => client.handshake() },
  {
    title: 'that is idle',
    kinds: HTTP1_KINDS,
    before: async ({ client }) => {
      await client.handshake();
      await client.write(get()).until(/the end/);
    },
  },
  {
    title: 'with the half of its first request',
    kinds: HTTP1_KINDS,
    before: async ({ client, server }) => {
      const [socket] = await Promise.all([nextSocket(server), client.handshake()]);
      client.write('GET / HTTP/1.1\r\nho');
      while (socket.bytesRead === 0) await turns(1);
    },
    during: async ({ client }) => {
      await turns(5); // by then all that is idle is closed
      client.write('st: x\r\n\r\n');
    },
    gets: (text) => /connection: close\r\n[^]*the end$/i.test(text),
  },
  {
    title: 'that uploads',
    kinds: HTTP1_KINDS,
    before: async ({ client, later }) => {
      await client.handshake();
      client.write(post('/upload', 1_000_000)).write(Buffer.alloc(500_000));
      await later.reaches(1);
    },
    during: ({ client }) => void client.write(Buffer.alloc(500_000)),
    gets: (text) => /connection: close\r\n[^]*the end$/i.test(text),
  },
  {
    title: 'with an answer under way',
    kinds: HTTP1_KINDS,
    before: async ({ client }) => {
      await client.handshake();
      await client.write(get('/stream')).until(/the beginning/);
    },
    gets: (text) => text.endsWith('the end\r\n0\r\n\r\n'),
  },
  {
    title: 'whose client has not read its answer',
    kinds: HTTP1_KINDS,
    before: async ({ client, server }) => {
      await client.handshake();
      client.socket.pause();
      client.write(get('/big'));
      await once(server, 'request');
    },
    during: ({ client }) => void client.socket.resume(),
    gets: (text) => text.length > BIG.length && text.endsWith('xxx'),
  },
  {
    title: 'whose client has not read the data',
    kinds: ['tls'],
    before: async ({ client, server }) => {
      server.on('secureConnection', (socket) => socket.write(BIG));
      await client.handshake();
      client.socket.pause();
    },
    during: ({ client }) => void client.socket.resume(),
    gets: (text) => text.length === BIG.length,
  },
  {
    title: 'that is upgraded',
    kinds: HTTP1_KINDS,
    before: async ({ client }) => {
      await client.handshake();
      await client.write(UPGRADE).until(/101 [^]*\r\n\r\n/);
    },
  },
  {
    title: 'that is a tunnel',
    kinds: HTTP1_KINDS,
    before: async ({ client }) => {
      await client.handshake();
      await client.write('CONNECT y:1 HTTP/1.1\r\nhost: y:1\r\n\r\n').until(/200 [^]*\r\n\r\n/);
    },
  },
  {
    title: 'without streams',
    kinds: ['http2'],
    before: async (rig) => {
      await openStreams(rig, 0);
      await http2(rig).ready();
    },
  },
  ...[1, 100].map((count): State => ({ title: `with ${count} stream${count > 1 ? 's' : ''}`, kinds: ['http2'], before: (rig) => openStreams(rig, count) })),
];

const OPTIONS: Record<Habit, DrainOptions> = {
  strict: { grace: 10_000, timeout: 10_000 },
  lax: { grace: 10_000, timeout: 10_000 },
  silent: { grace: 10_000, timeout: 100 },
  stuck: { grace: 100, timeout: 50 },
  gone: { grace: 10_000, timeout: 10_000 },
};

// gone: the write of our alert may be what finds the reset. Node does not tell of that error, and a bare end is what is read then.
const OUTCOMES: Record<Habit, (keyof DrainReport)[]> = { strict: ['complete'], lax: ['oneWay'], silent: ['failed'], stuck: ['failed', 'forced'], gone: ['failed', 'oneWay'] };

for (const version of VERSIONS) {
  for (const kind of KINDS) {
    describe(`drain, ${kind}, ${version}`, () => {
      for (const state of STATES.filter(({ kinds }) => kinds.includes(kind))) {
        for (const habit of HABITS) {
          it(`${OUTCOMES[habit].join(' or ')}: a connection ${state.title}, of a client that is ${habit}`, async () => {
            const later = new Later();
            const server = makeServer(kind, application(later));
            server.on('upgrade', onUpgrade).on('connect', onUpgrade).on('tlsClientError', () => {}).on('secureConnection', (socket) => socket.on('error', () => {}));
            if (kind === 'http2') server.removeAllListeners('request').on('request', (_request, response) => later.add(() => response.end('the end')));
            const origin = await start(server);
            const accepted = nextConnection(server);
            const options = { habit, minVersion: version, maxVersion: version };
            const client = kind === 'http2' ? new Http2Client(origin.port, { ...options, ALPNProtocols: ['h2'] }) : new Client(origin.port, options);
            const rig = { ...origin, client, later };
            await Promise.all([accepted, state.before(rig)]);

            if (habit === 'gone') client.reset();
            const closed = once(server, 'close');
            const slow = habit === 'silent' && state.title.includes('not read'); // flushing takes a part of its time
            const drained = origin.drains.drain({ ...OPTIONS[habit], ...(slow ? { timeout: 1500 } : {}) });
            expect(server.listening, 'listening').to.equal(true); // until the next turn
            if (habit === 'stuck') client.socket?.pause();
            else if (habit !== 'gone') {
              await stopped(origin);
              later.run();
              await state.during?.(rig);
            }

            const report = await drained;
            expect(report.total).to.equal(1);
            expect(sumOf(report)).to.equal(1);
            expect(OUTCOMES[habit].map((key) => report[key])).to.include(1, JSON.stringify(report));
            expect(Object.values(report.errors).reduce((sum, count) => sum + count, 0)).to.equal(1 - report.complete);
            await closed;
            await turns();
            expect(origin.drains.connections).to.equal(0);
            if (habit === 'stuck' || habit === 'gone') return;
            await client.ended;
            expect(client.received).to.equal('close_notify');
            if (state.gets !== undefined) expect(state.gets(client.text), client.text.slice(0, 300)).to.equal(true);
            if (kind === 'http2') expect(http2(rig).answered.length).to.equal(Number(/with (\d+)/.exec(state.title)?.[1] ?? 0));
          });
        }
      }
    });
  }
}
