/** Node's own client, with keep-alive. */
import https from 'node:https';
import { PATIENCE, count, keepLoading, type Ports, type Send } from './client.js';

class CountingAgent extends https.Agent {
  override createConnection(...args: Parameters<https.Agent['createConnection']>): ReturnType<https.Agent['createConnection']> {
    return count(super.createConnection(...args));
  }
}

const agent = new CountingAgent({ keepAlive: true, rejectUnauthorized: false });

const send: Send = ({ path, upload, port }) =>
  new Promise((resolve, reject) => {
    const request = https.request({ agent, host: '127.0.0.1', port, path, method: upload === undefined ? 'GET' : 'POST' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.setTimeout(PATIENCE, () => request.destroy(new Error('no answer')));
    request.end(upload);
  });

export const run = ({ http1, http2 }: Ports): Promise<void> => keepLoading(send, [http1, http2]);
