/** OpenSSL's own SSL_shutdown(3), called by a C program (peers/beside.c). */
import { CERT_FILE, KEY_FILE } from '../support/ends.js';
import { Child } from '../support/child.js';
import type { Played } from '../peers/forging.js';
import type { Answer, Caller, Setting } from './caller.js';
import type { PeerConnection } from './peer.js';

const PATIENCE = 15_000;

export class Original implements Caller {
  readonly #program: Child;
  /** The application reads what there is before its alert is out, and then to the end. */
  readonly #reads: boolean;
  #sent = false;

  constructor(program: string, reads: boolean) {
    this.#program = new Child(program, [KEY_FILE, CERT_FILE]);
    this.#reads = reads;
  }

  /** Its answer: a line that begins with `word`. */
  async #say(command: string, word = 'done'): Promise<string[]> {
    this.#program.type(`${command}\n`);
    const [, failed, answer = ''] = await this.#program.waitFor(new RegExp(`^(?:(failed:.*)|${word} ?(.*))\\n`, 'm'));
    if (failed !== undefined) throw new Error(`${command}: ${failed}`);
    return answer.split(' ');
  }

  async open(peer: PeerConnection, { version, side, options }: Setting, hasHandshake: boolean): Promise<boolean> {
    this.#sent = false;
    const resume = options.includes('resume');
    for (const option of ['ignore-eof', 'post-handshake-auth']) if (options.includes(option)) await this.#say(option);
    if (side === 'client') {
      const port = await (hasHandshake ? peer.listen(version) : peer.silent());
      await this.#say(`connect ${version} ${port}${resume ? ' resume' : ''}`, 'connected');
    } else {
      const port = Number((await this.#say(`listen ${version}`, 'listening'))[0]);
      await (hasHandshake ? peer.connect(version, port, resume) : peer.silent(port));
      await this.#say('accept', 'connected');
    }
    const done = this.#say(`handshake ${hasHandshake ? PATIENCE : 0}`, 'handshake');
    const resumed = hasHandshake && (await peer.handshake());
    await done;
    return resumed;
  }

  async act(step: string): Promise<void> {
    const [word = '', rest] = step.split(' ');
    if (word === 'hear') await this.#say(`read ${rest} ${PATIENCE}`, 'read');
    else if (word === 'write') await this.#say(step, 'written');
    else if (word === 'fill') await this.#say(step, 'filled');
    else if (word === 'loud') await this.#say('quiet 0');
    else if (word === 'quiet') await this.#say('quiet 1');
    else await this.#say(step);
  }

  async arrived({ bytes, end }: Played): Promise<void> {
    await this.#say(`arrived ${bytes} ${end}`, 'arrived');
  }

  async call(limit: number): Promise<Answer> {
    const read = this.#reads ? await this.#say(`drain ${this.#sent ? limit : 0}`, 'drained') : [];
    const [value = '', error] = await this.#say(`shutdown ${read[1] === 'WANT_READ' && this.#sent ? 0 : limit}`, 'shutdown');
    this.#sent ||= value !== '-1';
    const [bytes, failure] = read;
    const seen = [...(read.length > 0 && bytes !== '0' ? [`${bytes} bytes`] : []), ...(failure === undefined || failure === 'WANT_READ' ? [] : [failure])];
    return { value: Number(value), error, text: [...(seen.length > 0 ? [`[${seen.join(' ')}]`] : []), value, ...(error === undefined ? [] : [error])].join(' ') };
  }

  async close(): Promise<void> {
    await this.#say('end', 'ended');
  }

  async stop(): Promise<void> {
    await this.#program.kill();
  }
}
