import type { Http2SecureServer } from 'node:http2';
import type { TLSSocket } from 'node:tls';

export interface Http2Connection {
  readonly socket: TLSSocket;
  drain(): Promise<void>;
}

export function carryHttp2(server: Http2SecureServer, onConnection: (connection: Http2Connection) => void): void {
  server.on('session', (session) => {
    const socket = session.socket.off('x', () => {}) as TLSSocket;
    onConnection({
      socket,
      drain: async () => {
        if (!session.closed && !session.destroyed) session.close();
        await new Promise<void>((resolve) => socket.writableEnded || socket.destroyed ? resolve() : void socket.once('finish', resolve).once('close', resolve));
      },
    });
  });
}
