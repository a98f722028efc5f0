/** A connection that another process has accepted, and handed over before TLS: its ends are told as those of any other. */
import { expect } from 'chai';
import { once } from 'node:events';
import net from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { shutdown, watch } from '../../src/index.js';
import { WAYS, type Order, type Report } from '../support/handed-process.js';
import { VERSIONS, listen, readAll, track } from '../support/pair.js';
import { Program } from '../support/program.js';
import { Relay } from '../support/relay.js';

const FILE = fileURLToPath(new URL('../support/handed-process.js', import.meta.url));
const BYTES = 30_000;

describe('a connection handed to another process, then TLS', function () {
  this.timeout(20_000);

  interface Met {
    readonly client: TLSSocket;
    readonly relay: Relay;
    readonly report: Promise<Report>;
    readonly read: Promise<Buffer>;
  }

  /** Our server accepts it, and keeps nothing of it. */
  async function meet({ child }: Program, order: Order): Promise<Met> {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => void child.send(order, socket));
    const relay = track(new Relay(await listen(server)));
    const report = once(child, 'message').then(([message]) => message as Report);
    const versions = { minVersion: order.version, maxVersion: order.version };
    const client = watch(track(tls.connect({ port: await listen(relay.server), host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true, ...versions } as tls.ConnectionOptions)));
    client.on('error', () => {});
    await once(client, 'secureConnect');
    const read = readAll(client);
    client.write(Buffer.alloc(BYTES, 'asked'));
    return { client, relay, report, read };
  }

  for (const version of VERSIONS) {
    /** One process, and TLS in every way. */
    function itIs(title: string, steps: Order['steps'], check: (met: Met) => Promise<void>): void {
      it(`${title}, ${version}`, async () => {
        const program = new Program([], true, { file: FILE });
        for (const way of WAYS) await check(await meet(program, { way, version, bytes: BYTES, steps }));
      });
    }

    itIs('1 on both sides, and no byte is lost, when it ends first', 'both steps', async ({ client, report, read }) => {
      expect(await read).to.have.length(BYTES);
      expect((await shutdown(client, { bidirectional: true })).value).to.equal(1);
      expect(await report).to.deep.equal({ value: 1, state: { sent: 'close_notify', received: 'close_notify' }, bytes: BYTES });
    });

    itIs('0 there, and then 1 here, one step a call', 'one step', async ({ client, report, read }) => {
      await read;
      expect(await report).to.deep.include({ value: 0, bytes: BYTES }); // the client has not answered
      expect((await shutdown(client)).value).to.equal(1);
    });

    itIs('1 on both sides when the client ends first', 'at the end', async ({ client, report, read }) => {
      expect((await shutdown(client, { bidirectional: true })).value).to.equal(1);
      expect(await read).to.have.length(BYTES);
      expect(await report).to.deep.include({ value: 1, bytes: BYTES });
    });

    itIs('-1 TRUNCATED there at a forged FIN', 'at the end', async ({ client, relay, report }) => {
      await once(client, 'data');
      relay.fin('toServer');
      expect(await report).to.deep.include({ value: -1, code: 'ERR_TLS_SHUTDOWN_TRUNCATED', bytes: BYTES });
    });
  }
});
