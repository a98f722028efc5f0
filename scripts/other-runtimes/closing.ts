/** How sockets are closed. The peer is played here, in Node, by somebody who sees every alert and can send any: so what really happened is known. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Forger } from '../../test/support/forger.js';
import type { Version } from '../../test/support/pair.js';
import { SIZE, type Run, type Seen } from './shared.js';

/** What really happened. */
interface Truth {
  /** Bytes that the peer has read. */
  read: number;
  /** Bytes that the peer has sent. */
  sent: number;
  /** The alerts that the program has sent: level and description. */
  readonly alerts: readonly string[];
  /** The program has reset the connection. */
  reset: boolean;
}

interface Case {
  readonly title: string;
  /** Of program.ts. */
  readonly program: string;
  /** Ends the connection, in its way. */
  peer(forger: Forger, send: (bytes: number) => void): Promise<void> | void;
  /** What is wrong. */
  complaints(seen: Seen, truth: Truth): string[];
}

const CLOSE_NOTIFY = '1,0';
const complain = (...wrong: (string | false)[]): string[] => wrong.filter((each) => each !== false);

/** Nothing may be said that did not happen. What did happen may be called unverified. */
function untrue({ answers }: Seen, { alerts }: Truth, peerEnds: 'close_notify' | 'otherwise' | 'never'): string[] {
  return answers.flatMap(({ value, code, sent, received }) => {
    const clean = peerEnds === 'close_notify';
    return complain(
      value === 1 && !clean && sent !== 'quiet' && 'a 1 without the close_notify of the peer',
      received === 'close_notify' && !clean && 'received says close_notify',
      received === 'fin' && clean && 'received says fin of a clean end',
      (code === 'ERR_TLS_SHUTDOWN_TRUNCATED' || code === 'ERR_TLS_SHUTDOWN_PROTOCOL') && clean && `${code} of a clean end`,
      received !== 'open' && peerEnds === 'never' && `received says ${received} of a peer that has not ended`,
      sent === 'close_notify' && !alerts.includes(CLOSE_NOTIFY) && 'sent says close_notify, which was not sent',
      sent === 'lost' && alerts.includes(CLOSE_NOTIFY) && 'sent says lost of a close_notify that was sent',
    );
  });
}

const isEnd = (answer: Seen['answers'][number] | undefined): boolean => answer?.value === 1 || answer?.code === 'ERR_TLS_SHUTDOWN_UNVERIFIED';
const allOf = (title: string, bytes: number, of: number): string | false => bytes !== of && `${title}: ${bytes} of ${of} bytes`;

/** Reads late, and sends all the while. */
async function slow(forger: Forger, send: (bytes: number) => void): Promise<void> {
  forger.line.pause();
  for (let i = 0; i < 60; i++) {
    send(16_000);
    await wait(5);
  }
  forger.line.resume();
  await forger.untilOurAlert();
  send(16_000);
}

const closeNotify = (forger: Forger): void => void forger.line.end(forger.sealAlert(1, 0));

