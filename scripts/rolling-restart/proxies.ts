/**
 * nginx and HAProxy in front of the workers, with TLS on both sides and connections to the workers kept open. They may not send a request again, so each one that
 * a worker loses is answered with 502.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Ports } from './client.js';

export type Route = 'direct' | 'nginx' | 'HAProxy';

/** The way from the clients to the workers. */
export interface Passage {
  readonly ports: Ports;
  /** What the proxy says of requests that it could not deliver, and how often. */
  readonly complaints: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/localhost.${name}.pem`, import.meta.url));

/** Longer than the test: that a proxy closes connections by itself is another story. */
const LONG = '600s';
const MANY = 1_000_000;

interface Proxy {
  readonly command: string;
  args(file: string): string[];
  configuration(folder: string, front: Ports, back: Ports): string;
  /** What a line of its log says, or `undefined` if that is not about a request. */
  complaint(line: string): string | undefined;
}

const nginx: Proxy = {
  command: 'nginx',
  args: (file) => ['-e', 'stderr', '-c', file],
  configuration: (folder, front, back) => `
daemon off; pid ${folder}/pid; error_log stderr error; worker_processes 1; events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_timeout ${LONG}; keepalive_requests ${MANY};
  ssl_certificate ${fixture('cert')}; ssl_certificate_key ${fixture('key')};
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off;
  ${(['http1', 'http2'] as const).map((name) => `
  upstream ${name} { server 127.0.0.1:${back[name]}; keepalive 64; keepalive_timeout ${LONG}; keepalive_requests ${MANY}; }
  server { listen 127.0.0.1:${front[name]} ssl; location / { proxy_pass https://${name}; } }`).join('')}
}`,
  complaint: (line) => /\[(?:error|crit|alert|emerg)\] \S+ (?:\*\d+ )?(.*?)(?:, client: |$)/.exec(line)?.[1],
};

const haproxy: Proxy = {
  command: 'haproxy',
  args: (file) => ['-db', '-f', file],
  configuration: (folder, front, back) => {
    writeFileSync(join(folder, 'identity.pem'), ['cert', 'key'].map((name) => readFileSync(fixture(name), 'utf8')).join('\n'));
    return `
global
  log stdout format raw daemon
  nbthread 1
defaults
  mode http
  log global
  log-format "answered %ST, %ts"
  option dontlog-normal
  retries 0
  timeout connect 5s
  timeout client ${LONG}
  timeout server ${LONG}
${(['http1', 'http2'] as const).map((name) => `
listen ${name}
  bind 127.0.0.1:${front[name]} ssl crt ${folder}/identity.pem alpn http/1.1
  http-reuse always
  server workers 127.0.0.1:${back[name]} ssl verify none alpn http/1.1`).join('')}
`;
  },
  complaint: (line) => (/^answered .*, [^C]|ALERT/.test(line) ? line : undefined), // C: the client has gone, which counts that itself
};

async function freePorts(): Promise<Ports> {
  const servers = [net.createServer().listen(0, '127.0.0.1'), net.createServer().listen(0, '127.0.0.1')];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const [http1, http2] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return { http1: http1!, http2: http2! };
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function startProxy({ command, args, configuration, complaint }: Proxy, back: Ports): Promise<Passage> {
  const folder = mkdtempSync(join(tmpdir(), 'rolling-restart-'));
  const file = join(folder, 'configuration');
  const ports = await freePorts();
  writeFileSync(file, configuration(folder, ports, back));
  const child = spawn(command, args(file), { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const complaints: Record<string, number> = {};
  const hear = (line: string): void => {
    const said = complaint(line);
    if (said !== undefined) complaints[said] = (complaints[said] ?? 0) + 1;
  };
  for (const output of [child.stdout, child.stderr]) readline.createInterface(output).on('line', hear);
  const closed = once(child, 'close');
  while (!(await accepts(ports.http1)) || !(await accepts(ports.http2))) {
    if (child.exitCode !== null) throw new Error(`${command} did not start: ${Object.keys(complaints).join('; ')}`);
    await setTimeout(20);
  }
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await closed;
    rmSync(folder, { recursive: true });
  };
  return { ports, complaints, stop };
}

export async function startRoute(route: Route, ports: Ports): Promise<Passage> {
  if (route === 'direct') return { ports, complaints: {}, stop: async () => {} };
  return startProxy(route === 'nginx' ? nginx : haproxy, ports);
}
