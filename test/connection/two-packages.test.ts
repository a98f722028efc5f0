/**
 * The packed package beside itself in one process, as npm puts two versions of it into one tree. One whose record on the socket has our version shares the connection with
 * us. One whose record has another version can't: then neither of the two has a proof.
 */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as here from '../../src/index.js';
import { PATTERN } from '../support/fault-peer.js';
import { SIDES, VERSIONS, makePair, readAll, type Pair } from '../support/pair.js';

type Package = typeof here;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COPIES = join(ROOT, 'build/copies');

/** Another version of the package. `record`: the version of what it keeps on a socket. */
async function install(tarball: string, version: string, record: number): Promise<Package> {
  const folder = join(COPIES, version);
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
  const manifest = join(folder, 'package.json');
  writeFileSync(manifest, JSON.stringify({ ...(JSON.parse(readFileSync(manifest, 'utf8')) as object), version }));
  const implementation = join(folder, 'dist/implementation/index.cjs');
  const text = readFileSync(implementation, 'utf8');
  const changed = text.replace(/(Symbol\.for\("tls-graceful-shutdown\.connection"\),VERSION=)1\b/, `$1${record}`);
  expect(changed !== text).to.equal(record !== 1);
  writeFileSync(implementation, changed);
  return (await import(pathToFileURL(join(folder, 'dist/index.js')).href)) as Package;
}

const NAMES = { '0.9.0': 1, '9.0.0': 2 } as const;
const ORDERS = ['we watch first', 'it watches first'] as const;
const UNVERIFIED = ['UNVERIFIED', 'UNVERIFIED'];
const GARBAGE = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');

describe('two versions of the package in one process', function () {
  this.timeout(30_000);
  const packages = {} as Record<keyof typeof NAMES, Package>;

  before(async () => {
    rmSync(COPIES, { recursive: true, force: true });
    mkdirSync(COPIES, { recursive: true });
    const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', COPIES], { cwd: ROOT, encoding: 'utf8' })) as [{ filename: string }];
    for (const [version, record] of Object.entries(NAMES)) packages[version as keyof typeof NAMES] = await install(join(COPIES, filename), version, record);
  });
  after(() => rmSync(COPIES, { recursive: true, force: true }));

  for (const version of VERSIONS) {
    for (const side of SIDES) {
      for (const [name, record] of Object.entries(NAMES) as [keyof typeof NAMES, number][]) {
        for (const order of ORDERS) {
          describe(`${name}, whose record has version ${record}; ${order}, ${version} as ${side}`, () => {
            let first: Package;
            let second: Package;
            before(() => ([first, second] = order === 'we watch first' ? [here, packages[name]] : [packages[name], here]));

            async function meet(): Promise<Pair> {
              return await makePair({ version, side, early: (socket) => second.watch(first.watch(socket)).on('error', () => {}) });
            }

            async function ask(by: Package, { ours }: Pair): Promise<string> {
              const { value, error } = await by.shutdown(ours, { bidirectional: true });
              return error === undefined ? String(value) : error.code.replace('ERR_TLS_SHUTDOWN_', '');
            }

            for (const ends of ['we end', 'the peer ends'] as const) {
              it(`${record === 1 ? '1' : '-1 UNVERIFIED'} for both at a clean end, and no byte is lost: ${ends} first`, async () => {
                const pair = await meet();
                const { ours, peer } = pair;
                const read = [readAll(ours), readAll(peer)];
                for (const socket of [ours, peer]) socket.write(PATTERN.subarray(0, 50_000));
                peer.once('end', () => setImmediate(() => peer.end()));
                if (ends === 'the peer ends') {
                  const ended = once(ours, 'end');
                  peer.end();
                  await ended;
                }
                const answers = await Promise.all([ask(first, pair), ask(second, pair)]);
                expect(answers).to.deep.equal(record === 1 ? ['1', '1'] : UNVERIFIED);
                for (const each of read) expect((await each).equals(PATTERN.subarray(0, 50_000))).to.equal(true);
              });
            }

            for (const when of ['before', 'behind'] as const) {
              it(`${record === 1 ? '-1 TRUNCATED' : '-1 UNVERIFIED'} for both at a forged FIN ${when} our alert`, async () => {
                const pair = await meet();
                pair.ours.resume();
                if (when === 'behind') await second.shutdown(pair.ours);
                pair.relay.fin(pair.toUs);
                const answers = await Promise.all([ask(first, pair), ask(second, pair)]);
                expect(answers).to.deep.equal(record === 1 ? ['TRUNCATED', 'TRUNCATED'] : UNVERIFIED);
              });

              it(`-1 PROTOCOL for both at a TLS error ${when} our alert`, async () => {
                const pair = await meet();
                pair.ours.resume();
                if (when === 'behind') await second.shutdown(pair.ours);
                pair.relay.inject(pair.toUs, GARBAGE);
                pair.relay.fin(pair.toUs);
                const answers = await Promise.all([ask(first, pair), ask(second, pair)]);
                expect(answers).to.deep.equal(['PROTOCOL', 'PROTOCOL']);
              });
            }
          });
        }
      }
    }
  }
});
