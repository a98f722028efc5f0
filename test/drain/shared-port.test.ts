/** Workers of a cluster that share a port: one drains, and the others serve on, also those who connect meanwhile. */
import { expect } from 'chai';
import https from 'node:https';
import { Client, get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { Program } from '../support/program.js';

const CLIENTS = 8;
const LOOPS = 4;

/** A request on a connection of its own: the answer, or why there is none. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = https.get({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(text)).on('error', (error) => resolve(error.message));
    });
    request.on('error', (error) => resolve(error.message));
  });
}

describe('a worker that drains, of a cluster that shares a port', function () {
  this.timeout(20_000);

  it('ends its own connections by close_notify; nobody who connects meanwhile is refused, and the others are served on', async () => {
    const program = new Program(['worker', 'workers=2']);
    await program.until(/(listening \d+\n){2}/);
    const ports = new Set([...program.output.matchAll(/listening (\d+)/g)].map(([, port]) => Number(port)));
    expect(ports.size).to.equal(1);
    const [port] = ports as Iterable<number>;
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.connect(port!)));
    for (const client of clients) await client.write(get()).until(/the end/);

    let isOver = false;
    const answers: string[] = [];
    const loop = async (): Promise<void> => {
      while (!isOver) answers.push(await ask(port!));
    };
    const loops = Array.from({ length: LOOPS }, loop);
    program.child.kill('SIGUSR2'); // its primary tells the first worker alone
    await program.until(/worker exit 0, /);
    isOver = true;
    await Promise.all(loops);

    expect(answers.length).to.be.greaterThan(0);
    expect(new Set(answers)).to.deep.equal(new Set(['the end']));
    const { total } = program.report;
    expect(outcome(program.report)).to.deep.equal({ total, complete: total });
    const ended = clients.filter(({ received }) => received === 'close_notify');
    const others = clients.filter(({ received }) => received === 'open');
    expect(ended.length).to.be.within(1, CLIENTS - 1);
    expect(ended.length + others.length).to.equal(CLIENTS);
    for (const client of others) await client.write(get()).until(/(the end[^]*){2}/);
  });
});
