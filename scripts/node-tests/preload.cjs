// Loaded before a test of Node's by `--require`: watches the TLS sockets of its process. NODE_TESTS_WAY says how:
//   early       each tls.TLSSocket at the end of its constructor, whoever makes it: https, http2, a tls.Server, `new tls.TLSSocket`
//   documented  as the README does: tls.connect's at once, those of a server by watch(server), before it listens
//   drainable   each server of TLS, HTTPS or HTTP/2, by drainable(server), before it listens
//   control     none: what fails here as well is the preload's fault, not watching's
// It adds a byte to the file NODE_TESTS_LOG for each socket or server. It is no ES module: with `--import` Node would load also the test itself as one,
// with promises that async_hooks tells of.
'use strict';
const { appendFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const tls = require('node:tls');

const { NODE_TESTS_WAY: way, NODE_TESTS_LOG: log } = process.env;

const { drainable, watch } = require('../../dist/index.cjs');

function watchIt(target) {
  if (way === 'control') return;
  if (way === 'drainable') drainable(target);
  else watch(target);
  if (log === undefined) return;
  try {
    appendFileSync(log, '.');
  } catch (error) {
    if (error.code !== 'ERR_ACCESS_DENIED') throw error; // a test with --permission
  }
}

function onListen(Server) {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    watchIt(this);
    return Reflect.apply(listen, this, args);
  };
}

if (way === 'drainable') {
  onListen(tls.Server); // that of https, and the secure one of http2
} else if (way === 'documented') {
  const { connect } = tls;
  tls.connect = function (...args) {
    const socket = Reflect.apply(connect, this, args);
    watchIt(socket);
    return socket;
  };
  onListen(tls.Server);
  syncBuiltinESMExports();
} else {
  // The last thing that the constructor calls. Replacing tls.TLSSocket would miss those that Node itself makes.
  const { _init: init } = tls.TLSSocket.prototype;
  tls.TLSSocket.prototype._init = function (...args) {
    Reflect.apply(init, this, args);
    watchIt(this);
  };
}
