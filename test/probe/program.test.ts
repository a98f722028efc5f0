/** The program `probe`: what it takes, what it prints, how it exits. */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProbeReport } from '../../src/probe/index.js';
import { wantsColour } from '../../src/probe/cli/colour.js';
import { ladder, wrapped } from '../../src/probe/cli/ladder.js';
import { nearest } from '../../src/probe/cli/nearest.js';
import { hostAndPort, parseProbe } from '../../src/probe/cli/parse.js';
import { Progress } from '../../src/probe/cli/progress.js';
import { HELP, PROBE_HELP, SERVE_HELP } from '../../src/probe/cli/usage.js';
import { probeTarget } from '../../src/probe/options.js';
import { run } from '../../src/probe/run.js';
import { certificate } from '../support/pair.js';
import { closedPort, plainServer, runProgram, serving, tlsServer } from '../support/probe.js';

const lines = (text: string): string[] => text.split('\n');

describe('the program', () => {
  const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
    [[], 'no command is given'],
    [['prob'], "there is no command 'prob'. Did you mean probe?"],
    [['example.com'], "there is no command 'example.com'. The commands are probe and serve"],
    [['probe'], 'no HOST is given'],
    [['probe', 'a', 'b'], "one HOST at a time. There is 'b', too"],
    [['probe', 'a:'], "the port in a: must be from 1 to 65535. It is ''"],
    [['probe', 'a:0'], "the port in a:0 must be from 1 to 65535. It is '0'"],
    [['probe', 'a:65536'], "the port in a:65536 must be from 1 to 65535. It is '65536'"],
    [['probe', 'a:https'], "the port in a:https must be from 1 to 65535. It is 'https'"],
    [['probe', '[::1]:x'], "the port in [::1]:x must be from 1 to 65535. It is 'x'"],
    [['probe', ':443'], "':443' is no HOST[:PORT]"],
    [['probe', ''], "'' is no HOST[:PORT]"],
    [['probe', 'a b'], "'a b' is no HOST[:PORT]"],
    [['probe', 'https://example.com:8443/x'], "'https://example.com:8443/x' is a URL, and HOST[:PORT] is wanted: try example.com:8443"],
    [['probe', 'a', '--tmeout', '5'], 'there is no option --tmeout. Did you mean --timeout?'],
    [['probe', 'a', '--serverName=x'], 'there is no option --serverName. Did you mean --servername?'],
    [['probe', 'a', '--start-tls', 'smtp'], 'there is no option --start-tls. Did you mean --starttls?'],
    [['probe', 'a', '-k'], 'there is no option -k'],
    [['probe', 'a', '--close', 'fin'], 'there is no option --close'],
    [['probe', 'a', '--timeout'], '--timeout needs a value'],
    [['probe', 'a', '--timeout', '--json'], '--timeout needs a value'],
    [['probe', 'a', '--timeout', 'soon'], "--timeout must be a number of milliseconds, from 1 to 2147483647. It is 'soon'"],
    [['probe', 'a', '--timeout', '0'], "--timeout must be a number of milliseconds, from 1 to 2147483647. It is '0'"],
    [['probe', 'a', '--idle', '1e3'], "--idle must be a number of seconds, from 0.001 to 2147483. It is '1e3'"],
    [['probe', 'a', '--json=yes'], '--json takes no value'],
    [['probe', 'a', '--tls', '1.1'], "--tls must be one of 1.2, 1.3, both. It is '1.1'. Did you mean 1.2?"],
    [['probe', 'a', '--starttls', 'stmp'], "--starttls must be one of smtp, imap, pop3, ftp, ldap, postgres, mysql, xmpp. It is 'stmp'. Did you mean smtp?"],
    [['probe', 'a', '--send', 'QUIT\\q'], "--send knows the escapes \\r \\n \\t \\0 \\\\ and \\xHH. It is 'QUIT\\\\q'"],
    [['probe', 'a', '--ca', '/no/such/file'], "--ca: can't read /no/such/file (ENOENT)"],
    [['probe', 'a', '--ca', 'package.json'], '--ca must be certificates in PEM. Received'],
    [['probe', 'a', '--cert', 'fixtures/localhost.cert.pem'], '--cert and --key go together'],
    [['probe', 'a', '--cert', 'package.json', '--key', 'package.json'], '--cert and --key must be usable PEM ('],
    [['serve', 'here'], "serve takes options only. There is 'here'"],
    [['serve', '--close', 'clear'], "--close must be one of clean, fin, rst, silent, cut, late-data, slow. It is 'clear'. Did you mean clean?"],
    [['serve', '--port', '70000'], "the port in --port must be from 0 to 65535. It is '70000'"],
    [['serve', '--prot', '1'], 'there is no option --prot. Did you mean --port?'],
  ];
  for (const [args, says] of wrong) {
    it(`exits with 64, and says why: ${args.join(' ') || '(nothing)'}`, async () => {
      const { status, stdout, stderr } = await runProgram(args);
      expect(stderr).to.include(`tls-graceful-shutdown: ${says}`);
      expect([status, stdout]).to.deep.equal([64, '']);
      expect(stderr).to.not.match(/\n +at /); // no stack
    });
  }

  it('helps, and tells its version, in 80 columns', async () => {
    for (const [args, text] of [[['--help'], HELP], [['-h'], HELP], [['probe', '--help'], PROBE_HELP], [['serve', '-h'], SERVE_HELP]] as const) {
      expect(await runProgram(args)).to.deep.equal({ status: 0, stdout: text, stderr: '' });
      for (const line of lines(text)) expect(line.length, line).to.be.at.most(80);
    }
    const { version } = JSON.parse((await import('node:fs')).readFileSync('package.json', 'utf8')) as { version: string };
    for (const args of [['--version'], ['probe', '--version'], ['serve', '--version']]) expect(await runProgram(args)).to.deep.equal({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('knows every option that its help names, and names every one that it knows', async () => {
    for (const [command, help] of [['probe', PROBE_HELP], ['serve', SERVE_HELP]] as const) {
      const named = new Set([...help.matchAll(/^ +.*?(--[a-z-]+)|(--[a-z-]+)(?= FILE|,|$)/gm)].map(([, first, other]) => first ?? other!));
      for (const name of named) expect((await runProgram([command, name, 'x', '--nonsense'])).stderr, name).to.include('there is no option --nonsense');
    }
  });
});

describe('a probe that reaches nothing exits with 2, and says why', () => {
  const nothing = async (port: number | string, args: readonly string[], says: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await runProgram(['probe', `localhost:${port}`, '--timeout', '500', ...args]);
    expect(stdout.replace(/\s+/g, ' ')).to.match(says);
    expect([status, stderr]).to.deep.equal([2, '']);
  };

  it('refused', async () => nothing(await closedPort(), [], /Nothing could be asked: nothing listens at .*ECONNREFUSED\)\. Is it the right host and port\? unknown: /));
  it('not TLS', async () => nothing(await plainServer((socket) => void socket.resume().write('220 mail.example ESMTP\r\n')), [], /does not speak TLS here, it says "220 mail\.example ESMTP\\r\\n"\. It speaks SMTP first: --starttls smtp may get to TLS\./));
  it('a certificate that is not trusted', async () => nothing(await tlsServer(() => {}), [], /the certificate is not trusted: .*DEPTH_ZERO_SELF_SIGNED_CERT\)\. --ca FILE names whom to trust/));
  it('a handshake that hangs', async () => nothing(await plainServer((socket) => void socket.resume()), [], /the TLS handshake was not finished within 500 ms/));
  it('a version of TLS that the server has not, and that is the only one', async () => nothing(await tlsServer(() => {}, { maxVersion: 'TLSv1.2' }), ['--tls', '1.3', '--insecure'], /Nothing could be asked: the server refused the handshake by the alert protocol_version \(70\)\./));
});

describe('the report', () => {
  it('is one JSON object with --json, as its schema says', async () => {
    const { servers, close } = await serving({ close: 'fin' });
    const { port } = servers[0]!;
    const { status, stdout, stderr } = await runProgram(['probe', `127.0.0.1:${port}`, '--insecure', '--json']);
    expect([status, stderr]).to.deep.equal([1, '']);
    expect(lines(stdout)).to.have.length(2);
    const report = JSON.parse(stdout) as ProbeReport;
    expect(Object.keys(report)).to.deep.equal(['host', 'port', 'answers', 'verdict']);
    expect({ ...report, answers: report.answers.length }).to.deep.equal({ host: '127.0.0.1', port, answers: 8, verdict: 'unclean' });
    for (const answer of report.answers) {
      const { question, version, end, elapsed, bytes, detail, ...more } = answer;
      expect(['we-close', 'half-close', 'it-closes', 'quiet']).to.include(question);
      expect(['TLSv1.2', 'TLSv1.3']).to.include(version);
      expect(end).to.equal('fin');
      expect([typeof elapsed, typeof bytes, typeof (detail ?? '')]).to.deep.equal(['number', 'number', 'string']);
      expect(more).to.deep.equal({});
    }
    await close();
  });

  it('keeps to 80 columns, whatever a server says, and lets no control character of it out', async () => {
    const noise = `HTTP/1.1 200 \x1b[2J\x07${'long '.repeat(40)}\u009b31m\r\nContent-Length: 5\r\n\r\nabc`;
    const port = await tlsServer((socket) => {
      socket.on('data', () => setImmediate(() => socket.end(noise, 'latin1')));
      socket.on('end', () => socket.end());
    });
    const { stdout } = await runProgram(['probe', `127.0.0.1:${port}`, '--insecure', '--timeout', '2000']);
    for (const line of lines(stdout)) expect([...line].length, line).to.be.at.most(80);
    expect(stdout).to.match(/^[\n -~─│├┤▶◀═]+$/);
    expect(stdout).to.include('\\x1b[2J\\x07');
  });

  it('has a ladder with times for each question, and all ends at a glance', async () => {
    const { servers, close } = await serving({ close: 'clean' });
    const { stdout } = await runProgram(['probe', `127.0.0.1:${servers[0]!.port}`, '--insecure']);
    for (const question of ['we-close', 'half-close', 'it-closes', 'quiet']) {
      const ladderOf = new RegExp(`^${question} TLSv1\\.2 and TLSv1\\.3: close_notify, [\\d.]+ ms\\n +ms we +it\\n( +\\d+\\.\\d [│├].*[│┤]\\n)+ {2}\\S`, 'm');
      expect(stdout).to.match(ladderOf);
      expect(stdout).to.match(new RegExp(`^${question} +close_notify +close_notify$`, 'm'));
    }
    expect(stdout).to.match(/├─ close_notify ─+▶│\n(?:.*\n)*?.*│◀─+ close_notify ─┤/);
    await close();
  });

  it('draws a ladder for each version where they end in different ways', async () => {
    const port = await tlsServer((socket, raw) => {
      socket.resume().on('end', () => (socket.getProtocol() === 'TLSv1.3' ? raw.end() : socket.end()));
    });
    const { stdout, status } = await runProgram(['probe', `127.0.0.1:${port}`, '--insecure', '--timeout', '1000']);
    expect(stdout).to.match(/^we-close TLSv1\.2: close_notify, /m).and.to.match(/^we-close TLSv1\.3: fin, /m);
    expect(status).to.equal(1); // half-close, on TLS 1.3
  });

  it('counts a bare FIN for our close_notify as 0, and says what it means', async () => {
    const port = await tlsServer((socket, raw) => {
      let asked = false;
      socket.on('data', () => (asked = true)).on('end', () => (asked ? socket.end('HTTP/1.1 204 No Content\r\n\r\n') : raw.end()));
      socket.once('data', (chunk: Buffer) => setImmediate(() => String(chunk).includes('close') && socket.end('HTTP/1.1 204 No Content\r\n\r\n')));
    });
    const { stdout, status } = await runProgram(['probe', `127.0.0.1:${port}`, '--insecure']);
    expect(stdout).to.match(/^we-close +fin +fin$/m).and.to.match(/^quiet +fin +fin$/m);
    expect(stdout).to.match(/It answers our close_notify with a bare FIN\./);
    expect(status, stdout).to.equal(0);
  });

  it('trusts the file that --ca names, and sends what --send says, with its escapes', async () => {
    const heard: string[] = [];
    const port = await tlsServer((socket) => {
      socket.on('data', (chunk: Buffer) => heard.push(String(chunk)));
      socket.on('data', () => setImmediate(() => socket.end('bye'))).on('end', () => socket.end());
    });
    const folder = mkdtempSync(join(tmpdir(), 'probe-ca-'));
    writeFileSync(join(folder, 'ca.pem'), certificate.cert);
    const { status, stdout } = await runProgram(['probe', `localhost:${port}`, '--ca', join(folder, 'ca.pem'), '--send', 'QUIT\\r\\n', '--tls', '1.3']);
    rmSync(folder, { recursive: true });
    expect(status, stdout).to.equal(0);
    expect(new Set(heard)).to.deep.equal(new Set(['QUIT\r\n']));
    expect(stdout).to.include('├─ "QUIT\\r\\n" ─');
  });
});

describe('colours', () => {
  const escape = /\x1b\[\d+m/;
  const cases: readonly (readonly [environment: NodeJS.ProcessEnv, args: readonly string[], coloured: boolean])[] = [
    [{}, [], false], // not a terminal
    [{ FORCE_COLOR: '1' }, [], true],
    [{ FORCE_COLOR: '' }, [], true],
    [{ FORCE_COLOR: '0' }, [], false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, [], true],
    [{ FORCE_COLOR: '1' }, ['--no-color'], false],
    [{ FORCE_COLOR: '1' }, ['--json'], false],
    [{ NO_COLOR: '1' }, [], false],
  ];
  for (const [environment, args, coloured] of cases) {
    it(`${coloured ? 'are there' : 'are not there'}: ${JSON.stringify(environment)} ${args.join(' ')}`, async () => {
      const { stdout } = await runProgram(['probe', `127.0.0.1:${await closedPort()}`, ...args], environment);
      expect(escape.test(stdout)).to.equal(coloured);
      expect(stdout.replace(/\x1b\[\d+m/g, '')).to.not.include('\x1b');
    });
  }

  it('are there on a terminal that is not dumb, unless NO_COLOR says something', () => {
    expect(wantsColour({}, true)).to.equal(true);
    expect(wantsColour({ TERM: 'dumb' }, true)).to.equal(false);
    expect(wantsColour({ NO_COLOR: '1' }, true)).to.equal(false);
    expect(wantsColour({ NO_COLOR: '' }, true)).to.equal(true);
    expect(wantsColour({ FORCE_COLOR: 'false' }, true)).to.equal(false);
    expect(wantsColour({ FORCE_COLOR: 'true' }, false)).to.equal(true);
  });
});

describe('HOST[:PORT]', () => {
  for (const [place, host, port] of [['a', 'a', undefined], ['a.example:8443', 'a.example', 8443], ['[::1]:443', '::1', 443], ['[::1]', '::1', undefined], ['::1', '::1', undefined], ['fe80::1%eth0', 'fe80::1%eth0', undefined], ['[fe80::1%eth0]:993', 'fe80::1%eth0', 993], ['127.0.0.1:1', '127.0.0.1', 1]] as const) {
    it(`${place} is ${host} and ${port ?? 'the usual port'}`, () => expect(hostAndPort(place)).to.deep.equal(port === undefined ? { host } : { host, port }));
  }

  it('has the usual port of the STARTTLS protocol', () => {
    const ports = { smtp: 25, imap: 143, pop3: 110, ftp: 21, ldap: 389, postgres: 5432, mysql: 3306, xmpp: 5222 };
    for (const [starttls, port] of Object.entries(ports)) {
      const parsed = parseProbe(['host', '--starttls', starttls]);
      expect(parsed.wanted === 'run' && probeTarget(parsed.options).port).to.equal(port);
    }
    expect(probeTarget({ host: 'host' }).port).to.equal(443);
  });
});

describe('what the program draws', () => {
  it('is wrapped at 80 columns, long words too', () => {
    for (const text of ['a b c', 'word '.repeat(60).trim(), `${'x'.repeat(200)} end`, `short ${'y'.repeat(90)}`]) {
      const all = wrapped(text);
      for (const line of all) expect(line.length).to.be.at.most(80);
      expect(all.map((line) => line.trim()).join('').replaceAll(' ', '')).to.equal(text.replaceAll(' ', ''));
    }
  });

  it('has rungs of one length', () => {
    const rungs = ladder([
      { at: 0, from: 'us', what: 'x'.repeat(200) },
      { at: 123_456.78, from: 'it', what: 'data', bytes: 16_777_216 },
      { at: 1, from: 'both', what: 'TLSv1.3' },
    ], 5000);
    expect(new Set(rungs.map((rung) => rung.length))).to.have.property('size', 1);
    expect(rungs[0]!.length).to.be.at.most(80);
    expect(rungs[2]).to.include('data, 16,777,216 bytes');
  });

  it('names what was probably meant, and nothing that was not', () => {
    expect(nearest('tiemout', ['timeout', 'send'])).to.equal('timeout');
    expect(nearest('x', ['timeout', 'send'])).to.equal(undefined);
    expect(nearest('fni', ['fin', 'clean'])).to.equal('fin');
  });
});

describe('the progress', () => {
  it('is one line of at most 80 columns that says what is waited for, and is gone in the end', async () => {
    const written: string[] = [];
    const progress = new Progress({ write: (text: string) => void written.push(text) });
    const { servers, close } = await serving({ close: 'clean' });
    await run(probeTarget({ host: '127.0.0.1', port: servers[0]!.port, rejectUnauthorized: false, idle: 50 }), progress);
    progress.end();
    const shown = written.map((text) => text.replace(/^\r\x1b\[K/, ''));
    expect(written.every((text) => text.startsWith('\r\x1b[K'))).to.equal(true);
    for (const text of shown) expect(text).to.match(/^[ -~]{0,80}$/);
    for (const what of ['handshake TLSv1.2', 'handshake TLSv1.3', 'we-close TLSv1.2, ', 'idle TLSv1.2, idle TLSv1.3']) expect(shown.some((text) => text.includes(`s, waiting for ${what}`)), what).to.equal(true);
    expect(shown.at(-1)).to.equal('');
    await close();
  });
});
