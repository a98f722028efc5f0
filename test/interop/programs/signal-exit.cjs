/** A server in a program that has signal-exit, both versions, as most have that do anything with files or terminals. */
const https = require('node:https');
const { onExit } = require('signal-exit');
const onExit3 = require('signal-exit-3');
const { held, identity, say } = require('./common.cjs');

if (process.argv.includes('4')) onExit((code, signal) => say(`exit of 4: ${signal}`));
if (process.argv.includes('3')) onExit3((code, signal) => say(`exit of 3: ${signal}`));
const server = https.createServer(identity, (request, response) => void held().then(() => response.end('the end')));
server.listen(0, '127.0.0.1', () => say(`listening ${server.address().port}`));
