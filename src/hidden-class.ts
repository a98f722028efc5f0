/**
 * V8 drops a hidden class with its last instance, and with it what was compiled for it, also of Node's functions. That of watched sockets died in
 * every collection that found none of them alive: a burst of 2,000 closes after one cost 1.20 to 1.23 times what `end()` costs, with one socket
 * kept 1.09 to 1.10 (Node 20). So one that has closed is kept.
 */
import type { TLSSocket } from 'node:tls';

/** One of so many is kept, until the next one. A program that closes a few keeps none. */
const EVERY = 64;
/** Major garbage collections after which it is let go, if no other came. */
const MOST_COLLECTIONS = 32;

let closed = 0;
let kept: TLSSocket | undefined;
let collections = 0;
let registry: FinalizationRegistry<undefined> | undefined;

/** Called when a watched socket is destroyed. */
export function keepHiddenClass(socket: TLSSocket): void {
  if (++closed % EVERY !== 0) return;
  if (kept === undefined) awaitCollection();
  kept = socket;
  collections = 0;
}

/** No timer: what is kept matters only to a collection. */
function awaitCollection(): void {
  registry ??= new FinalizationRegistry(onCollection);
  registry.register({}, undefined);
}

function onCollection(): void {
  if (++collections < MOST_COLLECTIONS) awaitCollection();
  else kept = undefined;
}
