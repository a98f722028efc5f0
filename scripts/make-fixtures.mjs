// Writes fixtures/localhost.{key,cert}.pem: a throw-away self-signed certificate for the tests, benches and examples.
import { writeFileSync } from 'node:fs';
import { generate } from 'selfsigned';

const attributes = [{ name: 'commonName', value: 'localhost' }];
const notAfterDate = new Date(Date.now() + 20 * 365 * 24 * 3600 * 1000);
const { private: key, cert } = await generate(attributes, {
  keySize: 2048,
  algorithm: 'sha256',
  notAfterDate,
  extensions: [
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }] },
  ],
});
writeFileSync(new URL('../fixtures/localhost.key.pem', import.meta.url), key);
writeFileSync(new URL('../fixtures/localhost.cert.pem', import.meta.url), cert);
