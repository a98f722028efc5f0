/** An HTTPS server that clients ask something. It takes its time. */
import { once } from 'node:events';
import https from 'node:https';
import { certificate, listen } from './local.js';

export interface Origin {
  readonly url: string;
  /** Its certificate, for clients to trust. */
  readonly ca: string;
  /** Resolves when it has been asked. */
  asked(): Promise<unknown>;
  close(): void;
}

/** Answers `answer`, after 100 ms. */
export async function startOrigin(): Promise<Origin> {
  const identity = await certificate();
  const server = https.createServer(identity, (_request, response) => void setTimeout(() => response.end('answer'), 100));
  const port = await listen(server);
  return { url: `https://localhost:${port}/`, ca: identity.cert, asked: () => once(server, 'request'), close: () => void server.close() };
}
