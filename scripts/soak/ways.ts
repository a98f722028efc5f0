/** All the ways to close, or to be closed: what both sides do, and what each has to be told. A way throws if it is told anything else. */
import { once } from 'node:events';
import { drainSockets, getShutdown, shutdown, unwrap, type ShutdownOptions, type TlsShutdownError } from '../../src/index.js';
import { turns } from '../../test/support/pair.js';
import { part, type End, type Meeting, type Place, type Wishes } from './meeting.js';

const BOTH = { bidirectional: true, timeout: 20_000 } as const;

/** The value, or the code of a -1. */
async function answer({ socket }: End, options: ShutdownOptions = BOTH): Promise<string> {
  try {
    const { value, error } = await shutdown(socket, options);
    return error === undefined ? String(value) : error.code.replace('ERR_TLS_SHUTDOWN_', '');
  } catch (error) {
    return (error as Error).name;
  }
}

function is(actual: string, ...expected: readonly string[]): void {
  if (!expected.includes(actual)) throw new Error(`${actual}, expected ${expected.join(' or ')}`);
}

/** No byte of what the other one has written before its end is missing. */
function whole(reader: End, writer: End): void {
  if (reader.isSpoiled) throw new Error('it has read what nobody has written');
  if (reader.got !== writer.sent) throw new Error(`it has read ${reader.got} of ${writer.sent} bytes`);
}

/** Whatever was done to the stream: nothing was added. */
function noMore(reader: End, writer: End): void {
  if (reader.isSpoiled || reader.got > writer.sent) throw new Error(`it has read ${reader.got} bytes, ${writer.sent} were written`);
}

/** Each says something, as much as chance will have it. */
function talk({ a, b, random }: Meeting): void {
  for (const end of [a, b]) {
    end.flow();
    for (let i = random.below(3); i > 0; i--) end.write(1 + random.below(random.pick([100, 20_000])));
  }
}

async function ended({ socket }: End): Promise<void> {
  if (!socket.readableEnded && !socket.closed) await new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
}

async function bothEnd({ a, b }: Meeting, ...expected: readonly string[]): Promise<void> {
  const [ours, theirs] = await Promise.all([answer(a), ended(b).then(() => answer(b))]);
  is(ours, ...expected);
  is(theirs, '1');
  whole(a, b);
  whole(b, a);
}

/** `b` does not answer until it is told to. */
function silence({ socket }: End): void {
  socket.allowHalfOpen = true;
}

const CUT = ['TRUNCATED', 'UNVERIFIED'] as const;
const GONE = [...CUT, 'TRANSPORT'] as const;
const GARBAGE = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');

interface Way extends Wishes {
  run(meeting: Meeting): Promise<void>;
}

