/** Express in CommonJS, without a handler of signals. */
const https = require('node:https');
const express = require('express');
const { held, identity, say } = require('./common.cjs');

const app = express();
app.get('/later', async (_request, response) => {
  await held();
  response.send('the end');
});
app.get('/', (_request, response) => void response.send('the end'));
const server = https.createServer(identity, app).listen(0, '127.0.0.1', () => say(`listening ${server.address().port}`));
