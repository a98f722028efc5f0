/** smtp-server with TLS from the first byte, which makes its TLS sockets itself, over a plain server; or by STARTTLS. */
const { SMTPServer } = require('smtp-server');
const { identity, say } = require('./common.cjs');

const server = new SMTPServer({
  ...identity,
  secure: !process.argv.includes('starttls'),
  authOptional: true,
  onData(stream, _session, callback) {
    stream.resume().on('end', () => callback());
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => say(`listening ${server.server.address().port}`));
