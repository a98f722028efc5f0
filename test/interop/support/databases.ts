/** Real databases with TLS, each in a folder of its own and at a free port. They are stopped, and their folders removed, by `cleanUp`. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { afterThisTest } from './cleanup.js';
import { CERT_FILE, freePort, KEY_FILE } from './ends.js';

/** What it needs for its files, and for TLS. */
class Home {
  readonly folder: string;
  readonly key: string;
  readonly cert: string;
  /** Run by root, a program becomes that user: PostgreSQL refuses to be root. */
  readonly #user: string;

  constructor(user: string) {
    this.#user = user;
    this.folder = mkdtempSync(join(tmpdir(), `interop-${user}-`));
    afterThisTest(() => rmSync(this.folder, { recursive: true, force: true }));
    this.key = join(this.folder, 'key.pem');
    this.cert = join(this.folder, 'cert.pem');
    copyFileSync(KEY_FILE, this.key);
    copyFileSync(CERT_FILE, this.cert);
    chmodSync(this.key, 0o600);
    if (this.#isRoot) execFileSync('chown', ['-R', `${user}:`, this.folder]);
  }

  get #isRoot(): boolean {
    return process.getuid?.() === 0;
  }

  #child(program: string, args: readonly string[]): Child {
    const become = [`--reuid=${this.#user}`, `--regid=${this.#user}`, '--clear-groups', '--'];
    return this.#isRoot ? new Child('setpriv', [...become, program, ...args]) : new Child(program, args);
  }

  async run(program: string, args: readonly string[]): Promise<void> {
    const child = this.#child(program, args);
    const status = await child.exitStatus();
    if (status !== 0) throw new Error(`${program} ended with ${status}; it printed:\n${child.output}`);
  }

  /** Starts a server, and waits until it says that it is `ready`. `stop` is the signal that ends it in order. */
  async serve(program: string, args: readonly string[], ready: RegExp, stop: NodeJS.Signals): Promise<void> {
    const child = this.#child(program, args);
    afterThisTest(() => child.stop(stop));
    await child.waitFor(ready);
  }
}

/** @returns the port of a PostgreSQL server; its user is `postgres`, without a password */
export async function startPostgres(): Promise<number> {
  const home = new Home('postgres');
  const data = join(home.folder, 'data');
  await home.run('initdb', ['--pgdata', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync']);
  const port = await freePort();
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ssl: 'on', ssl_key_file: home.key, ssl_cert_file: home.cert };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  await home.serve('postgres', ['-D', data, ...args], /database system is ready to accept connections/, 'SIGINT');
  return port;
}

/** @returns the port of a Redis server */
export async function startRedis(): Promise<number> {
  const home = new Home('redis');
  const port = await freePort();
  const tls = ['--port', '0', '--tls-port', `${port}`, '--tls-key-file', home.key, '--tls-cert-file', home.cert, '--tls-ca-cert-file', home.cert, '--tls-auth-clients', 'no'];
  await home.serve('redis-server', [...tls, '--bind', '127.0.0.1', '--dir', home.folder, '--save', ''], /Ready to accept connections/, 'SIGTERM');
  return port;
}

/** @returns the port of a MariaDB server; its user is `root`, without a password */
export async function startMariaDB(): Promise<number> {
  const home = new Home('mysql');
  const data = `--datadir=${join(home.folder, 'data')}`;
  await home.run('mariadb-install-db', ['--no-defaults', data, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']);
  const port = await freePort();
  const address = ['--bind-address=127.0.0.1', `--port=${port}`, `--socket=${join(home.folder, 'socket')}`, '--skip-name-resolve'];
  const args = ['--no-defaults', data, ...address, `--ssl-key=${home.key}`, `--ssl-cert=${home.cert}`, '--innodb-flush-log-at-trx-commit=0'];
  await home.serve('mariadbd', args, /ready for connections/, 'SIGTERM');
  return port;
}