export const CASES: readonly Case[] = [
  {
    title: 'both ways with a slow peer that sends all the while, then destroy()',
    program: 'both',
    peer: async (forger, send) => (await slow(forger, send), closeNotify(forger)),
    complaints: (seen, truth) => [
      ...untrue(seen, truth, 'close_notify'),
      ...complain(!isEnd(seen.answers[0]) && `answer ${JSON.stringify(seen.answers[0])}`, allOf('the peer read', truth.read, SIZE), allOf('the program read', seen.read, truth.sent)),
    ],
  },
  {
    title: 'both ways with a peer that ends by a bare FIN',
    program: 'both',
    peer: async (forger, send) => (await slow(forger, send), void forger.line.end()),
    complaints: (seen, truth) => [...untrue(seen, truth, 'otherwise'), ...complain(seen.answers[0]?.value !== -1 && 'not -1', allOf('the peer read', truth.read, SIZE), allOf('the program read', seen.read, truth.sent))],
  },
  {
    title: "both ways, begun in a 'data' callback",
    program: 'reading',
    peer: async (forger, send) => {
      for (let i = 0; i < 20; i++) send(16_000); // some of them in one read
      await forger.untilOurAlert();
      closeNotify(forger);
    },
    complaints: (seen, truth) => [
      ...untrue(seen, truth, 'close_notify'),
      ...complain(!isEnd(seen.answers[0]) && `answer ${JSON.stringify(seen.answers[0])}`, allOf('the peer read', truth.read, SIZE), allOf('the program read', seen.read, truth.sent)),
    ],
  },
  {
    title: 'step by step',
    program: 'steps',
    peer: async (forger) => (await forger.untilOurAlert(), await wait(200), closeNotify(forger)),
    complaints: (seen, truth) => [
      ...untrue(seen, truth, 'close_notify'),
      ...complain(seen.answers[0]?.value !== 0 && `step 1: ${JSON.stringify(seen.answers[0])}`, !seen.answers.slice(1).every(isEnd) && `step 2: ${JSON.stringify(seen.answers[1])}`, allOf('the peer read', truth.read, SIZE)),
    ],
  },
  ...(
    [
      ['by close_notify', closeNotify, 'close_notify'],
      ['by a bare FIN', (forger) => void forger.line.end(), 'otherwise'],
      ['by a reset', (forger) => void (forger.line as net.Socket).resetAndDestroy(), 'otherwise'],
      ['by a fatal alert', (forger) => void forger.line.end(forger.sealAlert(2, 80)), 'otherwise'],
      ['by a fatal alert without a name', (forger) => void forger.line.end(forger.sealAlert(2, 117)), 'otherwise'],
      ['by a fatal alert without a name, and junk', (forger) => void forger.line.end(Buffer.concat([forger.sealAlert(2, 117), Buffer.from([0x17])])), 'otherwise'],
    ] satisfies [string, (forger: Forger) => void, 'close_notify' | 'otherwise'][]
  ).map(([how, end, peerEnds]): Case => ({
    title: `the peer ends first, ${how}`,
    program: 'peerFirst',
    peer: async (forger, send) => (send(1000), await wait(50), end(forger)),
    complaints: (seen, truth) => [
      ...untrue(seen, truth, peerEnds),
      ...complain(peerEnds === 'close_notify' && !isEnd(seen.answers[1]) && `answer ${JSON.stringify(seen.answers[1])}`, allOf('the program read', seen.read, truth.sent)),
    ],
  })),
  {
    title: 'a peer that reads nothing, and a timeout',
    program: 'impatient',
    peer: (forger) => void forger.line.pause(),
    complaints: (seen, truth) => [...untrue(seen, truth, 'never'), ...complain(seen.answers[0]?.code !== 'ERR_TLS_SHUTDOWN_TIMEOUT' && `answer ${JSON.stringify(seen.answers[0])}`)],
  },
  {
    title: 'quietly',
    program: 'quiet',
    peer: async (forger, send) => (await slow(forger, send), void forger.line.end()),
    complaints: (seen, truth) => [
      ...untrue(seen, truth, 'otherwise'),
      ...complain(seen.answers[0]?.value !== 1 && `answer ${JSON.stringify(seen.answers[0])}`, truth.alerts.length > 0 && `sent alerts: ${truth.alerts.join(' ')}`, allOf('the peer read', truth.read, SIZE)),
    ],
  },
  {
    title: 'unwrap',
    program: 'unwrap',
    peer: async (forger) => (await forger.untilOurAlert(), void forger.line.write(Buffer.concat([forger.sealAlert(1, 0), Buffer.from('plain')]))),
    complaints: (seen, truth) => [...untrue(seen, truth, 'close_notify'), ...complain(!isEnd(seen.answers[0]) && `answer ${JSON.stringify(seen.answers[0])}`, allOf('the peer read', truth.read, SIZE))],
  },
];

/** One case, with the program run by `run`. */
export async function tryCase({ program, peer, complaints }: Case, version: Version, run: Run): Promise<{ seen: Seen; complaints: string[] }> {
  const truth = { read: 0, sent: 0, reset: false, alerts: [] as string[] };
  let forger: Forger | undefined;
  let failure: Error | undefined;
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, async (line) => {
    const made = (forger = new Forger(line, version, 'server'));
    line.on('error', ({ code }: NodeJS.ErrnoException) => (truth.reset ||= code === 'ECONNRESET'));
    made.peer.on('data', (chunk: Buffer) => (truth.read += chunk.length));
    const send = (bytes: number): void => {
      truth.sent += bytes;
      if (!line.destroyed) line.write(made.sealData(Buffer.alloc(bytes)));
    };
    try {
      await made.handshake;
      await peer(made, send);
    } catch (thrown) {
      failure = thrown as Error;
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const seen = JSON.parse(await run('program', program, String((server.address() as AddressInfo).port))) as Seen;
    await wait(100); // what the peer has not read yet
    truth.alerts.push(...(forger?.ourAlerts ?? []).map((alert) => [...alert].join()));
    return { seen, complaints: [...complaints(seen, truth), ...complain(failure !== undefined && String(failure))] };
  } finally {
    forger?.destroy();
    server.close();
  }
}
