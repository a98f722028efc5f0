/** Fails a test that leaves a socket, a server or a child process behind. (Mocha itself fails it for an unhandled rejection.) */
import { closeTracked, turns } from './pair.js';

const LEAKS = new Set(['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap', 'ProcessWrap']);

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => LEAKS.has(name));
}

let before = 0;
const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

export const mochaHooks = {
  beforeEach(): void {
    before = openResources().length;
    warnings.length = 0;
  },
  async afterEach(): Promise<void> {
    closeTracked();
    const start = performance.now(); // turns pass quickly on a machine that is busy with other processes
    while (openResources().length > before && performance.now() - start < 2000) await turns(1);
    const left = openResources();
    if (left.length > before) throw new Error(`the test left ${left.join(', ')} behind (${before} before)`);
    const leak = warnings.find((warning) => warning.name === 'MaxListenersExceededWarning');
    if (leak !== undefined) throw leak;
  },
};
