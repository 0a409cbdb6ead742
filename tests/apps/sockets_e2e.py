#!/usr/bin/env python3
"""Several addresses, and a Unix socket.

usage: sockets_e2e.py DIRECTORY-OF-THE-PROGRAMS
"""

import os
import re
import shutil
import signal
import socket
import subprocess

import _servers as servers
from _servers import PATIENCE, Redis, Troupe, refused, require
from server_e2e import Client, check, encode, parse, require_equal

OK = b"+OK\r\n"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def ask_at(address, port, *words):
    with socket.create_connection((address, port), PATIENCE) as peer:
        peer.sendall(encode(*words))
        return peer.recv(1 << 16)


def path_of(name):
    return os.path.join(servers.SCRATCH, name)


class Local(Client):
    """A client of a Unix socket."""

    def __init__(self, path):
        self.port = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.buffer = b""


def check_addresses():
    for text, wanted in (("127.0.0.1 127.0.0.2", "127.0.0.1 127.0.0.2"),
                         ("127.0.0.1,127.0.0.2", "127.0.0.1 127.0.0.2"),
                         ("localhost", "127.0.0.1")):
        server = Troupe("--no-console", f"--bind={text}")
        for address in wanted.split():
            require_equal(ask_at(address, server.port, "PING"), b"+PONG\r\n",
                          address)
            require_equal(parse(ask_at(address, server.port, "CONFIG", "GET",
                                       "bind"))[1].decode(), wanted, text)
        listener = ",".join(f"bind={x}" for x in wanted.split())
        require(f"listener0:name=tcp,{listener},port={server.port}\r\n"
                in ask_at("127.0.0.1", server.port, "INFO", "server").decode(),
                "INFO")
        code, output = server.stop()
        require_equal(code, 0, "the exit code")
        for address in wanted.split()[1:]:
            require(f"; also on {address}:{server.port}" in output.decode(),
                    repr(output))
    # One that this machine does not have, and may be missing.
    server = Troupe("--no-console", "--password=p", "--bind=127.0.0.1 -192.0.2.1")
    with Client(server.port) as client:
        require_equal(client.ask("AUTH", "p"), OK, "AUTH")
        require_equal(parse(client.ask("CONFIG", "GET", "bind"))[1],
                      b"127.0.0.1", "CONFIG GET")
    require_equal(server.stop()[0], 0, "the exit code")
    if not has_ipv6():
        # Also when it is the first one, and the console wants a port beside it.
        server = Troupe("--console-port=0", "--bind=-::1 127.0.0.1",
                        TROUPE_CONSOLE_PASSWORD="p")
        require(server.console_port, "no port for the console")
        require_equal(server.stop()[0], 0, "the exit code")
    if has_ipv6():
        for text, addresses in (("127.0.0.1 ::1", ("127.0.0.1", "::1")),
                                ("127.0.0.1 -::1", ("127.0.0.1", "::1")),
                                ("::1", ("::1",))):
            server = Troupe("--no-console", f"--bind={text}")
            for address in addresses:
                require_equal(ask_at(address, server.port, "PING"),
                              b"+PONG\r\n", f"{address} of {text}")
            require_equal(server.stop()[0], 0, "the exit code")
        server = Troupe("--no-console", "--bind=* -::*", "--password=p")
        for address in ("127.0.0.1", "127.0.0.3", "::1"):
            require_equal(ask_at(address, server.port, "AUTH", "p"), OK, address)
        require_equal(server.stop()[0], 0, "the exit code")


