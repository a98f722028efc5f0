/** Fails a test that leaves a socket, a server or a child process behind, or that brings about a warning. (Mocha itself fails it for an unhandled rejection.) */
import { closeTracked, turns } from './pair.js';

const LEAKS = new Set(['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap', 'ProcessWrap']);

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => LEAKS.has(name));
}

const WARNINGS = new Set(['MaxListenersExceededWarning', 'TlsGracefulShutdownWarning']);

let before = 0;
const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

/** Texts of the warnings that a test has to bring about: one that simulates another Node. */
export const expectedWarnings: string[] = [];

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
    const unexpected = warnings.find(({ name, message }) => WARNINGS.has(name) && !expectedWarnings.some((text) => message.includes(text)));
    if (unexpected !== undefined) throw unexpected;
  },
};
