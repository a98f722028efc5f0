/** `serve`, as a client meets it. */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import tls, { type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { shutdown, watch } from '../../src/index.js';
import { serve, type CloseKind, type Serving } from '../../src/probe/index.js';
import { makeIdentity } from '../../src/probe/serve/certificate.js';
import { certificate, track, VERSIONS } from '../support/pair.js';
import { PROGRAM, runProgram, serving } from '../support/probe.js';

async function connect(port: number, options: tls.ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = track(watch(tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: certificate.cert, ...options })));
  await once(socket, 'secureConnect');
  return socket;
}

/** What it says until it ends, and how it ended. */
async function heard(socket: TLSSocket, says: string): Promise<[text: string, received: string]> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.write(says);
  await new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()));
  const { state } = await shutdown(socket, { bidirectional: true });
  return [text, state.received];
}

/** Seven ports in a row that nobody else has. */
async function firstFree(): Promise<Serving> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const found = await serving({ port }).catch((error: NodeJS.ErrnoException) => error.code);
    if (typeof found === 'object') return found;
    expect(found).to.equal('EADDRINUSE');
  }
}

const ENDS: Readonly<Partial<Record<CloseKind, string>>> = { clean: 'close_notify', fin: 'fin', rst: 'error', 'late-data': 'close_notify', slow: 'close_notify' };

