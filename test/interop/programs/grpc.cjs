/** A server of @grpc/grpc-js with one method, without a handler of signals. */
const grpc = require('@grpc/grpc-js');
const { held, identity, say } = require('./common.cjs');

const text = (value) => Buffer.from(value);
const method = { path: '/Echo/Say', requestStream: false, responseStream: false, requestSerialize: text, requestDeserialize: String, responseSerialize: text, responseDeserialize: String };
exports.service = { say: method };

async function answer(call, callback) {
  if (call.request === 'later') await held();
  callback(null, 'the end');
}

if (require.main === module) {
  const server = new grpc.Server();
  server.addService(exports.service, { say: answer });
  const credentials = grpc.ServerCredentials.createSsl(null, [{ private_key: identity.key, cert_chain: identity.cert }]);
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => say(error?.message ?? `listening ${port}`));
}
