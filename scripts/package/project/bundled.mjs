// What a bundler is given: one part of a program imports the package, the other requires it.
import assert from 'node:assert/strict';
import { TlsShutdownError, drainable, getShutdownError, gracefulShutdown, watch } from 'tls-graceful-shutdown';
import { exchange, expected } from './exchange.cjs';
import required from './requires.cjs';

assert.equal(TlsShutdownError, required.TlsShutdownError, 'one class');
exchange({ TlsShutdownError, drainable, getShutdownError, gracefulShutdown, watch }, process.argv[2]).then((result) => assert.deepEqual(result, expected));
