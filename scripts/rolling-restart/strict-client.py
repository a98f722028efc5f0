"""A strict keep-alive client: for it a connection that ends without close_notify is an error. As load.ts, in Python.

usage: strict-client.py HTTP1-PORT HTTP2-PORT
"""
import json
import random
import select
import socket
import ssl
import sys
import threading
import time

CONNECTIONS = 8
PATIENCE = 10  # seconds until a request has failed
LENGTHS = {"/small": 100, "/large": 100_000}
UPLOAD = b"u" * 10_000

tally = {"requests": 0, "failed": 0, "resets": 0, "unexpectedEof": 0, "refused": 0, "connections": 0, "reasons": {}}
lock = threading.Lock()
stopped = threading.Event()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["http/1.1"])


def add(key, reason=None):
    with lock:
        tally[key] += 1
        if reason is not None:
            tally["reasons"][reason] = tally["reasons"].get(reason, 0) + 1


def count_end(error):
    """How a connection ended that should have ended by close_notify."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "EOF" in str(error):
        add("unexpectedEof", f"{type(error).__name__}: {error}")
    elif isinstance(error, ConnectionError):
        add("resets", f"{type(error).__name__}: {error}")
    else:
        add("unexpectedEof", f"{type(error).__name__}: {error}")


class Connection:
    def __init__(self, port):
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE), suppress_ragged_eofs=False)
        self.buffer = b""
        add("connections")

    def fill(self):
        chunk = self.socket.recv(65536)
        if chunk == b"":
            raise EOFError("close_notify in place of an answer")
        self.buffer += chunk

    def request(self, path, body):
        """Whether the connection may be used again."""
        method = "POST" if body else "GET"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int(headers["content-length"])
        while len(self.buffer) < length:
            self.fill()
        if lines[0].split(" ")[1] != "200" or length != LENGTHS[path]:
            raise ValueError(f"{lines[0]}, {length} bytes")
        self.buffer = self.buffer[length:]
        return headers.get("connection") != "close"

    def readable(self):
        return bool(self.socket.pending() or select.select([self.socket], [], [], 0)[0])

    def expect_end(self):
        """The server has said it closes, or has closed: close_notify and nothing else must come."""
        try:
            while (chunk := self.socket.recv(65536)) != b"":
                raise ValueError(f"{len(chunk)} bytes that nobody asked for")
        except (OSError, ValueError) as error:
            count_end(error)
        try:
            self.socket.unwrap()  # our close_notify
        except OSError:
            pass
        self.socket.close()


def loop(port, pause):
    connection = None
    i = 0
    while not stopped.is_set():
        try:
            if connection is not None and connection.readable():
                # Session tickets are readable too, and give nothing.
                connection.socket.settimeout(0)
                try:
                    if connection.socket.recv(65536) == b"":
                        connection.socket.settimeout(PATIENCE)
                        try:
                            connection.socket.unwrap()
                        except OSError:
                            pass
                        connection.socket.close()
                        connection = None
                except ssl.SSLWantReadError:
                    pass
                except OSError as error:
                    count_end(error)
                    connection = None
            if connection is None:
                connection = Connection(port)
            connection.socket.settimeout(PATIENCE)
            keep = connection.request("/large" if i % 5 == 4 else "/small", UPLOAD if i % 7 == 0 else b"")
            if not keep:
                connection.expect_end()
                connection = None
        except (OSError, EOFError, ValueError) as error:
            add("failed", f"{type(error).__name__}: {error}")
            if isinstance(error, ConnectionError):
                add("resets")
            elif isinstance(error, ssl.SSLError):
                add("unexpectedEof")
            connection = None
            time.sleep(0.02)
        add("requests")
        i += 1
        if pause:
            time.sleep(random.random() * pause)


def report():
    with lock:
        print(json.dumps(tally), flush=True)


def every_while():
    while not stopped.wait(0.2):
        report()


ports = [int(port) for port in sys.argv[1:3]]
threads = [threading.Thread(target=loop, args=(ports[i % 2], 0.05 if i % 4 > 1 else 0)) for i in range(CONNECTIONS)]
reporter = threading.Thread(target=every_while)
for thread in [*threads, reporter]:
    thread.start()
sys.stdin.read()
stopped.set()
for thread in [*threads, reporter]:
    thread.join()
report()
