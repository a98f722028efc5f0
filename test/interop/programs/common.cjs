/** What all of these programs have: a certificate, lines for the test to read, and requests that are answered at SIGUSR2. */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const fixture = (name) => readFileSync(join(__dirname, '../../../fixtures', name));

exports.identity = { key: fixture('localhost.key.pem'), cert: fixture('localhost.cert.pem') };
exports.say = (line) => void process.stdout.write(`${line}\n`);

const held = [];
process.on('SIGUSR2', () => held.splice(0).forEach((answer) => answer()));

/** Says `request`, and resolves at SIGUSR2. */
exports.held = () => {
  const answered = new Promise((resolve) => held.push(resolve));
  exports.say('request');
  return answered;
};
