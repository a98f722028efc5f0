"""A peer on Python's ssl, which tells by itself how TLS ended. It listens, or connects to where we listen.

usage: peer.py PLAN, in JSON: role (server, client), host, port, version, behaviour (answers, first, cuts, cuts first, unwraps, asks), name
and length of what it sends, or asks for, and certificate. It prints its port if it listens, and at the end a line of JSON: what it got, and how that ended.
"""
import hashlib
import json
import socket
import ssl
import sys

PATIENCE = 120
plan = json.loads(sys.argv[1])


def bytes_of(name, length):
    return hashlib.shake_128(name.encode()).digest(length)


def got(data):
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def connect():
    if plan["role"] == "client":
        return socket.create_connection((plan["host"], plan["port"]), timeout=PATIENCE)
    with socket.create_server((plan["host"], 0)) as server:
        server.settimeout(PATIENCE)
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
    connection.settimeout(PATIENCE)
    return connection


def secure(connection):
    is_server = plan["role"] == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    if is_server:
        context.load_cert_chain(plan["certificate"]["cert"], plan["certificate"]["key"])
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion[plan["version"].replace(".", "_")]
    return context.wrap_socket(connection, server_side=is_server, suppress_ragged_eofs=False)


def read(tls, enough):
    """All until the end of TLS, or until there is enough; and how it ended."""
    data = b""
    while len(data) < enough:
        try:
            chunk = tls.recv(65536)
        except ssl.SSLEOFError:
            return data, "eof"
        except ConnectionError as error:
            return data, type(error).__name__
        if chunk == b"":
            return data, "close_notify"
        data += chunk
    return data, "open"


def read_plain(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def get(tls, path):
    """Whether the server says that it is the last answer."""
    tls.sendall(f"GET {path}?{length} HTTP/1.1\r\nHost: far\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer) - answer.index(b"\r\n\r\n") - 4 < length:
        chunk = tls.recv(65536)
        if chunk == b"":
            raise EOFError(f"close_notify in place of the answer to {path}")
        answer += chunk
    head, body = answer.split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200 ") or body != bytes_of(path, length):
        raise ValueError(f"a wrong answer to {path}: {head}")
    return b"connection: close" in head.lower()


tls = secure(connect())
name, length, told = plan["name"], plan["length"], {}
if plan["behaviour"] == "first":
    data, told["end"] = read(tls, length)
    tls.sendall(bytes_of(name, length))
    tls.unwrap().close()  # our alert, and then the other's: else it raises
    told["end"] = "close_notify" if told["end"] == "open" else told["end"]
elif plan["behaviour"] == "cuts first":
    data, told["end"] = read(tls, length)
    tls.sendall(bytes_of(name, length))
    tls.shutdown(socket.SHUT_WR)  # of the transport alone: Python takes TLS off
    read_plain(tls)  # else what comes meets a reset
    tls.close()
elif plan["behaviour"] in ("answers", "cuts"):
    tls.sendall(bytes_of(name, length))
    data, told["end"] = read(tls, float("inf"))
    if told["end"] == "close_notify" and plan["behaviour"] == "answers":
        tls.unwrap().close()
    else:
        tls.close()
elif plan["behaviour"] == "asks":
    told["answered"] = []
    is_last = False
    while not is_last:
        path = f"/{name}-{len(told['answered'])}"
        is_last = get(tls, path)
        told["answered"].append(path)
    data, told["end"] = read(tls, 1)
    if told["end"] == "close_notify":
        tls.unwrap().close()
else:
    tls.sendall(bytes_of(f"{name}, TLS", length))
    data, told["end"] = read(tls, float("inf"))
    connection = tls.unwrap()
    connection.sendall(bytes_of(f"{name}, plain", length))
    connection.shutdown(socket.SHUT_WR)
    told["plain"] = got(read_plain(connection))
    connection.close()
print(json.dumps({**told, "got": got(data)}), flush=True)
