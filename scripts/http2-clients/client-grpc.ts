/** @grpc/grpc-js: unary calls. gRPC has only POST; the calls without a message count as GET. */
import { run } from './loops.js';
import { PATIENCE, load } from './shared.js';
import { certificate } from '../../test/support/pair.js';

type Serialize = (message: Buffer) => Buffer;
interface Client {
  makeUnaryRequest(path: string, serialize: Serialize, deserialize: Serialize, message: Buffer, options: object, callback: (error: Error | null, answer?: Buffer) => void): void;
}
interface Grpc {
  Client: new (address: string, credentials: object) => Client;
  credentials: { createSsl(rootCertificate: Buffer): object };
}

const grpc = load<Grpc>('@grpc/grpc-js');
const client = new grpc.Client(`localhost:${process.argv[2]}`, grpc.credentials.createSsl(certificate.cert));
const same: Serialize = (message) => message;

await run(
  (path, body = Buffer.alloc(0)) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, body, { deadline: Date.now() + PATIENCE }, (error, answer) => (error === null ? resolve(answer!.length) : reject(error)));
    }),
);
