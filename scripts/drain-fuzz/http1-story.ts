/** An HTTP/1 client: keep-alive, pipelining, half requests, uploads, upgrades, blank lines, rudeness. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../../test/support/random.js';
import { Responses } from './responses.js';
import { BIG, GOODBYE, GREETING, type Seen } from './servers.js';
import type { Fault, Story } from './story.js';
import { LONG_BEFORE, turnCount, type Wire } from './wire.js';


interface Request {
  readonly id: string;
  readonly path: string;
  /** The turn in which its first byte was written. */
  readonly began: number;
}

export class Http1Story implements Story {
  readonly wire: Wire;
  unruly = false;
  /** Requests that crossed the close of an idle connection. */
  crossed = 0;
  readonly #random: Chance;
  readonly #mayBeEndless: boolean;
  readonly #requests: Request[] = [];
  readonly #responses = new Responses();
  /** Its last request has asked for the close. */
  #saysClose = false;
  readonly #did: string[] = [];

  constructor(wire: Wire, random: Chance, mayBeEndless: boolean) {
    this.wire = wire;
    this.#random = random;
    this.#mayBeEndless = mayBeEndless;
  }

  get isForeign(): boolean {
    return this.#responses.tail !== undefined;
  }

  async run(): Promise<void> {
    const random = this.#random;
    for (let steps = random.below(7); steps > 0 && this.#mayGoOn; steps--) {
      await this.#step(random());
      if (random() < 0.7) await sleep(random.below(40));
    }
    await this.wire.until(() => false);
  }

