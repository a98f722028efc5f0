/**
 * A program that drains by itself, too. It writes `listening PORT`, `drained REPORT` for each report, and what it sees.
 *
 * arguments: `early` to make its server drainable before it listens, or else after; `signals=A,B` for drainOnSignal, `none` not to call it
 */
const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const { drainOnSignal, drainable } = require('tls-graceful-shutdown');

const args = process.argv.slice(2);
const say = (line) => void process.stdout.write(`${line}\n`);
const server = https.createServer({ key: fs.readFileSync('fixtures/localhost.key.pem'), cert: fs.readFileSync('fixtures/localhost.cert.pem') }, (_request, response) => response.end('the end'));
server.on('upgrade', (_request, socket) => void socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'));

const make = () => drainable(server, { idleGrace: 0, finish: (socket) => void socket.write('goodbye by drainable') });
const begin = (draining) => {
  const signals = args.find((arg) => arg.startsWith('signals='))?.slice(8).split(',');
  if (!args.includes('none')) {
    drainOnSignal(draining, {
      ...(signals === undefined ? {} : { signals }),
      ...(args.includes('finish') ? { finish: (socket) => void socket.write('goodbye by drainOnSignal') } : {}),
      onDrained: (report) => say(`drained ${JSON.stringify(report)}`),
    });
  }
};

const early = args.includes('early') ? make() : undefined;
if (early !== undefined) begin(early);
server.listen(0, '127.0.0.1', () => {
  const draining = make();
  if (early !== undefined) assert.equal(draining, early);
  else begin(draining);
  say(`listening ${server.address().port}`);
});
process.on('exit', (code) => say(`exit ${code}`));
