// What somebody writes who has an Express application and a certificate.
import https from 'node:https';
import { readFileSync } from 'node:fs';
import express from 'express';
import { drainable, drainOnSignal } from 'tls-graceful-shutdown';

const app = express();
app.get('/', (request, response) => {
  console.log('answering');
  setTimeout(() => response.send('hello'), 500);
});

const server = https.createServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }, app);
drainOnSignal(drainable(server), { onDrained: (report) => console.log('drained', JSON.stringify(report)) });
server.listen(8443, () => console.log('listening'));
