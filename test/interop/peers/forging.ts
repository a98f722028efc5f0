/**
 * The peer that OpenSSL and the library meet: a program of its own, which makes a real handshake, then sends just what it is told, and says what it saw.
 * It is a child process of the suite, and is told over its channel.
 */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { Forger } from '../../support/forger.js';
import { turns, type Version } from '../../support/pair.js';
import { ALERT, DATA, HANDSHAKE, type Opened } from '../../support/sealing.js';

/** What the peer does, one after the other. A list in it is one segment; its words are those of `WORDS` and `ACTS` below. */
export type Script = readonly (string | readonly string[])[];

/** What a script has sent, and how it ended. */
export interface Played {
  readonly bytes: number;
  readonly end: 'none' | 'fin' | 'reset';
}

/** What the suite asks of it. */
export interface Requests {
  listen(id: number, version: Version): Promise<number>;
  /** With the session of the last connection of this number, if `resume`. */
  connect(id: number, version: Version, port: number, resume: boolean): Promise<void>;
  /** It connects or is connected to, and that is all. */
  silent(id: number, port?: number): Promise<number>;
  /** Whether the session was resumed. */
  handshake(id: number): Promise<boolean>;
  play(id: number, script: Script): Promise<Played>;
  /** The script is played when our alert, or our end without one, has come. */
  answer(id: number, script: Script): Promise<void>;
  saw(id: number): Promise<string>;
  end(id: number): Promise<void>;
}

const CLOSE_NOTIFY = [1, 0];
const SESSION_TICKET = 4;
const KEY_UPDATE = 24;
/** Of ours, behind the handshake. */
const MESSAGES: Readonly<Record<number, string>> = { 1: 'ClientHello', 11: 'Certificate', [KEY_UPDATE]: 'KeyUpdate' };
/** RFC 8446 section 4.6.1: lifetime, age, nonce, 16 bytes of ticket, no extensions. */
const TICKET = [SESSION_TICKET, 0, 0, 30, 0, 0, 28, 32, 1, 2, 3, 4, 1, 9, 0, 16, ...Array.from({ length: 16 }, () => 7), 0, 0];
/** Section 4.3.2: a context, and the signature algorithms. */
const CERTIFICATE_REQUEST = [13, 0, 0, 14, 1, 5, 0, 10, 0, 13, 0, 6, 0, 4, 8, 4, 4, 3];

function flipped(record: Buffer): Buffer {
  const copy = Buffer.from(record);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

/** What goes into a segment. */
const WORDS: Readonly<Record<string, (forger: Forger, rest: readonly string[]) => Buffer>> = {
  close_notify: (forger) => forger.seal(ALERT, Buffer.from(CLOSE_NOTIFY)),
  padded_close_notify: (forger) => forger.seal(ALERT, Buffer.from(CLOSE_NOTIFY), 200),
  alert: (forger, rest) => forger.seal(ALERT, Buffer.from(rest.map(Number))),
  data: (forger, [bytes]) => records(forger, Number(bytes)),
  damaged: (forger) => flipped(forger.sealData('data')),
  twice: (forger) => repeated(forger.sealData('data')),
  key_update: (forger) => forger.sealKeyUpdate(),
  key_update_asking: (forger) => forger.seal(HANDSHAKE, Buffer.from([KEY_UPDATE, 0, 0, 1, 1])),
  ticket: (forger) => forger.seal(HANDSHAKE, Buffer.from(TICKET)),
  half_ticket: (forger) => forger.seal(HANDSHAKE, Buffer.from(TICKET.slice(0, 20))),
  certificate_request: (forger) => forger.seal(HANDSHAKE, Buffer.from(CERTIFICATE_REQUEST)),
  hello_request: (forger) => forger.seal(HANDSHAKE, Buffer.from([0, 0, 0, 0])),
  type: (forger, [type]) => forger.seal(Number(type), Buffer.from('data')),
  plain: (_forger, [hex]) => Buffer.from(hex!, 'hex'),
};

function records(forger: Forger, bytes: number): Buffer {
  if (bytes === 0) return forger.sealData('');
  const all: Buffer[] = [];
  for (let left = bytes; left > 0; left -= 16384) all.push(forger.seal(DATA, Buffer.alloc(Math.min(left, 16384), 'd')));
  return Buffer.concat(all);
}

function repeated(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, bytes]);
}

/** Which alert OpenSSL chooses differs between its versions. */
function wordsFor({ type, content: [first, second] }: Opened): string[] {
  if (type === ALERT) return [second === 0 ? 'close_notify' : first === 2 ? 'a fatal alert' : `alert ${second}`];
  return type === HANDSHAKE && first! in MESSAGES ? [MESSAGES[first!]!] : [];
}

class Connection {
  readonly #line: Socket;
  readonly #forger: Forger | undefined;
  readonly #ends: string[] = [];
  /** How much was opened in the handshake. */
  #before = 0;
  #hasReset = false;
  /** Of a record that was cut. */
  #rest = Buffer.alloc(0);

