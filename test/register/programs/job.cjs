/**
 * Programs that end by themselves, and have nothing to drain.
 *
 * arguments: `sleep` to wait for a signal; `fail` to throw; `build` to serve and ask itself, as a build's test does; `ipc` to answer its parent's first message, which it
 * listens for late; `worker` to serve in a worker thread
 */
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');

const args = process.argv.slice(2);
const say = (line) => void process.stdout.write(`${line}\n`);

function serve(done) {
  const identity = { key: fs.readFileSync('fixtures/localhost.key.pem'), cert: fs.readFileSync('fixtures/localhost.cert.pem') };
  const server = https.createServer(identity, (_request, response) => response.end('the end'));
  server.listen(0, '127.0.0.1', () => done(server));
}

function ask(server, done) {
  https.get({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false }, (response) => {
    say(`connection ${response.headers.connection}`);
    response.resume().on('end', done);
  });
}

if (!isMainThread) {
  serve((server) => ask(server, () => {
    const own = ['close', 'drain', 'emit'].filter((name) => Object.hasOwn(server, name));
    parentPort.postMessage(`own properties: ${own.join()}`);
    server.close();
  }));
} else if (args.includes('worker')) {
  new Worker(__filename).on('message', say).on('exit', (code) => say(`worker ${code}, ${process.listenerCount('SIGTERM')} listeners`));
} else if (args.includes('sleep')) {
  setInterval(() => {}, 1000);
  say('listening to nothing');
} else if (args.includes('fail')) {
  serve(() => {
    throw new Error('failed');
  });
} else if (args.includes('build')) {
  serve((server) => ask(server, () => server.close(() => say('built'))));
} else if (args.includes('ipc')) {
  serve((server) => {
    process.send('listening');
    ask(server, () => process.once('message', (message) => {
      say(`message ${JSON.stringify(message)}`);
      server.close();
    }));
  });
}
