/** An application may have put its own `destroy` in the place of Node's. Whatever that does, the stream is destroyed, and our promises settle. */
import { Duplex } from 'node:stream';
import { putMethod } from '../connection/methods.js';

const { destroy: nodeDestroy } = Duplex.prototype;

/** What an own `destroy` throws becomes an `'error'` event of the stream, as Node does with what an own `_destroy` throws. */
export function destroySurely(stream: Duplex, error?: Error): void {
  if (stream.destroyed) return;
  makeDestroySafe(stream);
  stream.destroy(error);
  if (isNodes(stream) && !stream.destroyed) nodeDestroy.call(stream, error); // it did nothing, or wanted to do it later
}

const madeSafe = new WeakSet<Duplex['destroy']>();

/**
 * Node itself calls `destroy` when both sides of a stream have ended, and when the transport of a TLS socket closes. What an own `destroy` throws there ends
 * the process. From now on it becomes an `'error'` event. On a stream that is destroyed already it becomes nothing.
 */
export function makeDestroySafe(stream: Duplex): void {
  const own = stream.destroy;
  if (own === nodeDestroy || madeSafe.has(own)) return;
  putMethod(stream, 'destroy', function (this: Duplex, error?: Error) {
    const wasDestroyed = this.destroyed;
    try {
      own.call(this, error);
    } catch (thrown) {
      if (isNodes(this) && !this.destroyed) nodeDestroy.call(this, thrown as Error);
      else if (!wasDestroyed && this.listenerCount('error') > 0) this.emit('error', thrown); // nobody listens: it would end the process for a stream that is done
    }
    return this;
  });
  madeSafe.add(stream.destroy);
}

/** Not of another library: Node's own method may not know its fields. */
function isNodes(stream: Duplex): boolean {
  return stream instanceof Duplex;
}
