/** Servers that people run, started so that a probe can ask them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drainable } from '../../../src/index.js';
import { probe, type ProbeAnswer, type ProbeOptions, type Question } from '../../../src/probe/index.js';
import { EXIT_STATUS } from '../../../src/probe/cli/status.js';
import { Child } from './child.js';
import { afterThisTest } from './cleanup.js';
import { startMariaDB, startPostgres, startRedis } from './databases.js';
import { CERT_FILE, freePort, fromRoot, KEY_FILE } from './ends.js';
import { programEnvironment, type Program } from './programs.js';

/** A server, and how it is asked besides its host, its port and `--insecure`. */
export interface Probed {
  readonly name: string;
  readonly needs: readonly Program[];
  /** In the words of the command line. */
  readonly command: string;
  readonly options: Partial<ProbeOptions>;
  /** Starts it, and gives its port. */
  start(): Promise<number>;
}

/** Milliseconds: longer than what each server is told to keep an idle connection. */
const IDLE = { command: '--idle 8', options: { idle: 8000 } };

interface Place {
  readonly folder: string;
  readonly port: number;
  /** A file beside this one, filled in. */
  file(name: string, words?: Readonly<Record<string, string>>): string;
}

async function place(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'probed-'));
  chmodSync(folder, 0o755); // some servers give root up
  afterThisTest(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  copyFileSync(CERT_FILE, cert);
  copyFileSync(KEY_FILE, key);
  chmodSync(key, 0o600);
  const file = (name: string, words: Readonly<Record<string, string>> = {}): string => {
    const all: Readonly<Record<string, string>> = { PORT: `${port}`, FOLDER: folder, CERT: cert, KEY: key, ...words };
    const path = join(folder, name);
    writeFileSync(path, readFileSync(fromRoot(`test/interop/peers/probed/${name}`), 'utf8').replace(/\b[A-Z]+\b/g, (word) => all[word] ?? word));
    return path;
  };
  return { folder, port, file };
}

