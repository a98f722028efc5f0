/**
 * A program that knows nothing of draining, in CommonJS. It writes `listening PORT`, `stopped` when its server listens no more, and `request` for each to
 * /later, which is answered at SIGUSR2.
 *
 * arguments, for another server than HTTPS: `kind=http|http2|h2c|tls|net`; `kind=own` for a plain one that makes its TLS sockets; `kind=handed` for one that hands
 * them to an HTTP server; `kind=shared` for one that hands its connections to an HTTPS server
 *
 * for a handler of SIGTERM: `handler=close|exit` closes the server, or exits with 3 when it is closed; `handler=once` hears of one signal, and exits with 5 some time
 * after the close; `handler=twice` exits with 4 at the second one; `handler=again` sends the signal again, as Nest does, when another server is closed;
 * `handler=signal-exit` ends the process by the signal if nobody else listens for it
 *
 * `unref`; `counts` to write the number of listeners for SIGTERM before, while and after it listens, and end; `second` for another server that begins to listen when
 * the first one has stopped; `workers=N` for a cluster, `refork=always|guarded` for a primary that starts a worker for each that exits, `pids` to write those of
 * workers, and `told` when the primary is
 */
const cluster = require('node:cluster');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

const args = process.argv.slice(2);
const valueOf = (name) => args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
const say = (line) => void process.stdout.write(`${line}\n`);
const identity = { key: fs.readFileSync('fixtures/localhost.key.pem'), cert: fs.readFileSync('fixtures/localhost.cert.pem') };

const held = [];
const app = (request, response) => {
  if (request.url !== '/later') return void response.end('the end');
  held.push(() => response.end('the end'));
  say('request');
};

function makeServer(kind) {
  if (kind === 'http') return http.createServer(app);
  if (kind === 'tls') return tls.createServer(identity, (socket) => void socket.resume().write('hello'));
  if (kind === 'net') return net.createServer((socket) => void socket.resume().write('hello'));
  if (kind === 'http2') return http2.createSecureServer(identity, app);
  if (kind === 'h2c') return http2.createServer(app);
  if (kind === 'own') return net.createServer((raw) => void secure(raw).resume().write('hello'));
  if (kind === 'handed') return handOver(http.createServer(app), secure);
  if (kind === 'shared') return handOver(https.createServer(identity, app), (raw) => raw);
  return https.createServer(identity, app);
}

function secure(raw) {
  return new tls.TLSSocket(raw, { isServer: true, ...identity });
}

function handOver(to, make) {
  return net.createServer((raw) => void to.emit('connection', make(raw)));
}

/** As the package signal-exit does. */
function endBySignalIfAlone() {
  const listener = () => {
    if (process.listenerCount('SIGTERM') > 1) return;
    process.off('SIGTERM', listener);
    process.kill(process.pid, 'SIGTERM');
  };
  Object.defineProperty(globalThis, Symbol.for('signal-exit emitter'), { value: { count: 1 } });
  process.on('SIGTERM', listener);
}

function sendAgainWhenClosed(other) {
  process.once('SIGTERM', () => {
    other.close(() => {
      process.kill(process.pid, 'SIGTERM');
      say('sent again');
    });
  });
}

function handle(handler, server) {
  if (handler === 'close') process.on('SIGTERM', () => server.close(() => say('closed')));
  if (handler === 'exit') process.on('SIGTERM', () => server.close(() => process.exit(3)));
  if (handler === 'once') process.once('SIGTERM', () => server.close(() => setTimeout(() => process.exit(5), 50)));
  if (handler === 'twice') process.once('SIGTERM', () => (server.close(), process.on('SIGTERM', () => process.exit(4))));
  if (handler === 'again') sendAgainWhenClosed(http.createServer(app).listen(0, '127.0.0.1'));
  if (handler === 'signal-exit') endBySignalIfAlone();
}

/** Nothing of this is seen from the process, and it keeps nothing alive. */
function whenStopped(server, run) {
  const timer = setInterval(() => {
    if (server.listening) return;
    clearInterval(timer);
    run();
  }, 2).unref();
}

function serve() {
  const server = makeServer(valueOf('kind') ?? 'https');
  const counts = args.includes('counts') ? () => say(`listeners ${process.listenerCount('SIGTERM')}`) : () => {};
  handle(valueOf('handler'), server);
  counts();
  server.listen(0, '127.0.0.1', () => {
    counts();
    say(`listening ${server.address().port}`);
    if (args.includes('pids')) say(`pid ${process.pid}`);
    if (args.includes('unref')) server.unref();
    if (args.includes('counts')) return cluster.isWorker ? process.once('SIGUSR2', () => cluster.worker.kill()) : server.close(counts);
    whenStopped(server, () => {
      say('stopped');
      if (args.includes('second')) serveSecond();
    });
  });
  process.on('SIGUSR2', () => held.splice(0).forEach((answer) => answer()));
}

function serveSecond() {
  const second = makeServer('https').listen(0, '127.0.0.1', () => {
    say('second');
    whenStopped(second, () => say('second stopped'));
  });
}

/** The primary marks its workers when it is told to end. */
function whenTold(worker) {
  const timer = setInterval(() => {
    if (worker.exitedAfterDisconnect !== true) return;
    clearInterval(timer);
    say('told');
  }, 2).unref();
}

function start(count) {
  const counts = () => args.includes('counts') && say(`primary ${process.listenerCount('SIGTERM')}`);
  cluster.on('listening', () => process.nextTick(counts));
  cluster.on('exit', (worker, code, signal) => {
    say(`worker ${signal ?? code}, ${worker.exitedAfterDisconnect}`);
    process.nextTick(counts);
    if (valueOf('refork') === 'always' || (valueOf('refork') === 'guarded' && !worker.exitedAfterDisconnect)) cluster.fork();
  });
  for (let i = 0; i < count; i++) cluster.fork();
  if (args.includes('pids')) whenTold(Object.values(cluster.workers)[0]);
  process.on('SIGUSR2', () => Object.values(cluster.workers).forEach((worker) => worker.process.kill('SIGUSR2')));
}

if (valueOf('workers') !== undefined && cluster.isPrimary) start(Number(valueOf('workers')));
else serve();
