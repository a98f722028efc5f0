/**
 * The sockets of clients that keep theirs to themselves: every TLS connection that the program opens as a client, to whatever server. Import it before the packages
 * that connect. Those that have taken `connect` out of `tls` by name before are not seen.
 */
import tls, { type TLSSocket } from 'node:tls';

export const clientSockets = new Set<TLSSocket>();

const { connect } = tls;
Object.assign(tls, {
  connect: (...given: Parameters<typeof connect>) => {
    const socket = connect(...given);
    clientSockets.add(socket);
    return socket.once('close', () => clientSockets.delete(socket));
  },
});
