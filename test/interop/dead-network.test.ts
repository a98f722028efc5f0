/** A connection whose network is gone for good, without a FIN and without a RST: TCP gives it up (ETIMEDOUT). In a network namespace, whose loopback is taken down. */
import { expect } from 'chai';
import { Child } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { fromRoot, VERSIONS } from './support/ends.js';
import { requirePrograms } from './support/programs.js';

const PROGRAM = fromRoot('build/test/interop/peers/dead-network.js');
const DEAD = { value: -1, code: 'ERR_TLS_SHUTDOWN_TRANSPORT', cause: 'ETIMEDOUT', received: 'error', errors: ['ETIMEDOUT read'] } as const;

/** What `sent` is says what was with the kernel. */
const CASES = {
  'TCP keep-alive kills it while it is idle, and a call comes later': ['keep-alive, idle', { ...DEAD, sent: 'open' }],
  'TCP keep-alive kills it while a call waits for the peer': ['keep-alive, waiting', { ...DEAD, early: 0, sent: 'close_notify' }],
  'our alert is never acknowledged': ['not acknowledged', { ...DEAD, sent: 'close_notify' }],
} as const;

async function run(what: string, version: string): Promise<unknown> {
  const child = new Child('unshare', ['--map-root-user', '--net', process.execPath, PROGRAM, what, version]);
  return JSON.parse((await child.waitFor(/^(\{.*\})\n/m))[1]!);
}

describe('a network that is gone', () => {
  let told: Map<string, unknown>;

  /** All at once: each waits twelve seconds for its kernel. */
  before(async () => {
    requirePrograms('unshare', 'ip');
    const runs = VERSIONS.flatMap((version) => Object.values(CASES).map(async ([what]) => [what + version, await run(what, version)] as const));
    told = new Map(await Promise.all(runs).finally(cleanUp));
  });

  for (const version of VERSIONS) {
    for (const [title, [what, expected]] of Object.entries(CASES)) {
      it(`-1 (ERR_TLS_SHUTDOWN_TRANSPORT): ${title}, ${version}`, () => {
        expect(told.get(what + version)).to.deep.equal(expected);
      });
    }
  }
});
