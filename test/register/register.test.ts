/** Servers of programs that nobody edits. */
import { expect } from 'chai';
import http2 from 'node:http2';
import net from 'node:net';
import { Client, connectionHeaders, get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { track } from '../support/pair.js';
import { PRELOADS, run } from '../support/registered.js';

const BY_SIGTERM = [null, 'SIGTERM'];
/** The report is in a line on stderr. */
const LOG = { idleGrace: 0, log: true };

describe('tls-graceful-shutdown/register', function () {
  this.timeout(20_000);

  for (const program of ['app.cjs', 'app.mjs']) {
    for (const [name, preload] of Object.entries(PRELOADS)) {
      it(`the request in work is answered, and the process ends by the signal: --${name}, ${program}`, async () => {
        const child = run([], { program, preload, options: LOG });
        const client = (await child.client()).write(get('/later'));
        await child.until(/request/);
        child.child.kill('SIGTERM');
        await child.until(/stopped/);
        child.child.kill('SIGUSR2');
        await client.ended;
        expect(client.text).to.match(/the end$/);
        expect(connectionHeaders(client)).to.deep.equal(['close']);
        expect(client.received).to.equal('close_notify');
        expect(await child.end()).to.deep.equal(BY_SIGTERM);
        expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
      });
    }
  }

  it('without it the request is lost', async () => {
    const child = run([], { preload: null });
    const client = (await child.client()).write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await client.ended;
    expect(client.text).to.equal('');
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
  });

  it('SIGINT drains, too', async () => {
    const child = run([], { options: LOG });
    const client = await child.client();
    child.child.kill('SIGINT');
    expect(await child.end()).to.deep.equal([null, 'SIGINT']);
    expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(client.received).to.equal('close_notify');
  });

  for (const kind of ['tls', 'own', 'http2']) {
    it(`its connections end by close_notify: ${kind}`, async () => {
      const child = run([`kind=${kind}`], { options: LOG });
      const port = await child.port();
      const client = await Client.connect(Number(port), kind === 'http2' ? { ALPNProtocols: ['h2'] } : {});
      await client.until(kind === 'http2' ? /\0/ : /hello/);
      child.child.kill('SIGTERM');
      expect(await child.end()).to.deep.equal(BY_SIGTERM);
      expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
      expect(client.received).to.equal('close_notify');
    });
  }

  it('the request in work is answered: a plain HTTP server', async () => {
    const child = run(['kind=http'], { options: LOG });
    const port = await child.port();
    const socket = track(net.connect(port, '127.0.0.1')).setEncoding('latin1');
    socket.write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/stopped/);
    child.child.kill('SIGUSR2');
    let text = '';
    for await (const chunk of socket) text += chunk as string;
    expect(text).to.match(/^connection: close\r$[^]*the end$/im);
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
    expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
  });

  it('the stream in work is answered: a plain HTTP/2 server', async () => {
    const child = run(['kind=h2c'], { options: LOG });
    const port = await child.port();
    const session = track(http2.connect(`http://127.0.0.1:${port}`));
    const stream = session.request({ ':path': '/later' }).setEncoding('latin1');
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/stopped/);
    child.child.kill('SIGUSR2');
    let text = '';
    for await (const chunk of stream) text += chunk as string;
    expect(text).to.equal('the end');
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
  });

  it('a plain net server is not touched', async () => {
    const child = run(['kind=net'], { options: LOG });
    const port = await child.port();
    const socket = track(net.connect(port, '127.0.0.1'));
    await new Promise((resolve) => socket.once('data', resolve));
    child.child.kill('SIGTERM');
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
    expect(child.errors).to.equal('');
  });

  it('a plain server that hands its TLS to an HTTP server is not touched', async () => {
    const child = run(['kind=handed'], { options: LOG });
    const client = await child.client();
    await client.write(get()).until(/the end/);
    child.child.kill('SIGTERM');
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
    expect(outcome(child.report)).to.deep.equal({ total: 0 });
  });

  it('listens for signals only while a server does', async () => {
    const child = run(['counts']);
    expect(await child.end()).to.deep.equal([0, null]);
    expect(child.output).to.match(/^listeners 0\nlisteners 1\nlistening \d+\nlisteners 0\n$/);
  });

  it('a signal that follows forces what is left, but not within a second', async () => {
    const child = run([], { options: { ...LOG, grace: 'Infinity' } });
    (await child.client()).write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/stopped/);
    const repeating = setInterval(() => child.child.kill('SIGTERM'), 20);
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
    clearInterval(repeating);
    expect(outcome(child.report)).to.deep.equal({ total: 1, forced: 1, CLOSED: 1 });
    expect(child.report.elapsed).to.be.within(950, 5000);
  });

  it("a process manager's message drains, and the process ends by itself", async () => {
    const child = run([], { options: LOG, ipc: true });
    const client = await child.client();
    child.child.send('shutdown');
    expect(await child.end()).to.deep.equal([0, null]);
    expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
    expect(client.received).to.equal('close_notify');
  });
});

describe("tls-graceful-shutdown/register, and the program's own handler of the signal", function () {
  this.timeout(20_000);

  for (const [handler, ended, output] of [
    ['close', [0, null], /closed\n$/],
    ['exit', [3, null], /stopped\n$/],
    ['signal-exit', BY_SIGTERM, /stopped\n$/],
  ] as const) {
    it(`loses nothing, and the process ends in the handler's way: ${handler}`, async () => {
      const child = run([`handler=${handler}`], { options: { log: true, idleGrace: 500 } });
      const client = (await child.client()).write(get('/later'));
      await child.until(/request/);
      const idle = await Client.connect(await child.port());
      await idle.write(get()).until(/the end/);
      child.child.kill('SIGTERM');
      await child.until(/stopped/);
      idle.write(get()); // its close() would have ended this one
      await idle.ended;
      child.child.kill('SIGUSR2');
      await client.ended;
      expect(await child.end()).to.deep.equal(ended);
      expect([client.text, idle.text].map((text) => text.match(/the end/g)?.length)).to.deep.equal([1, 2]);
      expect([client.received, idle.received]).to.deep.equal(['close_notify', 'close_notify']);
      expect(outcome(child.report)).to.deep.equal({ total: 2, complete: 2 });
      expect(child.output).to.match(output);
    });
  }

  it('hears of the second signal as ever', async () => {
    const child = run(['handler=twice'], { options: LOG });
    (await child.client()).write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/stopped/);
    child.child.kill('SIGTERM');
    expect(await child.end()).to.deep.equal([4, null]);
  });

  it('a signal that a handler sends to its own process when it is done ends it behind the drain', async () => {
    const child = run(['handler=again'], { options: LOG });
    const client = (await child.client()).write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/sent again/);
    child.child.kill('SIGUSR2');
    await client.ended;
    expect(client.text).to.match(/the end$/);
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
  });

  it('a server that begins to listen after the signal is drained at once', async () => {
    const child = run(['second'], { options: LOG });
    const client = (await child.client()).write(get('/later'));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await child.until(/second\nsecond stopped/);
    child.child.kill('SIGUSR2');
    await client.ended;
    expect(client.text).to.match(/the end$/);
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
  });
});
