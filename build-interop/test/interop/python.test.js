import { Child } from './support/child.js';
import { BOTH_ALERTS, fromRoot, TRUNCATED } from './support/ends.js';
import { requirePrograms } from './support/programs.js';
import { itAgreesWith } from './support/scripted.js';
const script = fromRoot('test/interop/peers/peer.py');
describe('Python ssl', () => {
    before(() => requirePrograms('python3'));
    itAgreesWith('Python', (args) => new Child('python3', [script, ...args]), [
        { plan: 'second', peer: 'reads our alert and calls close(), which answers with a bare FIN', saw: 'close_notify', ours: TRUNCATED },
        { plan: 'second-unwrap', peer: 'reads our alert and calls unwrap()', saw: 'close_notify', ours: BOTH_ALERTS },
        { plan: 'first-unwrap', peer: 'calls unwrap()', saw: 'close_notify', ours: BOTH_ALERTS },
        { plan: 'first-data-unwrap', peer: 'sends data and calls unwrap()', saw: 'close_notify', ours: BOTH_ALERTS },
        { plan: 'first-at-once-unwrap', peer: 'calls unwrap() right after the handshake', saw: 'close_notify', ours: BOTH_ALERTS },
        { plan: 'first-data', peer: 'sends data and calls close(), which sends no alert', ours: TRUNCATED },
        { plan: 'first', peer: 'calls close(), which sends no alert', ours: TRUNCATED },
        { plan: 'first-fin', peer: 'sends a bare FIN', saw: 'close_notify', ours: TRUNCATED },
    ]);
});
