/** From plaintext to TLS, in each protocol: what the probe says, and that it takes not a byte more than the answer. */
import { expect } from 'chai';
import { VERSIONS } from '../support/pair.js';
import { detailOf, ends, plainServer, probeLocal, runProgram } from '../support/probe.js';
import { play, SCRIPTS, secure, type Script } from '../support/starttls-servers.js';

/** With `last` in place of its last answer, or behind it. */
async function server(script: Script, options: { slowly?: boolean; refuses?: boolean; adds?: string | Buffer } = {}): Promise<{ port: number; wrong: string[] }> {
  const wrong: string[] = [];
  const lastSaid = script.steps.findLastIndex((step) => 'says' in step);
  const steps = script.steps.map((step, index) => {
    if (index !== lastSaid || !('says' in step)) return step;
    if (options.refuses === true) return { says: script.refusal };
    return { says: Buffer.concat([Buffer.from(step.says), Buffer.from(options.adds ?? '')]) };
  });
  const port = await plainServer((socket) => {
    void play(socket, steps, { slowly: options.slowly === true, wrong: (heard) => void wrong.push(heard) }).then(() => {
      if (options.refuses !== true && options.adds === undefined) secure(socket, script);
    });
  });
  return { port, wrong };
}

for (const [starttls, script] of Object.entries(SCRIPTS)) {
  const options = { starttls, servername: 'localhost', timeout: 4000 } as const;

  describe(`--starttls ${starttls}`, () => {
    for (const slowly of [false, true]) {
      it(`gets to TLS 1.2 and 1.3, and makes the server close by the goodbye of its protocol${slowly ? ', byte by byte' : ''}`, async () => {
        const { port, wrong } = await server(script, { slowly });
        const report = await probeLocal(port, { ...options, questions: ['we-close', 'it-closes'] });
        expect(ends(report)).to.deep.equal(['we-close', 'it-closes'].flatMap((question) => VERSIONS.map((version) => `${question} ${version} close_notify`)));
        expect(detailOf(report, 'it-closes') ?? '').to.equal(script.answer === '' ? '' : `"${script.answer.replaceAll('\r', '\\r').replaceAll('\n', '\\n')}"`);
        expect(wrong).to.deep.equal([]);
        expect(report.verdict).to.equal('clean');
      });
    }

    it('says what the server said that refuses, with control characters escaped', async () => {
      const { port } = await server(script, { refuses: true });
      const report = await probeLocal(port, { ...options, questions: ['we-close'] });
      expect(ends(report)).to.deep.equal(VERSIONS.map((version) => `we-close ${version} error`));
      expect(detailOf(report, 'we-close')).to.match(/^the server refused STARTTLS: /).and.to.include(script.said);
      expect(report.verdict).to.equal('unknown');
    });

    it('takes bytes behind the answer for an attack (CVE-2011-0411)', async () => {
      const { port } = await server(script, { adds: '250 injected\x07\r\n' });
      const report = await probeLocal(port, { ...options, questions: ['we-close'], versions: ['TLSv1.3'] });
      expect(detailOf(report, 'we-close')).to.match(/^15 bytes of plaintext stand behind the answer to STARTTLS \(CVE-2011-0411\): "250 injected\\x07\\r\\n"$/);
    });

    it('says that the server ended before TLS', async () => {
      const port = await plainServer((socket) => socket.resume().end());
      const report = await probeLocal(port, { ...options, questions: ['we-close'], versions: ['TLSv1.3'] });
      expect(detailOf(report, 'we-close')).to.equal('the server ended the connection before TLS');
    });

    it('gives a server that says nothing up after its time', async () => {
      const port = await plainServer((socket) => socket.resume());
      const report = await probeLocal(port, { ...options, timeout: 100, questions: ['we-close'] });
      expect(detailOf(report, 'we-close')).to.equal('the server did not get to TLS within 100 ms');
    });

    it('gives a server up that says too much', async () => {
      const port = await plainServer((socket) => socket.resume().write(Buffer.alloc(100_000, starttls === 'mysql' || starttls === 'ldap' ? 0xff : 'x')));
      const report = await probeLocal(port, { ...options, questions: ['we-close'], versions: ['TLSv1.3'] });
      expect(detailOf(report, 'we-close')).to.match(/^the server refused STARTTLS: |^\d+ bytes of plaintext/);
    });
  });
}

describe('STARTTLS', () => {
  it('a plaintext that comes when TLS has begun is told from TLS', async () => {
    const port = await plainServer((socket) => {
      void play(socket, SCRIPTS['pop3']!.steps).then(() => socket.once('data', () => socket.write('+OK late\r\n')));
    });
    const report = await probeLocal(port, { starttls: 'pop3', questions: ['we-close'], versions: ['TLSv1.3'], timeout: 1000 });
    expect(detailOf(report, 'we-close')).to.equal('plaintext came in place of TLS, it says "+OK late\\r\\n"');
  });

  it('that is refused is exit status 2, and a clear line', async () => {
    const port = await plainServer((socket) => void play(socket, [...SCRIPTS['smtp']!.steps.slice(0, -1), { says: '502 5.5.1 not here\r\n' }]));
    const { status, stdout } = await runProgram(['probe', `localhost:${port}`, '--starttls', 'smtp', '--timeout', '3000']);
    expect(stdout).to.include('Nothing could be asked: the server refused STARTTLS: "502 5.5.1 not here".');
    expect(status).to.equal(2);
  });
});
