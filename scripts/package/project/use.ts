// Compiled in every mode of TypeScript that Node's programs use, as CommonJS and as ESM.
import * as https from 'node:https';
import * as tls from 'node:tls';
import { drainable, drainOnSignal, gracefulShutdown, getShutdownError, unwrap, watch, wrap, TlsShutdownError } from 'tls-graceful-shutdown';
import type { DrainReport, ShutdownErrorCode, ShutdownMessage, ShutdownReturn } from 'tls-graceful-shutdown';
import { probe, serve } from 'tls-graceful-shutdown/probe';
import type { ProbeReport, Question, Serving } from 'tls-graceful-shutdown/probe';

export const ask = (): Promise<ProbeReport> => probe({ host: 'localhost', questions: ['we-close', 'idle'], idle: 1000, ca: Buffer.alloc(1) });
// @ts-expect-error not a question
export const question: Question = 'close';
export const start = (): Promise<Serving> => serve({ close: 'late-data' });

const socket = watch(tls.connect({ port: 1 }));
socket.on('error', () => {});
const value: Promise<ShutdownReturn> = gracefulShutdown(socket, { bidirectional: true, timeout: 1000 });
const code: ShutdownErrorCode | undefined = getShutdownError(socket)?.code;
// @ts-expect-error an unknown option value
const refused = gracefulShutdown(socket, { unread: 'drop' }).catch((error: { code: string }) => error.code);
// @ts-expect-error no socket of TLS
export const plain = (): Promise<unknown> => gracefulShutdown(unwrap(wrap(socket, { servername: 'x' }), { timeout: 1000 }));
// @ts-expect-error not a number: a type of ours that is `any` would let it pass
export const message = ({ socket: { destroyed } }: ShutdownMessage): number => destroyed;
const server = drainable(https.createServer(), { idleGrace: 1000 });
const report: Promise<DrainReport> = server.drain({ finish: (each) => void each.end() });
drainOnSignal(server, { onDrained: ({ oneWay }) => void oneWay.toFixed() })[Symbol.dispose]();

void Promise.all([value, refused, report]).then(([early, error, { total }]) => {
  const error2 = getShutdownError(socket);
  console.log(early, error, total, code ?? (error2 instanceof TlsShutdownError && error2.code));
});
