"""A TLS peer on Python's ssl, whose connection goes on after TLS: unwrap.py ROLE VERSION PORT PLAN KEY CERT. See support/unwrapping.ts."""
import socket
import ssl
import struct
import sys

import tls_context

role, version, port, plan, key, cert = sys.argv[1:]
when, what = plan.split("-")
is_server = role == "server"
PLAIN = b"plain from the peer\n"
FORGED = b"\x15\x03\x03\x00\x02\x01\x00"  # close_notify as anybody can write it, not encrypted


def say(*words):
    print(*words, flush=True)


def read_to_end(read):
    text = b""
    while chunk := read(4096):
        text += chunk
    return text


def read_until_closed(raw):
    """Its complaint, and its end however it comes."""
    try:
        read_to_end(raw.recv)
    except OSError:
        pass


def go_on(raw):
    raw.sendall(PLAIN)
    say("plain", read_to_end(raw.recv).decode() + ", FIN")


def run(raw):
    tls = context.wrap_socket(raw, server_side=is_server, suppress_ragged_eofs=False)
    tls.sendall(tls.recv(5))
    if when == "second":
        say("saw", read_to_end(tls.recv).decode() + ", close_notify")
    else:
        say("ready")
        sys.stdin.readline()
    if what == "plain":
        go_on(tls.unwrap())
        return tls.close()
    bare = socket.socket(fileno=tls.detach())  # past the TLS layer
    if what == "reset":
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        if what == "fin":
            bare.shutdown(socket.SHUT_WR)
        else:
            bare.sendall(FORGED if what == "forged" else b"plain too early\n")
        read_until_closed(bare)
    bare.close()


class InMemory:
    """TLS without a socket: its bytes are ours to send as we like."""

    def __init__(self, raw):
        self.raw, self.incoming, self.outgoing = raw, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=is_server)

    def until_done(self, do, *args):
        while True:
            try:
                answer = do(*args)
                self.raw.sendall(self.outgoing.read())
                return answer
            except ssl.SSLWantReadError:
                self.raw.sendall(self.outgoing.read())
                self.incoming.write(self.raw.recv(4096))

    def run(self, cut):
        """The alert and the first plaintext in one segment, or in two: the first one is `cut` bytes long. Gives the length of both."""
        self.until_done(self.tls.do_handshake)
        self.until_done(self.tls.write, self.until_done(self.tls.read, 5))
        if when == "second":
            while self.until_done(self.tls.read, 4096):
                pass
        try:
            self.tls.unwrap()
            answered = True
        except ssl.SSLWantReadError:
            answered = False
        segment = self.outgoing.read() + PLAIN
        say("segment", len(segment))
        if when == "first":
            sys.stdin.readline()
        if cut > 0:
            self.raw.sendall(segment[:cut])
            sys.stdin.readline()  # it has come
        self.raw.sendall(segment[cut:])
        if not answered:
            self.until_done(self.tls.unwrap)
        text = self.incoming.read() + read_to_end(self.raw.recv)
        say("plain", text.decode() + ", FIN")
        self.raw.close()
        return len(segment)


def next_connection():
    raw = listener.accept()[0] if is_server else socket.create_connection(("127.0.0.1", int(port)))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


context = tls_context.make("server" if is_server else "client", version, key, cert)
if is_server:
    listener = socket.create_server(("127.0.0.1", 0))
    say("listening", listener.getsockname()[1])
if what == "segment":
    cut, length = 0, 1
    while cut < length:
        length = InMemory(next_connection()).run(cut)
        cut += 1
else:
    run(next_connection())
say("closed")