for (const version of VERSIONS) {
  for (const [close, end] of Object.entries(ENDS)) {
    it(`serve --close ${close}: a client that asks by HTTP with Connection: close gets an answer of no stated length, and ${end}, ${version}`, async () => {
      const running = await serving({ close: close as CloseKind, delay: 50 });
      const socket = await connect(running.servers[0]!.port, { minVersion: version, maxVersion: version });
      const [text, received] = await heard(socket, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      if (end !== 'error') expect(text).to.match(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nConnection: close\r\n\r\nThis server closes by /);
      expect(received).to.equal(end);
      await running.close();
    });
  }
}

describe('serve', () => {
  it('echoes a line to a client that speaks no HTTP, and closes; also one without a line end', async () => {
    const running = await serving({ close: 'clean' });
    const { port } = running.servers[0]!;
    expect(await heard(await connect(port), 'hello\r\nmore\r\n')).to.deep.equal(['hello\r\n', 'close_notify']);
    const half = await connect(port);
    half.on('error', () => {}).write('hello');
    half.end();
    let text = '';
    half.on('data', (chunk: Buffer) => (text += String(chunk)));
    await once(half, 'end');
    expect(text).to.equal('hello');
    await running.close();
  });

  it('keeps an HTTP/1.1 connection, answers what is pipelined, and closes it when it is idle', async () => {
    const running = await serving({ close: 'clean', idle: 100 });
    const [text, received] = await heard(await connect(running.servers[0]!.port), 'GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n');
    const [first, second] = text.split(/(?<=\.\n)/);
    expect(first).to.match(/Content-Length: 36\r\n\r\nThis server closes by close_notify\.\n$/);
    expect(second).to.match(/Content-Length: 36\r\n\r\n$/);
    expect(received).to.equal('close_notify');
    await running.close();
  });

  it('answers HTTP/1.0 as if it asked to close', async () => {
    const running = await serving({ close: 'clean' });
    expect((await heard(await connect(running.servers[0]!.port), 'GET / HTTP/1.0\r\n\r\n'))[0]).to.include('Connection: close');
    await running.close();
  });

  it('closes a connection with too long a request', async () => {
    const running = await serving({ close: 'clean' });
    expect(await heard(await connect(running.servers[0]!.port), 'x'.repeat(70_000))).to.deep.equal(['', 'close_notify']);
    await running.close();
  });

  it('has a port for each kind, in a row if the first one is given, on 127.0.0.1 alone', async () => {
    const running = await serving();
    expect(running.host).to.equal('127.0.0.1');
    expect(running.servers.map(({ close }) => close)).to.deep.equal(['clean', 'fin', 'rst', 'silent', 'cut', 'late-data', 'slow']);
    expect(new Set(running.servers.map(({ port }) => port)).size).to.equal(7);
    await running.close();
    const row = await firstFree();
    expect(row.servers.map(({ port }) => port - row.servers[0]!.port)).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    await row.close();
  });

  it('rejects if its port is taken, and leaves no server behind', async () => {
    const running = await serving({ close: 'clean' });
    const error = await serving({ close: 'fin', port: running.servers[0]!.port }).catch((thrown: NodeJS.ErrnoException) => thrown);
    expect(error).to.include({ code: 'EADDRINUSE' });
    await running.close();
  });

  it('makes a certificate for localhost by the openssl program, and gives it away', async function () {
    this.timeout(30_000);
    const running = await serve({ close: 'clean' });
    const { port } = running.servers[0]!;
    for (const host of ['localhost', '127.0.0.1']) {
      const socket = track(tls.connect({ port, host: '127.0.0.1', servername: host === 'localhost' ? host : '', ca: running.cert, checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(host, certificate) }));
      await once(socket, 'secureConnect');
      socket.destroy();
    }
    await running[Symbol.asyncDispose]();
  });

  it('says what to do where there is no openssl program', async () => {
    const error = await makeIdentity('no-such-openssl').catch((thrown: Error) => thrown);
    expect(error).to.be.instanceOf(Error);
    expect((error as Error).message).to.equal('there is no certificate: give options.cert and options.key, or install the no-such-openssl program, which makes one');
  });

  it('closes what is open by close_notify, and then resolves', async () => {
    const running = await serving({ close: 'silent' });
    const socket = await connect(running.servers[0]!.port);
    const ended = once(socket.resume(), 'end');
    await running.close();
    await ended;
    expect((await shutdown(socket, { bidirectional: true })).state.received).to.equal('close_notify');
  });
});

describe('the program serve', () => {
  const identity = ['--cert', 'fixtures/localhost.cert.pem', '--key', 'fixtures/localhost.key.pem'];

  it('lists its ports as JSON, and ends with 0 on SIGTERM, by a drain', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--json', '--close', 'silent', ...identity], { stdio: ['ignore', 'pipe', 'inherit'] });
    track({ destroy: () => void child.kill('SIGKILL') });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { host, servers, cert } = JSON.parse(String(line)) as { host: string; servers: { close: string; port: number }[]; cert: string };
    expect({ host, kinds: servers.map(({ close }) => close), cert }).to.deep.equal({ host: '127.0.0.1', kinds: ['silent'], cert: String(certificate.cert) });
    const socket = await connect(servers[0]!.port);
    const ended = once(socket.resume(), 'end');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    expect((await shutdown(socket, { bidirectional: true })).state.received).to.equal('close_notify');
    expect(await exited).to.deep.equal([0, null]);
  });

  it('lists them for people, and tells how each client ended', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--close', 'clean', ...identity], { stdio: ['ignore', 'pipe', 'inherit'] });
    track({ destroy: () => void child.kill('SIGKILL') });
    let text = '';
    const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (let found = pattern.exec(text); ; found = pattern.exec(text)) {
        if (found !== null) return found;
        text += String((await once(child.stdout, 'data'))[0]);
      }
    };
    const [, port] = await until(/ {2}clean +https:\/\/127\.0\.0\.1:(\d+)\/ +close_notify\n[^]*Ctrl-C ends them\.\n/);
    const polite = await connect(Number(port));
    await shutdown(polite.resume(), { bidirectional: true });
    await until(/clean +TLSv1\.3, the client ended by close_notify\n/);
    const rude = await connect(Number(port));
    await shutdown(rude, { quiet: true });
    await until(/clean +TLSv1\.3, the client ended by fin\n/);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
    for (const line of text.split('\n')) expect(line.length, line).to.be.at.most(80);
  });

  it('exits with 1 and says what to do where there is no openssl program', async () => {
    expect(await runProgram(['serve'], { PATH: '' })).to.deep.equal({ status: 1, stdout: '', stderr: 'tls-graceful-shutdown: there is no certificate: give --cert and --key, or install the openssl program, which makes one\n' });
  });

  it('exits with 1 and says so if its port is taken', async () => {
    const running = await serving({ close: 'clean' });
    const { status, stderr, stdout } = await runProgram(['serve', '--close', 'fin', '--port', String(running.servers[0]!.port), ...identity]);
    expect([status, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/^tls-graceful-shutdown: .*EADDRINUSE.*\n$/);
    await running.close();
  });
});