const WAYS: Readonly<Record<string, Way>> = {
  'both steps in one call': {
    async run(meeting) {
      talk(meeting);
      await bothEnd(meeting, '1');
    },
  },
  'both steps, and nobody has watched': {
    unwatched: true,
    async run(meeting) {
      talk(meeting);
      await bothEnd(meeting, '1');
    },
  },
  'one step, and one more': {
    async run(meeting) {
      talk(meeting);
      is(await answer(meeting.a, { timeout: 20_000 }), '0', '1');
      await bothEnd(meeting, '1');
    },
  },
  'both sides at once': {
    async run(meeting) {
      const { a, b } = meeting;
      talk(meeting);
      const answers = await Promise.all([answer(a), answer(b)]);
      for (const each of answers) is(each, '1');
      whole(a, b);
      whole(b, a);
    },
  },
  'end()': {
    async run(meeting) {
      talk(meeting);
      meeting.a.socket.end();
      await turns(meeting.random.below(4));
      await bothEnd(meeting, '1');
    },
  },
  "end() in 'data'": {
    async run(meeting) {
      const { a, b } = meeting;
      b.write(30_000);
      a.socket.once('data', () => a.socket.end());
      talk(meeting);
      await bothEnd(meeting, '1');
    },
  },
  'for await to the end': {
    async run(meeting) {
      const { a, b } = meeting;
      b.write(20_000);
      b.flow();
      b.socket.end();
      for await (const chunk of a.socket as AsyncIterable<Buffer>) a.take(chunk);
      is(getShutdown(a.socket).received, 'close_notify');
      is(await answer(a), '1');
      whole(a, b);
    },
  },
  'nobody reads: discard': {
    async run({ a, b }) {
      b.write(60_000);
      b.flow();
      is(await answer(a, { ...BOTH, unread: 'discard' }), '1');
    },
  },
  'nobody reads: keep': {
    async run({ a, b }) {
      b.write(5000);
      b.flow();
      is(await answer(a), '1');
      a.flow();
      await ended(a);
      whole(a, b);
    },
  },
  drainSockets: {
    async run(meeting) {
      talk(meeting);
      const { total, complete } = await drainSockets([meeting.a.socket]);
      is(`${complete} of ${total}`, '1 of 1');
      whole(meeting.a, meeting.b);
    },
  },
  quiet: {
    async run(meeting) {
      const { a, b } = meeting;
      talk(meeting);
      const theirs = ended(b).then(() => answer(b));
      is(await answer(a, { quiet: true }), '1');
      is(await theirs, ...GONE);
      noMore(a, b);
      noMore(b, a);
    },
  },
  'destroyed by the other side': {
    async run(meeting) {
      const { a, b } = meeting;
      talk(meeting);
      b.socket.destroy();
      is(await answer(a), ...GONE);
      noMore(a, b);
    },
  },
  'destroyed while it waits': {
    async run(meeting) {
      const { a, b, random } = meeting;
      silence(b);
      talk(meeting);
      const waiting = answer(a);
      const sent = once(b.socket, 'end');
      await turns(5 + random.below(20));
      await sent;
      a.socket.destroy();
      is(await waiting, 'CLOSED');
    },
  },
  'silent until the time limit': {
    async run(meeting) {
      const { a, b, random } = meeting;
      silence(b);
      talk(meeting);
      is(await answer(a, { bidirectional: true, timeout: 100 + random.below(200) }), 'TIMEOUT');
      if (random() < 0.5) return; // it is destroyed
      b.socket.end();
      is(await answer(a), '1');
      whole(a, b);
    },
  },
  aborted: {
    async run(meeting) {
      const { a, b, random } = meeting;
      silence(b);
      talk(meeting);
      const aborting = new AbortController();
      const waiting = answer(a, { ...BOTH, signal: aborting.signal });
      await turns(1 + random.below(20));
      aborting.abort();
      is(await waiting, 'AbortError');
      if (random() < 0.5) return;
      b.socket.end();
      is(await answer(a), '1');
      whole(a, b);
    },
  },
  'a forged FIN': {
    path: true,
    async run(meeting) {
      const { a, b, side, path } = meeting;
      silence(b);
      talk(meeting);
      path!.cut(side, 0);
      is(await answer(a), ...CUT);
      noMore(a, b);
    },
  },
  'cut within a record': {
    path: true,
    async run(meeting) {
      const { a, b, side, path, random } = meeting;
      a.flow();
      path!.cut(side, 1 + random.below(4999));
      b.write(5000);
      is(await answer(a), ...CUT);
      noMore(a, b);
    },
  },
  'a forged RST': {
    path: true,
    async run(meeting) {
      const { a, b, path } = meeting;
      talk(meeting);
      path!.reset();
      is(await answer(a), ...GONE, 'CLOSED');
      noMore(a, b);
    },
  },
  'garbage to the other side': {
    path: true,
    async run(meeting) {
      const { a, b, other, path } = meeting;
      a.flow();
      b.flow();
      const theirs = answer(b);
      path!.inject(other, GARBAGE);
      is(await answer(a), 'PROTOCOL', 'NOT_SENT', '1', ...GONE); // 1 if both alerts had crossed before
      is(await theirs, 'PROTOCOL', '1', ...GONE);
    },
  },
};

/** Over `wrap`: TLS ends, and the connection goes on without it, or not. */
const WRAPPED: Readonly<Record<string, (meeting: Awaited<ReturnType<Place['meetWrapped']>>) => Promise<void>>> = {
  async unwrap({ a, b, transports: [near, far] }) {
    const plain = await Promise.all([unwrap(a.socket), unwrap(b.socket)]);
    if (plain[0] !== near || plain[1] !== far) throw new Error('another transport came back');
    near.end('plain');
    is(String(((await once(far, 'data')) as [Buffer])[0]), 'plain');
    far.resume();
    await once(far, 'close');
  },
  async 'unwrap, cut'({ a, b, transports: [near, far] }) {
    a.flow();
    const failing = unwrap(a.socket).catch((error: TlsShutdownError) => error.code);
    far.destroy();
    is(String(await failing), ...GONE.map((code) => `ERR_TLS_SHUTDOWN_${code}`));
    if (!near.destroyed) throw new Error('unwrap failed, and the transport is still there');
    b.socket.destroy();
  },
};

export const NAMES: readonly string[] = [...Object.keys(WAYS), ...Object.keys(WRAPPED)];

/** @returns whether its session was resumed */
export async function go(place: Place, name: string, random: Meeting['random']): Promise<boolean> {
  const wrapped = WRAPPED[name];
  if (wrapped !== undefined) {
    const meeting = await place.meetWrapped(random);
    await wrapped(meeting).finally(() => meeting.transports.forEach((transport) => transport.destroy()));
    await part(meeting);
    return false;
  }
  const way = WAYS[name]!;
  const meeting = await place.meet(random, way);
  await way.run(meeting).finally(() => part(meeting));
  return meeting.isResumed;
}

