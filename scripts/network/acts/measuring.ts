/** What the link does to plain TCP: the condition as the ends meet it, not as it was ordered. */
import { once } from 'node:events';
import net from 'node:net';
import { connectTcp, listen } from './sockets.js';

export interface Measured {
  /** Milliseconds to connect, which is one round trip, or more where a packet was lost. */
  readonly roundTrips: number[];
  readonly milliseconds: number;
}

let server: net.Server | undefined;

/** Counts what comes on a connection, and says so at its end. */
export async function listenAndCount(_none: undefined): Promise<number> {
  server = net.createServer({ allowHalfOpen: true }, (socket) => {
    let length = 0;
    socket.on('data', (chunk) => (length += chunk.length)).on('end', () => socket.end(String(length)));
  });
  return await listen(server);
}

export async function stopCounting(_none: undefined): Promise<void> {
  server!.close();
  await once(server!, 'close');
  server = undefined;
}

async function roundTrip(port: number): Promise<number> {
  const began = performance.now();
  const socket = await connectTcp(port);
  const milliseconds = performance.now() - began;
  socket.resume().end();
  await once(socket, 'close');
  return milliseconds;
}

export async function measure({ port, length }: { port: number; length: number }): Promise<Measured> {
  const roundTrips = await Promise.all(Array.from({ length: 5 }, () => roundTrip(port)));
  const socket = await connectTcp(port);
  const began = performance.now();
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString())).end(Buffer.alloc(length));
  await once(socket, 'close');
  if (answer !== String(length)) throw new Error(`the other end has counted ${answer} of ${length} bytes`);
  return { roundTrips, milliseconds: performance.now() - began };
}
