/** A client that asks once, keeps its connection, and ends it when the server does. */
import { once } from 'node:events';
import tls from 'node:tls';

/** @param end how it ends its side: nginx, Python and browsers do it by a bare FIN */
export async function visit(port: number, ca: string, end: 'close_notify' | 'fin'): Promise<void> {
  const options: tls.ConnectionOptions & { allowHalfOpen: boolean } = { host: '127.0.0.1', port, servername: 'localhost', ca, allowHalfOpen: true };
  const socket = tls.connect(options);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  socket.once('end', () => (end === 'fin' ? socket.destroy() : socket.end()));
  await once(socket, 'data');
}