  constructor(line: Socket, forger?: Forger) {
    this.#line = line.setNoDelay(true);
    this.#forger = forger;
    line.on('end', () => this.#ends.push('FIN'));
    line.on('error', () => this.#ends.push('reset'));
  }

  async handshake(): Promise<boolean> {
    await this.#forger!.handshake;
    await turns(); // the tickets of a server
    this.#forger!.mute();
    this.#before = this.#forger!.opened.length;
    return this.#forger!.peer.isSessionReused();
  }

  async play(script: Script): Promise<Played> {
    let [bytes, end]: [number, Played['end']] = [0, 'none'];
    for (const step of script) {
      const act = typeof step === 'string' ? ACTS[step] : undefined;
      if (act !== undefined) {
        await act(this.#line);
        if (step === 'fin' || step === 'reset') end = step;
        this.#hasReset ||= step === 'reset';
        continue;
      }
      bytes += await this.#send(typeof step === 'string' ? [step] : step);
    }
    return { bytes, end };
  }

  async #send(words: readonly string[]): Promise<number> {
    const segment = Buffer.concat(words.map((word) => this.#made(word)));
    await new Promise<void>((resolve) => this.#line.write(segment, () => resolve()));
    return segment.length;
  }

  /** `cut WORD...` is the first ten bytes of it, and `rest` the others. */
  #made(step: string): Buffer {
    const [word = '', ...rest] = step.split(' ');
    if (word === 'rest') return this.#rest;
    if (word !== 'cut') return WORDS[word]!(this.#forger!, rest);
    const whole = this.#made(rest.join(' '));
    this.#rest = whole.subarray(10) as Buffer<ArrayBuffer>;
    return whole.subarray(0, 10);
  }

  async answer(script: Script): Promise<void> {
    await this.#forger?.untilOurAlert();
    await this.play(script);
  }

  /** What it saw of our side. Our FIN may cross its reset, so that is left out then. */
  async saw(): Promise<string> {
    await turns(4); // what is with our kernel
    const opened = this.#forger?.opened.slice(this.#before) ?? [];
    const bytes = opened.reduce((sum, { type, content }) => sum + (type === DATA ? content.length : 0), 0);
    return [...(bytes > 0 ? [`${bytes} bytes`] : []), ...opened.flatMap(wordsFor), ...(this.#hasReset ? [] : this.#ends.slice(0, 1))].join(', ');
  }

  end(): void {
    this.#forger?.destroy();
    this.#line.destroy();
  }
}

/** What is done to the connection between segments. */
const ACTS: Readonly<Record<string, (line: Socket) => Promise<void> | void>> = {
  fin: (line) => new Promise((resolve) => line.end(() => resolve())),
  reset: (line) => void line.resetAndDestroy(),
  stall: (line) => void line.pause(),
  read: (line) => void line.resume(),
};

/** Of each client, by the connection's number. */
const sessions = new Map<number, Buffer>();
const connections = new Map<number, Promise<Connection>>();

async function listen(id: number, make: (line: Socket) => Connection): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true });
  connections.set(
    id,
    once(server, 'connection').then(([line]) => {
      server.close();
      return make(line as Socket);
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function connect(id: number, port: number, make: (line: Socket) => Connection): Promise<void> {
  connections.set(id, Promise.resolve(make(net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }))));
}

function client(id: number, line: Socket, version: Version, session?: Buffer): Forger {
  const forger = new Forger(line, version, 'client', session);
  forger.peer.on('session', (fresh: Buffer) => sessions.set(id, fresh));
  return forger;
}

const handlers: Requests = {
  listen: (id, version) => listen(id, (line) => new Connection(line, new Forger(line, version, 'server'))),
  connect: (id, version, port, resume) => connect(id, port, (line) => new Connection(line, client(id, line, version, resume ? sessions.get(id) : undefined))),
  async silent(id, port) {
    const make = (line: Socket): Connection => new Connection(line.on('data', () => {}));
    if (port === undefined) return listen(id, make);
    await connect(id, port, make);
    return port;
  },
  handshake: async (id) => (await connections.get(id)!).handshake(),
  play: async (id, script) => (await connections.get(id)!).play(script),
  answer: async (id, script) => void connections.get(id)!.then((connection) => connection.answer(script)),
  saw: async (id) => (await connections.get(id)!).saw(),
  async end(id) {
    (await connections.get(id)!).end();
    connections.delete(id);
  },
};

process.on('message', ([number, name, ...args]: [number, keyof Requests, ...never[]]) => {
  const reply = (...answer: unknown[]): void => void process.send!([number, ...answer]);
  (handlers[name] as (...args: never[]) => Promise<unknown>)(...args).then(
    (result) => reply(result),
    (error: Error) => reply(undefined, error.stack),
  );
});
