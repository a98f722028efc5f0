import { expect } from 'chai';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Child } from './support/child.js';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { BOTH_ALERTS, CERT_FILE, close, connect, freePort, fromRoot, KEY_FILE, listen, ONE_STEP, readToEnd, TRUNCATED, VERSIONS, type Version } from './support/ends.js';
import { requirePrograms } from './support/programs.js';

interface Nginx {
  readonly peer: Child;
  readonly port: number;
  /** A plain HTTP port, behind which our server is. */
  readonly proxy: number;
}

async function startNginx(version: Version, upstream = 1): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'interop-nginx-'));
  afterThisTest(() => rmSync(folder, { recursive: true }));
  const port = await freePort();
  const proxy = await freePort();
  const words: Readonly<Record<string, string>> = { PORT: `${port}`, PROXY: `${proxy}`, UPSTREAM: `${upstream}`, VERSION: version, KEY: KEY_FILE, CERT: CERT_FILE, FOLDER: folder };
  const configuration = readFileSync(fromRoot('test/interop/peers/nginx.conf'), 'utf8').replace(/\b[A-Z]+\b/g, (word) => words[word] ?? word);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration);
  const peer = new Child('nginx', ['-p', folder, '-e', 'stderr', '-c', file, '-g', 'master_process off;']);
  await peer.waitFor(/using the "epoll" event method[^]*start|OS: Linux[^]*?getrlimit/);
  return { peer, port, proxy };
}

/** Asks for a page, and waits until it is here. */
async function request(socket: TLSSocket, path: string, header = ''): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`);
  let answer = '';
  while (!answer.endsWith('page')) answer += String((await once(socket, 'data'))[0]);
  return answer;
}

describe('nginx', () => {
  before(() => requirePrograms('nginx'));
  afterEach(cleanUp);

  for (const version of VERSIONS) {
    for (const bidirectional of [true, false]) {
      it(`${bidirectional ? '' : '0, then '}-1 (ERR_TLS_SHUTDOWN_TRUNCATED): nginx reads our alert on a kept-alive connection and answers with a bare FIN, ${version}`, async () => {
        const { port } = await startNginx(version);
        const socket = await connect(port, version);
        await request(socket, '/patient');
        socket.resume();
        if (!bidirectional) expect(await close(socket)).to.deep.equal(ONE_STEP);
        expect(await close(socket, { bidirectional })).to.deep.equal(TRUNCATED);
      });
    }

    it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): nginx reads our alert before any request and answers with a bare FIN, ${version}`, async () => {
      const { port } = await startNginx(version);
      const socket = await connect(port, version);
      expect(await close(socket.resume(), { bidirectional: true })).to.deep.equal(TRUNCATED);
    });

    it(`1: nginx closes after the answer, as it was asked to, ${version}`, async () => {
      const { port } = await startNginx(version);
      const socket = await connect(port, version);
      await request(socket, '/', 'Connection: close\r\n');
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    });

    it(`1: nginx closes an idle connection, ${version}`, async () => {
      const { port } = await startNginx(version);
      const socket = await connect(port, version);
      await request(socket, '/');
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
    });

    it(`1: nginx as a proxy has our whole answer, counted by its Content-Length, and closes, ${version}`, async () => {
      const { port, accept } = await listen(version);
      const { proxy } = await startNginx(version, port);
      const answer = fetch(`http://127.0.0.1:${proxy}/`, { headers: { connection: 'close' } });
      const socket = await accept();
      await once(socket, 'data');
      socket.write('HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npage');
      await readToEnd(socket);
      expect(await close(socket, { bidirectional: true })).to.deep.equal(BOTH_ALERTS);
      expect(await (await answer).text()).to.equal('page');
    });

    it(`-1 (ERR_TLS_SHUTDOWN_TRUNCATED): nginx as a proxy reads our answer up to our alert and answers with a bare FIN, ${version}`, async () => {
      const { port, accept } = await listen(version);
      const { proxy } = await startNginx(version, port);
      const answer = fetch(`http://127.0.0.1:${proxy}/`, { headers: { connection: 'close' } });
      const socket = await accept();
      await once(socket, 'data');
      socket.resume().write('HTTP/1.0 200 OK\r\n\r\npage');
      expect(await close(socket, { bidirectional: true })).to.deep.equal(TRUNCATED);
      expect(await (await answer).text()).to.equal('page');
    });
  }
});
