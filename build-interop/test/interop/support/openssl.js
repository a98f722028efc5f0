import { Child } from './child.js';
import { CERT_FILE, connect, KEY_FILE, listen } from './ends.js';
/** Their commands, as they are typed. */
export const RENEGOTIATE = { server: 'r\n', client: 'R\n' };
export const KEY_UPDATE = 'k\n';
export const KEY_UPDATE_AND_ASK_FOR_ONE = 'K\n';
const directly = (port) => Promise.resolve(port);
export async function startServer(...args) {
    const peer = new Child('openssl', ['s_server', '-accept', '127.0.0.1:0', '-key', KEY_FILE, '-cert', CERT_FILE, ...args]);
    const port = Number((await peer.waitFor(/ACCEPT 127\.0\.0\.1:(\d+)\s/))[1]);
    return { peer, port };
}
export function startClient(port, ...args) {
    return new Child('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args]);
}
/** Our client, connected to `openssl s_server`. */
async function withServer(version, args, via) {
    const { peer, port } = await startServer(...args);
    const socket = await connect(await via(port), version);
    if (!args.includes('-www') && !args.includes('-rev'))
        await peer.waitFor(/Secure Renegotiation IS/); // the last line before it reads what is typed
    return { peer, socket };
}
/** Our server, with `openssl s_client` connected. */
async function withClient(version, args, via) {
    const { port, accept } = await listen(version);
    const peer = startClient(await via(port), ...args);
    const socket = await accept();
    await peer.waitFor(/^---\n.*Verify return code.*?^---\n/ms);
    return { peer, socket };
}
export function meet(role, version, args = [], via = directly) {
    return (role === 'server' ? withServer : withClient)(version, args, via);
}
