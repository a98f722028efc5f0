import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './support/child.js';
import { BOTH_ALERTS, fromRoot, TRUNCATED } from './support/ends.js';
import { requirePrograms } from './support/programs.js';
import { itAgreesWith } from './support/scripted.js';

describe('Go crypto/tls', () => {
  let folder = '';

  before(function () {
    this.timeout(300_000); // the first build compiles Go's standard library
    folder = mkdtempSync(join(tmpdir(), 'interop-go-'));
    requirePrograms('go');
    execFileSync('go', ['build', '-o', join(folder, 'peer'), fromRoot('test/interop/peers/peer.go')], { env: { ...process.env, GOPROXY: 'off' } });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  itAgreesWith('Go', (args) => new Child(join(folder, 'peer'), args), [
    { plan: 'second', peer: 'reads our alert and calls Close()', saw: 'close_notify', ours: BOTH_ALERTS },
    { plan: 'first', peer: 'calls Close()', ours: BOTH_ALERTS },
    { plan: 'first-data', peer: 'sends data and calls Close()', ours: BOTH_ALERTS },
    { plan: 'first-at-once', peer: 'calls Close() right after the handshake', ours: BOTH_ALERTS, atOnce: true },
    { plan: 'first-data-half', peer: 'sends data and calls CloseWrite()', saw: 'close_notify', ours: BOTH_ALERTS },
    { plan: 'first-fin', peer: 'sends a bare FIN', saw: 'close_notify', ours: TRUNCATED },
  ]);
});
