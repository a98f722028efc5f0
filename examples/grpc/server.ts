/**
 * A gRPC server of @grpc/grpc-js that drains. It makes its HTTP/2 servers itself, out of reach; so the port, and TLS, are ours here, and it is given the connections.
 * `tryShutdown` sends a GOAWAY on each and lets the calls finish; then the two-way shutdown follows, and is counted.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import tls from 'node:tls';
import grpc from '@grpc/grpc-js';
import { drainOnSignal, drainable } from 'tls-graceful-shutdown';
import { certificate, listen } from '../support/local.js';

const identity = await certificate();
const text = { requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String };
const greeter = { greet: { path: '/Greeter/Greet', requestStream: false, responseStream: false, ...text } };
const service = new grpc.Server();
service.addService(greeter, {
  greet: (call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) => {
    process.kill(process.pid, 'SIGTERM'); // in the middle of a call
    setTimeout(() => answer(null, `hello ${call.request}`), 100);
  },
});

const injector = service.createConnectionInjector(grpc.ServerCredentials.createInsecure()); // TLS is ours
const server = tls.createServer({ ...identity, ALPNProtocols: ['h2'] }, (socket) => injector.injectConnection(socket));
const draining = drainable(server, {
  finish: async (socket) => {
    service.tryShutdown(() => {});
    await once(socket, 'end');
  },
});
drainOnSignal(draining);
const port = await listen(server);

const drained = once(draining.signal, 'abort').then(() => draining.drain()); // joins the one that the signal begins
const Client = grpc.makeGenericClientConstructor(greeter, 'Greeter');
const client = new Client(`localhost:${port}`, grpc.credentials.createSsl(Buffer.from(identity.cert)));
const answer = await new Promise<string>((resolve, reject) => {
  client['greet']!('Ada', (error: Error | null, greeting: string) => (error === null ? resolve(greeting) : reject(error)));
});
const report = await drained;
client.close();

console.log(`answered "${answer}"; ${report.total} connection, ${report.complete} complete`);
assert.deepEqual([answer, report.total, report.complete], ['hello Ada', 1, 1]);
