import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './support/child.js';
import { BOTH_ALERTS, fromRoot, hidesAfterUserCanceled, TRUNCATED, UNVERIFIED, type Outcome, type Version } from './support/ends.js';
import { requirePrograms } from './support/programs.js';
import { itAgreesWith } from './support/scripted.js';

/** The alerts, the FIN and what came before them share packets as they like. */
const TIMES = 20;

describe('Java SSLSocket', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interop-java-'));
    requirePrograms('java', 'javac');
    execFileSync('javac', ['-d', folder, fromRoot('test/interop/peers/Peer.java')]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  itAgreesWith('Java', (args) => new Child('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', folder, 'Peer', ...args]), [
    { plan: 'second', peer: 'reads our alert and calls close()', saw: 'close_notify', ours: BOTH_ALERTS, times: 5 },
    { plan: 'first', peer: 'calls close()', ours: afterUserCanceled, times: TIMES },
    { plan: 'first-data', peer: 'sends data and calls close()', ours: afterUserCanceled, times: TIMES },
    { plan: 'first-at-once', peer: 'calls close() right after the handshake', ours: afterUserCanceled, times: TIMES, atOnce: true },
    { plan: 'first-at-once-data', peer: 'sends data and calls close() right after the handshake', ours: afterUserCanceled, times: TIMES, atOnce: true },
    { plan: 'first-data-half', peer: 'sends data and calls shutdownOutput()', saw: 'close_notify', ours: BOTH_ALERTS, times: 5 },
    { plan: 'first-fin', peer: 'sends a bare FIN', saw: 'close_notify', ours: TRUNCATED },
  ]);
});

function afterUserCanceled(version: Version): Outcome {
  return hidesAfterUserCanceled(version) ? UNVERIFIED : BOTH_ALERTS;
}
