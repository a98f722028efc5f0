"""A TLS peer on Python's ssl: peer.py ROLE VERSION PORT PLAN COUNT KEY CERT. See support/scripted.ts for the plans."""
import socket
import ssl
import sys

import tls_context

role, version, port, plan, count, key, cert = sys.argv[1:]


def say(*words):
    print(*words, flush=True)


def read_to_end(tls):
    """What ended the stream, in the words that all peers use."""
    try:
        while tls.recv(4096):
            pass
        return "close_notify"
    except ssl.SSLEOFError:
        return "truncated"
    except OSError as error:
        return "error " + repr(error)


def unwrap(tls):
    try:
        tls.unwrap().close()
        return "close_notify"
    except ssl.SSLEOFError:
        return "truncated"
    except OSError as error:
        return "error " + repr(error)


def run(tls):
    say("connected")
    if plan.startswith("second"):
        say("saw", read_to_end(tls))
        if plan == "second-unwrap":
            unwrap(tls)
    else:
        if "at-once" not in plan:
            tls.recv(1)
        if "data" in plan:
            tls.sendall(b"data")
        if plan.endswith("unwrap"):
            say("saw", unwrap(tls))
        elif plan.endswith("fin"):
            # Past the TLS layer.
            socket.socket.shutdown(tls, socket.SHUT_WR)
            say("saw", read_to_end(tls))
    tls.close()
    say("closed")


if role == "server":
    listener = socket.create_server(("127.0.0.1", 0))
    say("listening", listener.getsockname()[1])
for _ in range(int(count)):
    raw = listener.accept()[0] if role == "server" else socket.create_connection(("127.0.0.1", int(port)))
    # Python suppresses them, and then a bare FIN reads like a close_notify.
    run(tls_context.make(role, version, key, cert).wrap_socket(raw, server_side=role == "server", suppress_ragged_eofs=False))
