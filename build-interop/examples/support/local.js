/** What every example needs: a certificate made on the spot, and a server on a free port of this machine. */
import { once } from 'node:events';
import { generate } from 'selfsigned';
/** A throw-away certificate for `localhost`: the servers present it, the clients trust it as their `ca`. */
export async function certificate() {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', algorithm: 'sha256' });
    return { key, cert };
}
/** Listens on 127.0.0.1 and gives the port that the system chose. */
export async function listen(server) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
}
