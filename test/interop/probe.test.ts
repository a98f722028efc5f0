/** `probe` against the servers that people run, as the table of docs/probe.md says; and `serve` against the clients that people run. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { serve, type CloseKind } from '../../src/probe/index.js';
import { afterThisTest, cleanUp } from './support/cleanup.js';
import { CERT_FILE, fromRoot, KEY_FILE } from './support/ends.js';
import { PROBED, rowOf } from './support/probed.js';
import { programEnvironment, requirePrograms, type Program } from './support/programs.js';

const rows = new Map(
  readFileSync(fromRoot('docs/probe.md'), 'utf8')
    .split('\n## What servers do\n')[1]!
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | ').map((cell) => cell.trim()))
    .map(([name = '', ...cells]) => [name, cells]),
);

/** Where a row says `A or B`, a server may do either, and with one version of TLS the one, with the other the other. */
function agrees(found: string | undefined, written: string): boolean {
  return found === written || found?.split(', ').every((part) => written.split(' or ').includes(part.replace(/^1\.[23]: /, ''))) === true;
}

describe('probe', () => {
  afterEach(cleanUp);

  it('has a row in docs/probe.md for each server, and for no other', () => {
    expect([...rows.keys()].slice(1)).to.deep.equal(PROBED.map(({ name }) => name));
  });

  for (const probed of PROBED) {
    it(`says of ${probed.name} what docs/probe.md says`, async () => {
      requirePrograms(...probed.needs);
      const row = rows.get(probed.name)!;
      const found = await rowOf(probed, await probed.start());
      expect(found.map((cell, i) => (agrees(cell, row[i] ?? '') ? row[i] : cell))).to.deep.equal(row);
    });
  }
});

interface Ran {
  readonly status: number | string;
  readonly output: string;
}

function run(program: string, args: readonly string[], input?: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: programEnvironment(), timeout: 30_000 }, (error, stdout, stderr) => resolve({ status: error?.code ?? error?.signal ?? 0, output: stdout + stderr }));
    if (input !== undefined) child.stdin!.end(input);
  });
}

async function start(close: CloseKind): Promise<number> {
  const serving = await serve({ close, cert: readFileSync(CERT_FILE), key: readFileSync(KEY_FILE), delay: 200 });
  afterThisTest(() => serving.close());
  return serving.servers[0]!.port;
}

/** A client that gets an answer of no stated length, so that only its end tells whether it is whole. */
interface Client {
  readonly program: Program;
  readonly command: (port: number) => Promise<Ran>;
  /** What it says of each kind. */
  readonly says: Readonly<Partial<Record<CloseKind, RegExp>>>;
}

const BODY = 'This server closes by';

/** A name of a file in the folder for temporary ones, with this text; gone after the test. */
function temporary(name: string, text: string): string {
  const path = join(tmpdir(), `interop-probe-${process.pid}-${name}`);
  writeFileSync(path, text);
  afterThisTest(() => rmSync(path, { force: true }));
  return path;
}

const PYTHON = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
    tls.settimeout(2)
    tls.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    try:
        while chunk := tls.recv(4096):
            print(chunk.decode())
        print("END close_notify")
    except ssl.SSLEOFError:
        print("END fin")
    except ConnectionResetError:
        print("END reset")
    except TimeoutError:
        print("END silence")
    except OSError as error:
        print("END", repr(error))
`;

const GO = `package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

type watched struct {
	net.Conn
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

func main() {
	raw, err := net.Dial("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	under := &watched{Conn: raw}
	conn := tls.Client(under, &tls.Config{InsecureSkipVerify: true})
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.0\\r\\n\\r\\n")
	_, err = io.Copy(os.Stdout, conn)
	var timeout net.Error
	switch {
	case err == nil && under.err == nil:
		fmt.Println("END close_notify")
	case errors.Is(err, io.ErrUnexpectedEOF):
		fmt.Println("END cut")
	case err == nil:
		fmt.Println("END fin")
	case errors.Is(err, syscall.ECONNRESET):
		fmt.Println("END reset")
	case errors.As(err, &timeout) && timeout.Timeout():
		fmt.Println("END silence")
	default:
		fmt.Println("END", err)
	}
}
`;

const END: Readonly<Record<CloseKind, RegExp>> = { clean: /END close_notify/, fin: /END fin/, rst: /END reset/, silent: /END silence/, cut: /END (fin|cut)/, 'late-data': /END close_notify/, slow: /END close_notify/ };

const CLIENTS: Readonly<Record<string, Client>> = {
  'Python `ssl`': {
    program: 'python3',
    command: (port) => run('python3', [temporary('client.py', PYTHON), `${port}`, CERT_FILE]),
    says: { ...END, rst: /END (fin|reset)/ }, // it may call a reset an EOF
  },
  'Go `crypto/tls`': {
    program: 'go',
    command: (port) => run('go', ['run', temporary('client.go', GO), `${port}`]),
    says: END,
  },
  'OpenSSL `s_client`': {
    program: 'openssl',
    command: (port) => run('timeout', ['3', 'openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-quiet'], 'GET / HTTP/1.0\r\n\r\n'),
    says: { clean: /^(?![^]*unexpected eof)[^]*This server/, fin: /unexpected eof while reading/, cut: /unexpected eof while reading/, slow: /^(?![^]*unexpected eof)[^]*This server/ },
  },
  curl: {
    program: 'curl',
    command: (port) => run('curl', ['-s', '-S', '--cacert', CERT_FILE, '--max-time', '3', '-H', 'Connection: close', `https://localhost:${port}/`]),
    says: { clean: /^This server/, fin: /^This server[^\n]*\n$/, rst: /reset by peer/, silent: /timed out/, slow: /^This server/ }, // 7.88 takes a bare FIN for an end
  },
};

describe('serve', () => {
  afterEach(cleanUp);

  for (const [name, { program, command, says }] of Object.entries(CLIENTS)) {
    for (const [close, pattern] of Object.entries(says)) {
      it(`--close ${close}: ${name} sees it`, async function () {
        this.timeout(60_000);
        requirePrograms(program);
        const { output } = await command(await start(close as CloseKind));
        expect(output).to.match(pattern);
        if (close !== 'rst') expect(output).to.include(BODY);
      });
    }
  }
});
