/** What `probe(options)` and `serve(options)` refuse, and how they say so. */
import { expect } from 'chai';
import { probe, serve, type ProbeOptions, type ServeOptions } from '../../src/probe/index.js';
import { certificate } from '../support/pair.js';

type Refused = readonly [options: unknown, code: string, message: RegExp];

async function refused(call: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  return call.then(
    () => new Error('it was taken'),
    (error: NodeJS.ErrnoException) => error,
  );
}

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';
const RANGE = 'ERR_OUT_OF_RANGE';

describe('probe refuses', () => {
  const host = 'localhost';
  const cases: readonly Refused[] = [
    [undefined, TYPE, /^options must be an object\. Received undefined$/],
    [{}, TYPE, /^options\.host must be the name or the address of a server\. Received undefined$/],
    [{ host: '' }, TYPE, /^options\.host .*Received ''$/],
    [{ host, port: '443' }, TYPE, /^options\.port must be a number\. Received '443'$/],
    [{ host, port: 0 }, RANGE, /^options\.port must be a port from 1 to 65535\. Received 0$/],
    [{ host, port: 65_536 }, RANGE, /^options\.port .*Received 65536$/],
    [{ host, port: 1.5 }, RANGE, /^options\.port .*Received 1\.5$/],
    [{ host, servername: 1 }, TYPE, /^options\.servername must be a string/],
    [{ host, alpn: 'h2' }, TYPE, /^options\.alpn must be an array of names of protocols\. Received 'h2'$/],
    [{ host, alpn: [''] }, TYPE, /^options\.alpn /],
    [{ host, ca: 'x' }, VALUE, /^options\.ca must be certificates in PEM\. Received 'x'$/],
    [{ host, ca: 1 }, TYPE, /^options\.ca must be a string or a Buffer, in PEM\. Received 1$/],
    [{ host, cert: certificate.cert }, VALUE, /^options\.cert and options\.key must be given both or neither/],
    [{ host, cert: 'x', key: 'y' }, VALUE, /^options\.cert and options\.key must be usable PEM \(/],
    [{ host, rejectUnauthorized: 0 }, TYPE, /^options\.rejectUnauthorized must be a boolean\. Received 0$/],
    [{ host, starttls: 'stmp' }, VALUE, /^options\.starttls must be one of smtp, imap, pop3, ftp, ldap, postgres, mysql, xmpp\. Received 'stmp'$/],
    [{ host, starttls: 'toString' }, VALUE, /^options\.starttls /],
    [{ host, send: Buffer.alloc(1) }, TYPE, /^options\.send must be a string/],
    [{ host, versions: ['TLSv1.1'] }, VALUE, /^options\.versions must be some of TLSv1\.2, TLSv1\.3, each once\. Received \[/],
    [{ host, versions: [] }, VALUE, /^options\.versions /],
    [{ host, versions: 'TLSv1.3' }, TYPE, /^options\.versions /],
    [{ host, questions: ['we-close', 'we-close'] }, VALUE, /^options\.questions must be some of we-close, half-close, it-closes, quiet, idle, each once/],
    [{ host, questions: ['idle'] }, VALUE, /^options\.idle must be given for the question 'idle'\. Received undefined$/],
    [{ host, idle: 0 }, RANGE, /^options\.idle must be from 1 to 2147483647 milliseconds\. Received 0$/],
    [{ host, timeout: '5' }, TYPE, /^options\.timeout must be a number of milliseconds\. Received '5'$/],
    [{ host, timeout: NaN }, RANGE, /^options\.timeout .*Received NaN$/],
    [{ host, timeout: Infinity }, RANGE, /^options\.timeout .*Received Infinity$/],
    [{ host, signal: {} }, TYPE, /^options\.signal must be an AbortSignal\. Received /],
  ];
  for (const [options, code, message] of cases) {
    it(String(message).slice(2, 60), async () => {
      const error = await refused(probe(options as ProbeOptions));
      expect(error.message).to.match(message);
      expect(error.code).to.equal(code);
      expect(error).to.be.instanceOf(code === RANGE ? RangeError : TypeError);
    });
  }
});

describe('serve refuses', () => {
  const cases: readonly Refused[] = [
    [null, TYPE, /^options must be an object\. Received null$/],
    [{ close: 'clear' }, VALUE, /^options\.close must be one of clean, fin, rst, silent, cut, late-data, slow\. Received 'clear'$/],
    [{ close: 1 }, TYPE, /^options\.close /],
    [{ port: -1 }, RANGE, /^options\.port must be a port from 0 to 65535\. Received -1$/],
    [{ port: 65_530 }, RANGE, /^options\.port, and those behind it, must be a port from 0 to 65535\. Received 65536$/],
    [{ host: 5 }, TYPE, /^options\.host must be an address, or a name of this machine\. Received 5$/],
    [{ key: certificate.key }, VALUE, /^options\.cert and options\.key must be given both or neither/],
    [{ idle: -1 }, RANGE, /^options\.idle /],
    [{ delay: -1 }, RANGE, /^options\.delay must be from 0 to 2147483647 milliseconds\. Received -1$/],
  ];
  for (const [options, code, message] of cases) {
    it(String(message).slice(2, 60), async () => {
      const error = await refused(serve(options as ServeOptions));
      expect(error.message).to.match(message);
      expect(error.code).to.equal(code);
    });
  }
});
