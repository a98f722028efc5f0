/** On another runtime nothing is asked of a handle. Here Node is taken for one; the real ones are tried by scripts/other-runtimes.ts. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const here = (path: string) => new URL(path, import.meta.url).href;

/** Its versions are those of `runtime`, too. */
const disguise = (runtime: string) => `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, ${runtime}: '9.8.7' } })`;

const PROGRAM = `
const { makePair, closeTracked } = await import(${JSON.stringify(here('../support/pair.js'))});
const { drainable, shutdown, watch } = await import(${JSON.stringify(here('../../src/index.js'))});
const http = (await import('node:http')).default;
const results = [];
for (const first of ['ours', 'peer', 'cut']) {
  const { ours, peer, relay, toUs } = await makePair({ version: 'TLSv1.3', side: 'client', early: watch });
  ours.on('error', () => {});
  if (first !== 'ours') ours.pause();
  const asked = [];
  for (let handle = ours._handle; handle; handle = handle._parent) {
    for (const name of ['readStart', 'receive', 'useUserBuffer', 'newSessionDone']) {
      const method = handle[name];
      if (method) handle[name] = function (...args) { asked.push(name); return method.apply(this, args); };
    }
  }
  if (first === 'peer') peer.end();
  if (first === 'cut') relay.fin(toUs);
  peer.resume().once('end', () => peer.end());
  const result = await shutdown(ours, { bidirectional: true, unread: 'discard' });
  results.push([result.value, result.error?.code, result.state.sent, result.state.received, asked.filter((name) => name !== 'readStart').length]);
}
closeTracked();
http.Server = class Server {}; // as in Bun: no net.Server
const refused = [];
for (const call of [drainable, watch]) {
  try {
    call(new http.Server());
  } catch (error) {
    refused.push(error.code + ': ' + error.message);
  }
}
console.log(JSON.stringify({ results, refused }));
process.exit();
`;

async function runAs(runtime: string): Promise<{ results: unknown[]; refused: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', disguise(runtime), '--input-type=module', '-e', PROGRAM], { cwd: fileURLToPath(here('.')) });
  return JSON.parse(stdout) as { results: unknown[]; refused: string[] };
}

describe('another runtime', () => {
  for (const [runtime, name] of [['bun', 'Bun'], ['deno', 'Deno']] as const) {
    it(`has no proof, and no end that was cut: ${name}`, async () => {
      const { results } = await runAs(runtime);
      const unverified = [-1, 'ERR_TLS_SHUTDOWN_UNVERIFIED', 'close_notify', 'unverified', 0];
      expect(results).to.deep.equal([unverified, unverified, unverified]);
    });

    it(`refuses a server of HTTP that is none of net: ${name}`, async () => {
      const { refused } = await runAs(runtime);
      expect(refused).to.have.length(2);
      for (const text of refused) expect(text).to.match(new RegExp(`^ERR_FEATURE_UNAVAILABLE_ON_PLATFORM: ${name} 9\\.8\\.7 can't (drain|watch) `));
    });
  }

  it('has no preload where no server tells that it listens: Bun', async () => {
    const program = [`import ${JSON.stringify(here('../../src/register.js'))}`, 'console.log("started")'].join(';');
    const run = (runtime: string) => promisify(execFile)(process.execPath, ['--import', disguise(runtime), '--input-type=module', '-e', program]).catch((error: unknown) => error);
    expect(await run('deno')).to.include({ stdout: 'started\n', stderr: '' });
    const refused = (await run('bun')) as { code: number; stdout: string; stderr: string };
    expect([refused.code, refused.stdout]).to.deep.equal([9, '']);
    expect(refused.stderr).to.match(/^tls-graceful-shutdown: Bun 9\.8\.7 does not tell when a server listens.*\n$/);
  });
});
