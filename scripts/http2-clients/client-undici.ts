/** undici: `client-undici.js PORT undici-7` or `undici-8`. */
import { run } from './loops.js';
import { PATIENCE, load } from './shared.js';

interface Undici {
  Agent: new (options: object) => object;
  request(url: string, options: object): Promise<{ body: { arrayBuffer(): Promise<ArrayBuffer> } }>;
}

const [, , port, name = ''] = process.argv;
const { Agent, request } = load<Undici>(name);
const dispatcher = new Agent({ allowH2: true, connect: { rejectUnauthorized: false }, headersTimeout: PATIENCE, bodyTimeout: PATIENCE });

await run(async (path, body) => {
  const answer = await request(`https://localhost:${port}${path}`, { dispatcher, method: body === undefined ? 'GET' : 'POST', body: body ?? null });
  return (await answer.body.arrayBuffer()).byteLength;
});