  /** The client has not been told that its connection closes. */
  get #mayGoOn(): boolean {
    this.#responses.read(this.wire.text);
    const { answers, tail } = this.#responses;
    return this.wire.isOpen && !this.unruly && !this.#saysClose && tail === undefined && !answers.some(({ closes }) => closes);
  }

  async #step(dice: number): Promise<void> {
    const { wire } = this;
    const random = this.#random;
    const how = (name: string): void => void this.#did.push(name);
    if (dice < 0.27) {
      how('get');
      wire.write(this.#get());
      await this.#answered();
    } else if (dice < 0.32) {
      how('last get');
      wire.write(this.#get('connection: close\r\n'));
      this.#saysClose = true;
    } else if (dice < 0.37) {
      how('slow');
      wire.readNothingFor(random.below(150));
      wire.write(this.#get());
    } else if (dice < 0.5) {
      how('pipeline');
      wire.write(Array.from({ length: 2 + random.below(3) }, () => this.#get()).join(''));
      if (random() < 0.7) await this.#answered();
    } else if (dice < 0.6) {
      how('half');
      const text = this.#get();
      const cut = 1 + random.below(text.length - 1);
      wire.write(text.slice(0, cut));
      if (this.#mayBeEndless && random() < 0.2) return void (this.unruly = true);
      await sleep(random.below(120));
      wire.write(text.slice(cut));
      await this.#answered();
    } else if (dice < 0.68) {
      how('blank');
      wire.write(random.pick(['\r\n', '\r\n\r\n', '\n']));
    } else if (dice < 0.83) {
      how('upload');
      await this.#upload();
    } else if (dice < 0.89) {
      how('upgrade');
      const id = this.#note('upgrade');
      wire.write(`GET /upgrade/${id}/${this.#wait()} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n`);
      await this.#answered();
    } else if (dice < 0.92) {
      how('tunnel');
      const id = this.#note('tunnel', (number) => `t${wire.localPort}-${number}.x:1`);
      this.#responses.tunnels.add(this.#requests.length - 1);
      wire.write(`CONNECT ${id} HTTP/1.1\r\nhost: ${id}\r\n\r\n`);
      await this.#answered();
    } else if (dice < 0.94 && this.#mayBeEndless) {
      how('never');
      const id = this.#note('never');
      wire.write(`GET /never/${id} HTTP/1.1\r\nhost: x\r\n\r\n`);
      this.unruly = true;
    } else if (dice < 0.96) {
      how('garbage');
      this.unruly = true;
      wire.write(random.pick(['garbage\r\n\r\n', 'GET /now/x/0 HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nhost: x\r\nexpect: something\r\n\r\n', 'GET /now/x/0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n\r\nmore']));
    } else {
      const left = random.pick(['end', 'half', 'reset'] as const);
      how(left);
      wire.leave(left);
    }
  }

  #note(path: string, name = (number: number): string => `r${this.wire.localPort}-${number}`): string {
    const id = name(this.#requests.length);
    this.#requests.push({ id, path, began: turnCount() });
    return id;
  }

  #wait(): number {
    return this.#random() < 0.5 ? 0 : this.#random.below(100);
  }

  #get(headers = ''): string {
    const path = this.#random.pick(['now', 'later', 'stream', 'close', 'keep', 'big', 'event', 'now', 'later']);
    const id = this.#note(path);
    const version = path === 'now' && headers === '' && this.#random() < 0.2 ? 'HTTP/1.0\r\nconnection: keep-alive' : 'HTTP/1.1';
    return `GET /${path}/${id}/${path === 'now' ? 0 : this.#wait()} ${version}\r\nhost: x\r\n${headers}\r\n`;
  }

  /** The newest request is answered, or an answer has closed the connection. */
  async #answered(): Promise<void> {
    const count = this.#requests.length;
    await this.wire.until(() => this.#responses.answers.length >= count || !this.#mayGoOn);
  }

  async #upload(): Promise<void> {
    const random = this.#random;
    const path = random.pick(['upload', 'early']);
    const id = this.#note(path);
    const pieces = 1 + random.below(6);
    const length = random.pick([10, 1000, 40_000, 400_000]);
    const isChunked = random() < 0.4;
    const sized = isChunked ? 'transfer-encoding: chunked' : `content-length: ${pieces * length}`;
    this.wire.write(`POST /${path}/${id}/${this.#wait()} HTTP/1.1\r\nhost: x\r\n${sized}\r\n${random() < 0.2 ? 'expect: 100-continue\r\n' : ''}\r\n`);
    const isStubborn = random() < 0.5; // it uploads on behind an answer that closes
    for (let i = 0; i < pieces && this.wire.isOpen && (isStubborn || this.#mayGoOn); i++) {
      this.wire.write(isChunked ? `${length.toString(16)}\r\n${'u'.repeat(length)}\r\n` : 'u'.repeat(length));
      if (random() < 0.5) await sleep(random.below(30));
    }
    if (isChunked && (isStubborn || this.#mayGoOn)) this.wire.write('0\r\n\r\n');
    await this.#answered();
  }

  faults(seen: Seen, finishes: boolean): Fault[] {
    this.#responses.read(this.wire.text);
    const { answers, tail, rest } = this.#responses;
    const faults: Fault[] = [];
    for (const [i, answer] of answers.entries()) {
      const request = this.#requests[i];
      if (request === undefined && this.unruly) continue;
      if (request === undefined || answer.id !== request.id) faults.push(`an answer to ${answer.id} in the place of that to ${request?.id}`);
      else if (!isWhole(answer.body, request)) faults.push(`an answer to ${request.id} that is not whole`);
    }
    if (this.wire.left !== undefined || this.unruly) return faults;
    if (rest !== '') faults.push(`half an answer, or something behind the last: ${rest.slice(0, 200)}`);
    const closing = answers.findIndex(({ closes }) => closes);
    const promised = closing === -1 ? this.#requests.length : closing + 1;
    for (const request of this.#requests.slice(answers.length, promised)) {
      if (seen.given.includes(request.id)) faults.push(`${request.id} (${request.path}) was given to the application, and not answered`);
      else if (!this.wire.isSlow && this.wire.endTurn - request.began > LONG_BEFORE) faults.push(`${request.id} had begun ${this.wire.endTurn - request.began} turns before the end, and was not given to the application`);
      else this.crossed++;
    }
    const ownClose = this.#requests[closing]?.path === 'close';
    for (const request of this.#requests.slice(promised)) if (!ownClose && seen.given.includes(request.id)) faults.push(`${request.id} was given to the application, behind an answer that closes`);
    if (tail !== undefined && tail !== GREETING + (finishes ? GOODBYE : '')) faults.push(`${tail.length} bytes of an upgraded connection, of which the last are ${tail.slice(-20)}`);
    return faults;
  }

  toString(): string {
    const { wire } = this;
    const requests = this.#requests.map(({ id, path }) => `${path} ${id}`);
    const answers = this.#responses.answers.map(({ status, closes }) => `${status}${closes ? ' close' : ''}`);
    return `${wire.localPort}, ${wire.habit}${this.unruly ? ', unruly' : ''}${wire.left === undefined ? '' : `, left by ${wire.left}`}, ended by ${wire.ended}, ${wire.received}: ${this.#did.join()}: ${requests.join()} -> ${answers.join()}`;
  }
}

function isWhole(body: string, { id, path }: Request): boolean {
  if (path === 'upgrade' || path === 'tunnel') return true;
  if (path === 'big' || path === 'early') return body === BIG;
  return body === `${path === 'stream' || path === 'event' ? 'begun, ' : ''}body of ${id}`;
}