def check_wrong_addresses():
    for text, why in (("127.0.0.1 nowhere", "'nowhere' is not an IP"),
                      (" ", "no address to listen on"),
                      ("127.0.0.1 192.0.2.1", "without authentication"),
                      (" ".join(f"127.0.0.{i}" for i in range(1, 18)),
                       "allowed: up to 16")):
        code, output = refused("--port=0", "--no-console", f"--bind={text}")
        require(code == 2 and why in output, f"{text}: {code}, {output!r}")
    code, output = refused("--port=0", "--no-console", "--password=p",
                           "--bind=127.0.0.1 192.0.2.1")
    require(code == 1 and "cannot listen on 192.0.2.1" in output, repr(output))
    code, output = refused("--port=0", "--no-console", "--password=p",
                           "--bind=-192.0.2.1")
    require(code == 1 and "has none of the addresses" in output, repr(output))
    # One of the addresses has the port in use.
    with socket.socket() as other:
        other.bind(("127.0.0.2", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output = refused(f"--port={port}", "--no-console",
                               "--bind=127.0.0.1 127.0.0.2")
        require(code == 1 and f"port {port} on 127.0.0.2 is in use" in output,
                repr(output))


def check_unix_socket():
    path = path_of("troupe.sock")
    redis_path = path_of("redis.sock")
    server = Troupe("--no-console", f"--unixsocket={path}",
                    "--unixsocketperm=700")
    redis = Redis("--unixsocket", redis_path, "--unixsocketperm", "700")
    for x in (path, redis_path):
        require_equal(os.stat(x).st_mode & 0o777, 0o700, f"the mode of {x}")
    with Local(path) as one, Local(redis_path) as two, \
            Client(server.port) as tcp:
        for words in (("SET", "k", b"v" * 1_000_000), ("GET", "k"),
                      ("CONFIG", "GET", "unixsocketperm"), ("DEL", "k")):
            require_equal(one.ask(*words), two.ask(*words), str(words[:2]))
        require_equal(parse(one.ask("CONFIG", "GET", "unixsocket")),
                      [b"unixsocket", path.encode()], "CONFIG GET")
        lines = []
        for client, where in ((one, path), (two, redis_path)):
            line = client.ask("CLIENT", "INFO").decode()
            lines.append(re.search(r" flags=\S+ ", line).group())
            require(f"addr={where}:0 laddr={where}:0 " in line, line)
        require_equal(lines[0], lines[1], "CLIENT INFO")
        require(f"name=unix,bind={path}\r\n"
                in one.ask("INFO", "server").decode(), "INFO")
        one.ask("SET", "shared", "x")
        require_equal(tcp.ask("GET", "shared"), b"$1\r\nx\r\n", "over TCP")
        # All of a pipeline before anything is read.
        one.send(encode("SET", "a", b"v" * 5000) * 5000 + encode("PING"))
        for _ in range(5000):
            require_equal(one.reply(), OK, "SET")
        require_equal(one.reply(), b"+PONG\r\n", "PING")
        one.send(encode("CLIENT", "KILL", f"{path}:0"))
        require_equal(one.rest(), OK, "CLIENT KILL")
    code, output = server.stop()
    require_equal(code, 0, "the exit code")
    require(f"; Unix socket {path}\n" in output.decode(), repr(output))
    require(not os.path.exists(path), "the file is there after the end")
    redis.stop()


def check_only_unix_socket():
    path = path_of("only.sock")
    server = Troupe("--no-console", "--no-plain", f"--unixsocket={path}",
                    "--password=p")
    require_equal(server.port, None, "the TCP port")
    with Local(path) as client:
        require(client.ask("GET", "k").startswith(b"-NOAUTH"), "no password")
        require_equal(client.ask("AUTH", "p"), OK, "AUTH")
        require_equal(client.ask("SET", "k", "v"), OK, "SET")
    if shutil.which("redis-cli"):
        done = subprocess.run(
            ["redis-cli", "-s", path, "-a", "p", "--no-auth-warning", "shutdown"],
            timeout=PATIENCE, capture_output=True, check=False)
        require_equal((done.returncode, done.stdout), (0, b""), "redis-cli")
    else:
        server.send_signal(signal.SIGTERM)
    require_equal(server.wait()[0], 0, "the exit code")
    require(not os.path.exists(path), "the file is there after the end")


def check_two_only_unix_sockets():
    """Each has a console."""
    two = [Troupe("--no-plain", f"--unixsocket={path_of(x)}") for x in "ab"]
    for server in two:
        require(server.console_socket.endswith(f"/pid-{server.pid}.sock"),
                f"the console is on {server.console_socket!r}")
    for server in two:
        require_equal(server.stop()[0], 0, "the exit code")


def check_stale_sockets():
    path = path_of("stale.sock")
    server = Troupe("--no-console", f"--unixsocket={path}")
    # It is in use.
    code, output = refused("--port=0", "--no-console", f"--unixsocket={path}")
    require(code == 1 and f"a program listens on {path}" in output, repr(output))
    with Local(path) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "the first one")
    server.stop(signal.SIGKILL)
    require(os.path.exists(path), "a crash removed the file")
    server = Troupe("--no-console", f"--unixsocket={path}")
    with Local(path) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "after a crash")
    # A socket of another kind, as that of a logger, stays.
    log = path_of("log.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(log)
        code, output = refused("--port=0", "--no-console", f"--unixsocket={log}")
        require(code == 1 and f"a program uses the socket {log} (" in output,
                repr(output))
        require(os.path.exists(log), "it removed a logger's socket")
    # It is another's by now.
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        require_equal(server.stop()[0], 0, "the exit code")
        require(os.path.exists(path), "it removed what is not its own")
    os.unlink(path)
    # Other files stay.
    with open(path, "w", encoding="ascii") as file:
        file.write("mine")
    code, output = refused("--port=0", "--no-console", f"--unixsocket={path}")
    require(code == 1 and "is not a socket" in output, repr(output))
    with open(path, encoding="ascii") as file:
        require_equal(file.read(), "mine", "the file")


def check_wrong_sockets():
    for options, code, why in (
            ([f"--unixsocket={'x' * 108}"], 2, "allows up to 107"),
            (["--unixsocket=none/x.sock"], 1, "No such file or directory"),
            (["--unixsocket=x", "--unixsocketperm=778"], 2, "0 to 777"),
            (["--unixsocket=x", "--unixsocketperm=1777"], 2, "0 to 777"),
            (["--unixsocket=x", "--unixsocketperm=rw"], 2, "0 to 777")):
        got, output = refused("--port=0", "--no-console", *options)
        require(got == code and why in output, f"{options}: {got}, {output!r}")
    require("x" not in os.listdir(servers.SCRATCH), "a socket was left")


def main():
    check("several addresses", check_addresses)
    check("addresses that cannot be", check_wrong_addresses)
    check("a Unix socket", check_unix_socket)
    check("nothing but a Unix socket", check_only_unix_socket)
    check("nothing but Unix sockets, twice", check_two_only_unix_sockets)
    check("sockets of others and of crashes", check_stale_sockets)
    check("sockets that cannot be", check_wrong_sockets)


if __name__ == "__main__":
    servers.run(__doc__, main)
