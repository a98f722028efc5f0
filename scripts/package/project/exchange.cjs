// What each of these programs does with the package, however it got hold of it: a two-way shutdown with a server of its own, and one that is refused.
// Node's modules not by `require`: esbuild can't put that into ESM.
const [{ once }, { readFileSync }, { join }, tls] = ['events', 'fs', 'path', 'tls'].map((name) => process.getBuiltinModule(`node:${name}`));

/** @param package_ its names @param folder that has the certificate: a bundled program is somewhere else */
const exchange = async ({ TlsShutdownError, drainable, getShutdownError, gracefulShutdown, watch }, folder = __dirname) => {
  const [key, cert] = ['key', 'cert'].map((kind) => readFileSync(join(folder, `localhost.${kind}.pem`)));
  const server = tls.createServer({ key, cert }, (socket) => socket.resume());
  const draining = drainable(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = watch(tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost', ca: cert }));
  const early = await gracefulShutdown(socket);
  const error = getShutdownError(socket);
  await once(socket, 'secureConnect');
  const value = await gracefulShutdown(socket, { bidirectional: true });
  const { total } = await draining.drain();
  return { early, code: error instanceof TlsShutdownError && error.code, value, drained: total <= 1 };
};

const expected = { early: -1, code: 'ERR_TLS_SHUTDOWN_IN_HANDSHAKE', value: 1, drained: true };

module.exports = { exchange, expected };
