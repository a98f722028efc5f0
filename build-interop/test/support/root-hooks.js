/** Fails a test that leaves a socket, a server or a child process behind. (Mocha itself fails it for an unhandled rejection.) */
import { closeTracked, turns } from './pair.js';
const LEAKS = new Set(['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap', 'ProcessWrap']);
function openResources() {
    return process.getActiveResourcesInfo().filter((name) => LEAKS.has(name));
}
let before = 0;
const warnings = [];
process.on('warning', (warning) => warnings.push(warning));
export const mochaHooks = {
    beforeEach() {
        before = openResources().length;
        warnings.length = 0;
    },
    async afterEach() {
        closeTracked();
        for (let i = 0; i < 500 && openResources().length > before; i++)
            await turns(1);
        const left = openResources();
        if (left.length > before)
            throw new Error(`the test left ${left.join(', ')} behind (${before} before)`);
        const leak = warnings.find((warning) => warning.name === 'MaxListenersExceededWarning');
        if (leak !== undefined)
            throw leak;
    },
};
