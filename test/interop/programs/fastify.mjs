/** Fastify as an ES module, with `http2` for that and HTTP/1 on one port. At SIGTERM it closes itself, and answers with 503 meanwhile, without `serves`. */
import Fastify from 'fastify';
import { held, identity, say } from './common.cjs';

const app = Fastify({ return503OnClosing: !process.argv.includes('serves'), http2: process.argv.includes('http2'), https: { ...identity, allowHTTP1: true } });
app.get('/later', async () => {
  await held();
  return 'the end';
});
app.get('/', async () => 'the end');
await app.listen({ port: 0, host: '127.0.0.1' });
say(`listening ${app.server.address().port}`);
process.once('SIGTERM', async () => {
  await app.close();
  say('closed');
});