/** Until it listens. */
async function listening(port: number, child: Child): Promise<void> {
  afterThisTest(() => child.stop('SIGTERM'));
  for (;;) {
    if (child.hasEnded) throw new Error(`it ended:\n${child.output}`);
    const socket = net.connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function userId(name: string): [uid: number, gid: number] {
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

async function program(name: Program | '/usr/lib/postfix/sbin/master', args: (place: Place) => readonly string[], prepare: (place: Place) => void = () => {}): Promise<number> {
  const at = await place();
  prepare(at);
  await listening(at.port, new Child(name, args(at)));
  return at.port;
}

async function ofNode(server: https.Server | http2.Http2SecureServer, drains = false): Promise<number> {
  if (drains) drainable(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const identity = { cert: readFileSync(CERT_FILE), key: readFileSync(KEY_FILE) };
const page: http.RequestListener = (_request, response) => response.end('page');
const httpsServer = (): https.Server => https.createServer({ ...identity, keepAliveTimeout: 1000 }, page);

export const PROBED: readonly Probed[] = [
  { name: 'nginx', needs: ['nginx'], ...IDLE, start: () => program('nginx', ({ folder, file }) => ['-p', folder, '-e', 'stderr', '-c', file('nginx.conf'), '-g', 'master_process off;']) },
  { name: 'nginx, HTTP/2', needs: ['nginx'], command: '--alpn h2 --idle 8', options: { ...IDLE.options, alpn: ['h2'] }, start: () => PROBED[0]!.start() },
  {
    name: 'Apache',
    needs: ['apache2'],
    ...IDLE,
    start: () => program('apache2', ({ file }) => ['-X', '-f', file('apache.conf')], ({ folder }) => writeFileSync(join(folder, 'index.html'), 'page')),
  },
  {
    name: 'HAProxy',
    needs: ['haproxy'],
    ...IDLE,
    start: () =>
      program('haproxy', ({ folder, file }) => {
        const pem = join(folder, 'both.pem');
        writeFileSync(pem, `${String(identity.cert)}\n${String(identity.key)}`);
        return ['-db', '-f', file('haproxy.cfg', { PEM: pem })];
      }),
  },
  {
    name: 'lighttpd',
    needs: ['lighttpd'],
    ...IDLE,
    start: () => program('lighttpd', ({ file }) => ['-D', '-f', file('lighttpd.conf')], ({ folder }) => writeFileSync(join(folder, 'index.html'), 'page')),
  },
  {
    name: 'stunnel, before an HTTP server',
    needs: ['stunnel'],
    ...IDLE,
    start: async () => {
      const backend = http.createServer({ keepAliveTimeout: 1000 }, page).listen(0, '127.0.0.1');
      await once(backend, 'listening');
      afterThisTest(() => {
        backend.close();
        backend.closeAllConnections();
      });
      return program('stunnel', ({ file }) => [file('stunnel.conf', { BACKEND: `${(backend.address() as AddressInfo).port}` })]);
    },
  },
  { name: 'OpenSSL `s_server -www`', needs: ['openssl'], command: '', options: {}, start: () => program('openssl', ({ port }) => ['s_server', '-accept', `${port}`, '-cert', CERT_FILE, '-key', KEY_FILE, '-www']) },
  { name: 'GnuTLS `gnutls-serv --http`', needs: ['gnutls-serv'], command: '', options: {}, start: () => program('gnutls-serv', ({ port }) => ['--http', '--x509keyfile', KEY_FILE, '--x509certfile', CERT_FILE, '--port', `${port}`]) },
  {
    name: 'Go `net/http`',
    needs: ['go'],
    ...IDLE,
    start: async () => {
      const at = await place();
      const built = join(at.folder, 'server');
      execFileSync('go', ['build', '-o', built, at.file('server.go')], { env: programEnvironment() });
      await listening(at.port, new Child(built, [String(at.port), CERT_FILE, KEY_FILE]));
      return at.port;
    },
  },
  {
    name: 'Java `HttpsServer`',
    needs: ['java', 'openssl'],
    ...IDLE,
    start: () =>
      program('java', ({ folder, port, file }) => {
        const store = join(folder, 'store.p12');
        execFileSync('openssl', ['pkcs12', '-export', '-in', CERT_FILE, '-inkey', KEY_FILE, '-out', store, '-passout', 'pass:password']);
        return [file('Server.java'), `${port}`, store];
      }),
  },
  { name: 'Python `http.server`', needs: ['python3'], ...IDLE, start: () => program('python3', ({ port, file }) => [file('server.py'), `${port}`, CERT_FILE, KEY_FILE]) },
  {
    name: 'Postfix',
    needs: ['postconf'],
    command: '--starttls smtp',
    options: { starttls: 'smtp' },
    start: () =>
      program('/usr/lib/postfix/sbin/master', ({ folder }) => ['-c', folder, '-d'], ({ folder, file }) => {
        copyFileSync(file('postfix-main.cf'), join(folder, 'main.cf'));
        copyFileSync(file('postfix-master.cf'), join(folder, 'master.cf'));
        for (const name of ['spool', 'spool/pid']) mkdirSync(join(folder, name));
        for (const name of ['data', 'spool/private', 'spool/public']) {
          mkdirSync(join(folder, name), 0o700);
          chownSync(join(folder, name), ...userId('postfix'));
        }
      }),
  },
  { name: 'Dovecot', needs: ['dovecot'], command: '--starttls imap', options: { starttls: 'imap' }, start: () => program('dovecot', ({ file }) => ['-F', '-c', file('dovecot.conf')], ({ folder }) => mkdirSync(join(folder, 'run'))) },
  { name: 'vsftpd', needs: ['vsftpd'], command: '--starttls ftp', options: { starttls: 'ftp' }, start: () => program('vsftpd', ({ file }) => [file('vsftpd.conf')], ({ folder }) => mkdirSync(join(folder, 'empty'))) },
  { name: 'PostgreSQL', needs: ['postgres'], command: '--starttls postgres', options: { starttls: 'postgres' }, start: startPostgres },
  { name: 'Redis', needs: ['redis-server'], command: "--send 'QUIT\\r\\n'", options: { send: 'QUIT\r\n' }, start: startRedis },
  { name: 'MariaDB', needs: ['mariadbd'], command: '--starttls mysql', options: { starttls: 'mysql' }, start: startMariaDB },
  { name: '`https.Server`', needs: [], ...IDLE, start: () => ofNode(httpsServer()) },
  { name: '`https.Server`, drainable', needs: [], ...IDLE, start: () => ofNode(httpsServer(), true) },
  { name: '`http2` server', needs: [], command: '--alpn h2', options: { alpn: ['h2'] }, start: () => ofNode(http2.createSecureServer(identity, (_request, response) => response.end('page'))) },
];

const QUESTIONS: readonly Question[] = ['we-close', 'half-close', 'it-closes', 'quiet', 'idle'];

/** Asks a server that runs, and gives what the table says of it: its options, a cell for each question, the exit status. */
export async function rowOf({ options, command }: Probed, port: number): Promise<string[]> {
  const { answers, verdict } = await probe({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  return [command === '' ? '' : `\`${command}\``, ...QUESTIONS.map((question) => cell(answers.filter((answer) => answer.question === question))), String(EXIT_STATUS[verdict])];
}

function cell(answers: readonly ProbeAnswer[]): string {
  const said = answers.map((answer) => ({ version: answer.version.slice(-3), says: inShort(answer) }));
  if (said.length === 0) return '-';
  return said.every(({ says }) => says === said[0]!.says) ? said[0]!.says : said.map(({ version, says }) => `${version}: ${says}`).join(', ');
}

function inShort({ end, detail = '' }: ProbeAnswer): string {
  if (end === 'alert') return `alert \`${/^\w+/.exec(detail)?.[0]}\``;
  const whole = detail.endsWith('not whole') ? ', not whole' : '';
  return end === 'close_notify' ? `\`close_notify\`${whole}` : `${end}${whole}`;
}
