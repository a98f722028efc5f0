/** undici, which `fetch` is made of. */
import type { TLSSocket } from 'node:tls';
import { PATIENCE, count, countReset, keepLoading, type Ports, type Send } from './client.js';
import { fromBench } from './shared.js';

type Connected = (error: Error | null, socket: TLSSocket | null) => void;
interface Undici {
  buildConnector(options: object): (options: object, callback: Connected) => void;
  Agent: new (options: object) => object;
  request(url: string, options: object): Promise<{ body: { arrayBuffer(): Promise<ArrayBuffer> } }>;
}

const { Agent, buildConnector, request } = fromBench('undici') as Undici;
const connector = buildConnector({ timeout: PATIENCE, rejectUnauthorized: false });
const connect = (options: object, callback: Connected): void =>
  connector(options, (error, socket) => {
    countReset(error);
    callback(error, socket && count(socket));
  });
const dispatcher = new Agent({ connect, headersTimeout: PATIENCE, bodyTimeout: PATIENCE });

const send: Send = async ({ path, upload, port }) => {
  const { body } = await request(`https://127.0.0.1:${port}${path}`, { dispatcher, method: upload === undefined ? 'GET' : 'POST', body: upload ?? null });
  return Buffer.from(await body.arrayBuffer());
};

export const run = ({ http1, http2 }: Ports): Promise<void> => keepLoading(send, [http1, http2]);
