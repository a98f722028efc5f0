/** Real servers and frameworks that nobody edits, with `--import tls-graceful-shutdown/register`. The command line is all that is added. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { shutdown, watch } from '../../src/index.js';
import { Client, connectionHeaders, get } from '../support/clients.js';
import { outcome } from '../support/origins.js';
import { Program } from '../support/program.js';
import { PRELOADS } from '../support/registered.js';
import { installPackages, load, pathOf } from './support/packages.js';

const BY_SIGTERM = [null, 'SIGTERM'];

function run(program: string, args: readonly string[] = [], preload: readonly string[] = PRELOADS.import): Program {
  const options = { log: true, idleGrace: 5000 };
  return new Program(args, false, { file: pathOf(program), node: preload, env: { TLS_GRACEFUL_SHUTDOWN: JSON.stringify(options) }, stderr: 'pipe' });
}

async function refused(port: number): Promise<void> {
  for (let refused = false; !refused; ) {
    const socket = net.connect(port, '127.0.0.1');
    refused = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(false)).once('error', () => resolve(true)));
    socket.destroy();
  }
}

describe('register, with real frameworks', function () {
  this.timeout(60_000);
  before(function () {
    this.timeout(300_000);
    installPackages();
  });

  for (const [name, program, args, ended, output] of [
    ['Express, in CommonJS', 'express.cjs', [], BY_SIGTERM, /request\n$/],
    ['Fastify, as an ES module, whose handler awaits app.close()', 'fastify.mjs', ['serves'], [0, null], /closed\n$/],
    ['Fastify with HTTP/2, of clients of HTTP/1', 'fastify.mjs', ['serves', 'http2'], [0, null], /closed\n$/],
    ['Nest, in CommonJS', 'nest.cjs', [], BY_SIGTERM, /request\n$/],
    ['Nest with its shutdown hooks', 'nest.cjs', ['hooks'], BY_SIGTERM, /shut down by SIGTERM\n$/],
  ] as const) {
    for (const [way, preload] of Object.entries(PRELOADS)) {
      it(`nothing is lost, and the process ends as it would: ${name}, --${way}`, async () => {
        const child = run(program, args, preload);
        const client = (await child.client()).write(get('/later'));
        await child.until(/request/);
        const idle = await child.client();
        await idle.write(get()).until(/the end/);
        child.child.kill('SIGTERM');
        await refused(await child.port());
        idle.write(get());
        await idle.ended;
        child.child.kill('SIGUSR2');
        await client.ended;
        expect([client.text, idle.text].map((text) => text.match(/the end/g)?.length)).to.deep.equal([1, 2]);
        expect([connectionHeaders(client), connectionHeaders(idle).at(-1)]).to.deep.equal([['close'], 'close']);
        expect([client.received, idle.received]).to.deep.equal(['close_notify', 'close_notify']);
        expect(await child.end()).to.deep.equal(ended);
        expect(child.report).to.include({ complete: 2, oneWay: 0, forced: 0 }); // besides those that have only asked whether it listens
        expect(child.output).to.match(output);
      });
    }
  }

  it('what Fastify refuses while it closes is refused in words, not by a reset', async () => {
    const child = run('fastify.mjs');
    const client = (await child.client()).write(get('/later'));
    await child.until(/request/);
    const idle = await child.client();
    child.child.kill('SIGTERM');
    await refused(await child.port());
    idle.write(get());
    await idle.ended;
    expect(idle.text).to.match(/^HTTP\/1\.1 503 .*\r\n/).and.to.match(/^connection: close\r$/im);
    child.child.kill('SIGUSR2');
    await client.ended;
    expect(client.text).to.match(/the end$/);
    expect(await child.end()).to.deep.equal([0, null]);
  });

  for (const versions of [['4'], ['3'], ['3', '4']]) {
    it(`a program that has signal-exit drains, runs its hooks, and ends by the signal: version ${versions.join(' and ')}`, async () => {
      const child = run('signal-exit.cjs', versions);
      const client = (await child.client()).write(get('/later'));
      await child.until(/request/);
      child.child.kill('SIGTERM');
      await refused(await child.port());
      child.child.kill('SIGUSR2');
      await client.ended;
      expect(client.text).to.match(/the end$/);
      expect(await child.end()).to.deep.equal(BY_SIGTERM);
      for (const version of versions) expect(child.output).to.include(`exit of ${version}: SIGTERM`);
    });
  }

  it('@grpc/grpc-js: the call in work is answered, and the connection ends by close_notify', async () => {
    const grpc = load<typeof import('./support/grpc.js')>('@grpc/grpc-js');
    const child = run('grpc.cjs');
    const port = await child.port();
    const watched = await Client.connect(port, { ALPNProtocols: ['h2'] });
    const { service } = load<{ service: object }>(pathOf('grpc.cjs'));
    const EchoClient = grpc.makeGenericClientConstructor(service, 'Echo');
    const credentials = grpc.credentials.createSsl(null, null, null, { rejectUnauthorized: false });
    const client = new EchoClient(`127.0.0.1:${port}`, credentials, { 'grpc.ssl_target_name_override': 'localhost' });
    const answer = new Promise((resolve, reject) => client.say('later', (error, text) => (error ? reject(error) : resolve(text))));
    await child.until(/request/);
    child.child.kill('SIGTERM');
    await refused(port);
    child.child.kill('SIGUSR2');
    expect(await answer).to.equal('the end');
    await watched.ended;
    expect(watched.received).to.equal('close_notify');
    expect(await child.end()).to.deep.equal(BY_SIGTERM);
    client.close();
  });

  for (const starttls of [false, true]) {
    it(`smtp-server: the connection ends by close_notify, with ${starttls ? 'STARTTLS' : 'secure: true'}`, async () => {
      const child = run('smtp.cjs', starttls ? ['starttls'] : []);
      const port = await child.port();
      const raw = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      if (starttls) {
        for (const command of ['EHLO x', 'STARTTLS']) {
          await once(raw, 'data');
          raw.write(`${command}\r\n`);
        }
        await once(raw, 'data');
      }
      const socket = watch(tls.connect({ socket: raw, servername: 'localhost', rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions));
      await once(socket, 'secureConnect');
      if (!starttls) await once(socket, 'data'); // its greeting
      socket.write('EHLO x\r\n');
      await once(socket, 'data');
      child.child.kill('SIGTERM');
      socket.resume();
      await once(socket, 'end');
      expect((await shutdown(socket)).value).to.equal(1);
      expect(await child.end()).to.deep.equal(BY_SIGTERM);
      expect(outcome(child.report)).to.deep.equal({ total: 1, complete: 1 });
    });
  }
});
