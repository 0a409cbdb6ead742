#!/usr/bin/env python3
"""Drives troupe-server from outside: with redis-cli and redis-benchmark, with
raw sockets, and next to a real redis-server whose replies it must repeat byte
by byte.

usage: server_e2e.py DIRECTORY-OF-THE-PROGRAMS

Starts every server itself, on free ports of the loopback interface, and stops
it by its process id. Ends with 1 at the first check that fails.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import _servers as servers
from _servers import (PATIENCE, Failure, Redis, Troupe, fail, keeps_freed_memory,
                      poll, refused, require)


def require_equal(actual, expected, what):
    if actual != expected:
        fail(f"{what}\n  expected: {shorten(expected)}\n"
             f"  actual:   {shorten(actual)}")


def shorten(value, limit=600):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)})"


# -- clients ---------------------------------------------------------------------


def encode(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


class Client:
    def __init__(self, port):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            fail(f"the server closed the connection; rest: "
                 f"{shorten(self.buffer)}")
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.receive()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line + b"\r\n"

    def exactly(self, size):
        if len(self.buffer) < size:
            parts, have = [self.buffer], len(self.buffer)
            while have < size:
                data = self.socket.recv(1 << 20)
                if not data:
                    fail("the server closed the connection in a reply")
                parts.append(data)
                have += len(data)
            self.buffer = b"".join(parts)
        result, self.buffer = self.buffer[:size], self.buffer[size:]
        return result

    def reply(self):
        """The bytes of one reply."""
        head = self.line()
        kind, number = head[:1], head[1:-2]
        if kind in (b"+", b"-", b":", b"_", b",", b"#"):
            return head
        if kind in (b"$", b"="):
            return head if number == b"-1" else (
                head + self.exactly(int(number) + 2))
        require(kind in (b"*", b"%", b"~", b">"),
                f"no reply begins like this: {head!r}")
        count = int(number) * (2 if kind == b"%" else 1)
        return head + b"".join(self.reply() for _ in range(count))

    def ask(self, *words):
        self.send(encode(*words))
        return self.reply()

    def rest(self):
        """Everything until the server closes."""
        parts = [self.buffer]
        self.buffer = b""
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                parts.append(b"<reset>")
                data = b""
            if not data:
                return b"".join(parts)
            parts.append(data)


def parse(reply):
    """A reply as Python values."""
    def value(data):
        head, rest = data.split(b"\r\n", 1)
        kind, text = head[:1], head[1:]
        if kind == b":":
            return int(text), rest
        if kind == b"$":
            size = int(text)
            return (None, rest) if size < 0 else (rest[:size], rest[size + 2:])
        if kind == b"*":
            items = []
            for _ in range(int(text)):
                item, rest = value(rest)
                items.append(item)
            return items, rest
        return text, rest
    return value(reply)[0]


# -- checks: the start -------------------------------------------------------------


def check_bad_options():
    for option, expected in [
            ("--prot=1", "--prot=1"),
            ("--port=70000", "--port=70000"),
            ("--port=abc", "--port=abc"),
            ("--port", "--port"),
            ("--drain-timeout=5us", "--drain-timeout=5us"),
            ("port", "unexpected argument port"),
            ("--threads=100000", "--threads=100000"),
            ("--max-connections=0", "--max-connections=0"),
            ("--shards=3", "power of two"),
            ("--jitter=2", "jitter"),
            ("--ttl=-1s", "--ttl"),
            ("--max-value-size=536870913", "--max-value-size"),
            ("--config-file=missing.ini", "missing.ini")]:
        code, output = refused(option)
        require(code == 2 and expected in output and "--help" in output,
                f"{option}: exit code {code}, {output!r}")


def check_bind():
    for address in ["0.0.0.0", "::", "192.0.2.1"]:
        code, output = refused("--port=0", f"--bind={address}")
        require(code == 2 and "authentication" in output,
                f"--bind={address}: exit code {code}, {output!r}")
        require("TROUPE_PASSWORD" in output, output)
    code, output = refused("--port=0", "--bind=example")
    require(code == 2 and "not an IP address" in output, output)


def check_help():
    code, output = refused("--help")
    require_equal(code, 0, "the exit code of --help")
    for option in ["port", "bind", "threads", "max-connections",
                   "console-port", "console-socket", "console-password",
                   "no-console", "drain-timeout", "shards",
                   "password", "databases", "timeout",
                   "client-query-buffer-limit", "max-reply", "no-plain",
                   "tls-port", "tls-cert-file", "tls-key-file",
                   "tls-key-file-pass", "tls-ca-cert-file", "tls-auth-clients",
                   "tls-protocols", "tls-ciphers", "tls-ciphersuites",
                   "tls-handshake-timeout",
                   "ttl", "jitter", "max-key-size", "max-value-size"]:
        require(f"--{option}" in output, f"--help says nothing of {option}")


def check_port_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output = refused(f"--port={port}", "--no-console")
        require(code == 1 and f"port {port}" in output
                and "in use" in output and "--port=" in output,
                f"port in use: exit code {code}, {output!r}")
        code, output = refused("--port=0", f"--console-port={port}",
                               TROUPE_CONSOLE_PASSWORD="secret")
        require(code == 1 and f"port {port} on 127.0.0.1 is in use; end the "
                "program that uses it, or choose another port with "
                "--console-port=N (0: any free port), or none with "
                "--no-console" in output,
                f"console port in use: exit code {code}, {output!r}")


def check_configuration_file():
    path = os.path.join(servers.SCRATCH, "server.ini")
    with open(path, "w", encoding="ascii") as file:
        file.write("[server]\nthreads=1\nmax-key-size=10\nno-console=true\n")
    server = Troupe(f"--config-file={path}", "--max-key-size=5")
    require_equal(server.console_port, None, "the console's port")
    with Client(server.port) as client:
        require_equal(client.ask("SET", "12345", "v"), b"+OK\r\n",
                      "a key of the size the command line allows")
        reply = client.ask("SET", "123456", "v")
        require(reply.startswith(b"-ERR key is too large: "), repr(reply))
    require_equal(server.stop()[0], 0, "the exit code")
    with open(path, "w", encoding="ascii") as file:
        file.write("[server]\nprot=1\n")
    code, output = refused(f"--config-file={path}")
    require(code == 2 and "prot" in output, f"exit code {code}, {output!r}")


# -- checks: tools of Redis ----------------------------------------------------------


def run_tool(*command, stdin=b""):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=4 * PATIENCE,
                          check=False)
    require(done.returncode == 0,
            f"{' '.join(command)}: exit code {done.returncode}, "
            f"{done.stdout!r}")
    return done.stdout.decode()


def check_redis_cli(server):
    def cli(*words, stdin=b""):
        return run_tool("redis-cli", "-p", str(server.port), *words,
                        stdin=stdin)
    for words, expected in [
            (["PING"], "PONG\n"),
            (["SET", "greeting", "hello world"], "OK\n"),
            (["GET", "greeting"], "hello world\n"),
            (["GET", "missing"], "\n"),
            (["INCR", "visits"], "1\n"),
            (["MGET", "greeting", "visits"], "hello world\n1\n"),
            (["-n", "0", "DEL", "greeting", "visits"], "2\n"),
            (["COMMAND", "COUNT"], None),
            (["COMMAND", "DOCS"], None),
            (["-3", "PING"], None)]:
        output = cli(*words)
        if expected is not None:
            require_equal(output, expected, f"redis-cli {' '.join(words)}")
    require("role:master" in cli("INFO", "replication"), "INFO replication")
    # A session like that of a person.
    output = cli(stdin=b"set a 1\nincr a\nget a\nfoo\n")
    require_equal(output.splitlines()[:3], ["OK", "2", "2"], "a session")
    require("ERR unknown command 'foo'" in output, output)
    commands = b"".join(encode("SET", f"bulk:{i}", i) for i in range(10000))
    output = cli("--pipe", stdin=commands)
    require("errors: 0, replies: 10000" in output, f"--pipe: {output!r}")


def check_redis_benchmark(server):
    output = run_tool("redis-benchmark", "-p", str(server.port), "-q", "-n",
                      "20000", "-P", "16", "-t", "get,set,incr,mset", "-r",
                      "1000")
    for test in ["SET", "GET", "INCR", "MSET (10 keys)"]:
        require(re.search(re.escape(test) + r": [\d.]+ requests per second",
                          output), f"redis-benchmark, {test}: {output!r}")
    require("WARN" not in output and "rror" not in output, output)


# -- checks: raw sockets ---------------------------------------------------------------


def check_pipeline(server):
    with Client(server.port) as client:
        data, expected = [], []
        for i in range(10000):
            key = f"pipeline:{i % 500}"
            data += [encode("SET", key, i), encode("GET", key),
                     encode("GET", "pipeline:missing"), encode("INCR", key)]
            expected += [b"+OK\r\n", bulk(str(i).encode()), b"$-1\r\n",
                         b":%d\r\n" % (i + 1)]
        sender = threading.Thread(target=client.send, args=(b"".join(data),))
        sender.start()
        wanted = b"".join(expected)
        got = client.exactly(len(wanted))
        sender.join()
        if got != wanted:
            at = next(i for i, (a, b) in enumerate(zip(got, wanted)) if a != b)
            require_equal(got[at:at + 100], wanted[at:at + 100],
                          f"40,000 pipelined commands differ at byte {at}")


def check_binary(server):
    everything = bytes(range(256)) * 4
    with Client(server.port) as client:
        for value in [b"", b"\0", b"\r\n", b"$5\r\nhello\r\n", everything]:
            require_equal(client.ask("SET", value + b"k", value), b"+OK\r\n",
                          "SET of binary key and value")
            require_equal(client.ask("GET", value + b"k"), bulk(value),
                          "GET of a binary value")


def check_large_values(server):
    value = os.urandom(1 << 20)
    with Client(server.port) as client:
        for i in range(8):
            require_equal(client.ask("SET", f"large:{i}", value), b"+OK\r\n",
                          "SET of 1 MiB")
        expected = b"*8\r\n" + bulk(value) * 8
        require(client.ask("MGET", *[f"large:{i}" for i in range(8)])
                == expected, "MGET of 8 MiB")
        # In small pieces, with a command behind it in the last one.
        data = encode("SET", "large:0", value[::-1]) + encode("PING")
        for i in range(0, len(data), 65521):
            client.send(data[i:i + 65521])
        require_equal(client.reply() + client.reply(), b"+OK\r\n+PONG\r\n",
                      "SET of 1 MiB in pieces")
        require(client.ask("GET", "large:0") == bulk(value[::-1]),
                "GET of 1 MiB")
        require_equal(client.ask("DEL", *[f"large:{i}" for i in range(8)]),
                      b":8\r\n", "DEL")


def check_slow_reader(server):
    """A client that asks for a gigabyte and does not read costs little."""
    value = b"v" * (1 << 20)
    count = 1000
    with Client(server.port) as client, Client(server.port) as other:
        client.ask("SET", "slow", value)
        before = server.resident_bytes()
        client.send(encode("GET", "slow") * count)
        for _ in range(200):
            require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
        grown = server.resident_bytes() - before
        require(keeps_freed_memory() or grown < 400 << 20,
                f"the server grew by {grown >> 20} MiB")
        expected = bulk(value)
        for i in range(count):
            require(client.exactly(len(expected)) == expected,
                    f"reply {i} of {count}")
        require_equal(client.ask("DEL", "slow"), b":1\r\n", "DEL")


def check_write_before_read(server):
    """Clients that send all they have before they read anything."""
    size = 10 << 20
    big = b"b" * size
    with Client(server.port) as client:
        client.socket.settimeout(PATIENCE)
        client.ask("SET", "big", big)
        # One write; the server cannot send the value before this has been taken.
        client.send(encode("GET", "big") + encode("SET", "other", big)
                    + encode("GET", "other") + encode("DEL", "other"))
        require_equal(client.exactly(len(bulk(big))), bulk(big), "the first value")
        require_equal(client.reply(), b"+OK\r\n", "SET")
        require(client.exactly(len(bulk(big))) == bulk(big), "the second value")
        require_equal(client.reply(), b":1\r\n", "DEL")
        value = b"v" * 500
        client.ask("SET", "small", value)
        count = 200_000
        client.send(encode("GET", "small") * count)
        got = client.exactly(len(bulk(value)) * count)
        require(got == bulk(value) * count, "small values")
        # A large argument that comes while replies wait, byte by byte at its end.
        client.send(encode("GET", "big") * 3 + encode("SET", "other", big)[:-9])
        for byte in encode("SET", "other", big)[-9:]:
            client.send(bytes([byte]))
        client.send(encode("STRLEN", "other"))
        client.exactly(3 * len(bulk(big)))
        require_equal(client.reply(), b"+OK\r\n", "SET")
        require_equal(client.reply(), b":%d\r\n" % size, "STRLEN")
        # Who sends no more, and says so, gets all the same.
        client.send(encode("GET", "big") * 3 + encode("DEL", "big", "other"))
        client.socket.shutdown(socket.SHUT_WR)
        require(client.rest() == bulk(big) * 3 + b":2\r\n", "the last replies")


def check_write_before_read_bounds():
    """What may be sent ahead has bounds, for one client and for all."""
    big = b"b" * (8 << 20)
    for option, field in [
            ("--client-query-buffer-limit=16777216",
             "client_query_buffer_limit_disconnections"),
            ("--maxmemory-clients=16mb", "evicted_clients")]:
        server = Troupe("--no-console", option)
        with Client(server.port) as client, Client(server.port) as other:
            client.ask("SET", "k", big)
            try:
                client.send(encode("GET", "k") * 10
                            + encode("SET", "j", big[:1 << 20]) * 100)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It was cut while it sent.
            poll(lambda: f"{field}:1\r\n" in
                 other.ask("INFO", "stats").decode(), field)
            require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
        require_equal(server.stop()[0], 0, "the exit code")
    # Strangers take their replies, or are not read.
    server = Troupe("--no-console", "--password=p")
    with Client(server.port) as client, Client(server.port) as other:
        other.ask("AUTH", "p")
        before = server.resident_bytes()
        client.socket.setblocking(False)
        sent = 0
        try:
            while sent < 256 << 20:
                sent += client.socket.send(encode("PING") * 10_000)
        except BlockingIOError:
            pass
        for _ in range(200):
            require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
        grown = server.resident_bytes() - before
        require(keeps_freed_memory() or grown < 64 << 20,
                f"the server grew by {grown >> 20} MiB")
    require_equal(server.stop()[0], 0, "the exit code")


def check_hostile_lengths(server):
    """Declared lengths, 50 GiB here, cost nothing until the bytes arrive."""
    before = server.resident_bytes()
    clients = [Client(server.port) for _ in range(100)]
    for client in clients:
        client.send(b"*1048576\r\n$536870912\r\nabc")
    with Client(server.port) as other:
        for _ in range(100):
            require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
    grown = server.resident_bytes() - before
    require(keeps_freed_memory() or grown < 400 << 20,
            f"the server grew by {grown >> 20} MiB")
    for client in clients:
        client.socket.close()


def check_protocol_errors(server):
    for data, expected in [
            (b"*2147483648\r\n", b"invalid multibulk length"),
            (b"*a\r\n", b"invalid multibulk length"),
            (b"*1\r\n$-1\r\n", b"invalid bulk length"),
            (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
            (b"*1\r\nPING\r\n", b"expected '$', got 'P'"),
            (b"*1\r\n$4\r\nPINGPING\r\n", b"invalid bulk terminator"),
            (b"a" * 70000, b"too big inline request"),
            (b"*" + b"1" * 70000, b"too big mbulk count string"),
            (b"*1\r\n$" + b"1" * 70000, b"too big bulk count string"),
            (b"PING \"x\r\n", b"unbalanced quotes in request")]:
        with Client(server.port) as client:
            client.send(b"*1\r\n$4\r\nPING\r\n" + data)
            require_equal(client.rest(), b"+PONG\r\n-ERR Protocol error: "
                          + expected + b"\r\n", f"after {shorten(data, 60)}")
    # The reason arrives although the client is still sending.
    with Client(server.port) as client:
        try:
            client.send(b"*x\r\n" + b"y" * 500_000)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It took us longer than the server listens on.
        require_equal(client.rest().removesuffix(b"<reset>"),
                      b"-ERR Protocol error: invalid multibulk length\r\n",
                      "after half a megabyte of garbage")


def check_web_pages():
    """What a browser sends is not executed, and whoever looks at the log sees it."""
    body = b"\r\nset pwned yes\r\n"
    for request in (b"POST / HTTP/1.1\r\nHost: x\r\n", b"post x\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\n",
                    b"PUT / HTTP/1.1\r\nHOST: x\r\n", encode("POST", "/")):
        server = Troupe("--no-console")
        with Client(server.port) as client:
            client.send(request + body)
            answer = client.rest()
            require(b"+OK" not in answer, f"{request!r}: {answer!r}")
        with Client(server.port) as client:
            require_equal(client.ask("EXISTS", "pwned"), b":0\r\n", request)
            text = client.ask("INFO", "stats").decode()
            require("http_requests_refused:1\r\n" in text, text)
        code, output = server.stop()
        require_equal(code, 0, "the exit code")
        require(output.count(b"a request of HTTP") == 1, repr(output))


def check_shutdown():
    for words in (("SHUTDOWN",), ("SHUTDOWN", "NOSAVE"),
                  ("shutdown", "save", "now", "force")):
        server = Troupe("--no-console")
        with Client(server.port) as client:
            for wrong, error in [
                    (("SHUTDOWN", "ABORT"), b"-ERR No shutdown in progress."),
                    (("SHUTDOWN", "NOSAVE", "SAVE"), b"-ERR syntax error"),
                    (("SHUTDOWN", "soon"), b"-ERR syntax error")]:
                require_equal(client.ask(*wrong), error + b"\r\n", str(wrong))
            client.ask("MULTI")
            require_equal(client.ask(*words), b"-ERR Command not allowed inside "
                          b"a transaction\r\n", "in a transaction")
            client.ask("DISCARD")
            client.send(encode(*words))
            require_equal(client.rest(), b"", f"the reply to {words}")
        code, output = server.wait()
        require_equal(code, 0, f"the exit code; output {output!r}")
        require(b"stopped\n" in output, repr(output))
    if installed("redis-cli"):
        server = Troupe("--no-console")
        done = subprocess.run(["redis-cli", "-p", str(server.port), "shutdown"],
                              timeout=PATIENCE, capture_output=True, check=False)
        require_equal((done.returncode, done.stdout), (0, b""), "redis-cli")
        require_equal(server.wait()[0], 0, "the exit code")


def check_version():
    code, output = refused("--version")
    require_equal(code, 0, "the exit code")
    require(re.fullmatch(r"troupe-server \d+\.\d+\.\d+\n", output), output)


def check_hangup():
    """Without TLS there is nothing to reload; it does not end the server."""
    server = Troupe("--no-console")
    server.send_signal(signal.SIGHUP)
    require(server.wait_for(rb"there is nothing to read anew\n"),
            f"the server ended: {server.output!r}")
    with Client(server.port) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING")
    require_equal(server.stop()[0], 0, "the exit code")


def check_half_close(server):
    with Client(server.port) as client:
        value = b"h" * 100_000
        client.send(encode("SET", "half", value)
                    + encode("GET", "half") * 100 + encode("DEL", "half"))
        client.socket.shutdown(socket.SHUT_WR)
        got = client.rest()
        require(got == b"+OK\r\n" + bulk(value) * 100 + b":1\r\n",
                f"after a half-close came {len(got)} bytes")


def check_quit(server):
    with Client(server.port) as client:
        client.send(encode("SET", "quit", "1") + encode("QUIT")
                    + encode("SET", "quit", "2"))
        require_equal(client.rest(), b"+OK\r\n+OK\r\n", "QUIT")
    with Client(server.port) as client:
        require_equal(client.ask("GET", "quit"), bulk(b"1"),
                      "what stands behind QUIT")


def check_expiry(server):
    with Client(server.port) as client:
        client.ask("SET", "soon", "v", "PX", "50")
        client.ask("SET", "later", "v", "EX", "1000")
        poll(lambda: client.ask("GET", "soon") == b"$-1\r\n", "the expiry")
        left = parse(client.ask("TTL", "later"))
        require(1000 - 2 * PATIENCE < left <= 1000, f"TTL: {left}")
        require_equal(client.ask("EXPIRE", "later", "-1"), b":1\r\n", "EXPIRE")
        require_equal(client.ask("EXISTS", "later"), b":0\r\n", "EXISTS")


def check_many_clients(server):
    count, rounds = 20, 100
    problems = []

    def work():
        try:
            with Client(server.port) as client:
                for _ in range(rounds):
                    client.send(encode("INCR", "shared") * 10)
                    for _ in range(10):
                        require(client.reply().startswith(b":"), "INCR")
        except (Failure, OSError) as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    require(not problems, f"{problems}")
    with Client(server.port) as client:
        require_equal(client.ask("GET", "shared"),
                      bulk(b"%d" % (count * rounds * 10)),
                      "the sum of all increments")


def check_info(server):
    with Client(server.port) as client:
        client.ask("FLUSHALL")
        client.ask("SET", "k", "v")
        info = parse(client.ask("INFO")).decode()
        for field, value in [("process_id", server.pid),
                             ("tcp_port", server.port), ("loading", 0),
                             ("role", "master")]:
            require(f"\r\n{field}:{value}\r\n" in info, f"INFO: {field}")
        require(re.search(r"\r\nredis_version:7\.", info), "redis_version")
        require(re.search(r"\r\ndb0:keys=1,", info), "keyspace")
        poll(lambda: b"connected_clients:1\r\n" in client.ask(
            "INFO", "clients"), "the others to be gone")


def check_databases(server):
    with Client(server.port) as one, Client(server.port) as other:
        one.ask("FLUSHALL")
        for i in range(16):
            require_equal(one.ask("SELECT", i), b"+OK\r\n", f"SELECT {i}")
            require_equal(one.ask("SET", "k", i), b"+OK\r\n", "SET")
        require_equal(other.ask("GET", "k"), bulk(b"0"), "database 0")
        require_equal(other.ask("SELECT", 7), b"+OK\r\n", "SELECT 7")
        require_equal(other.ask("GET", "k"), bulk(b"7"), "database 7")
        require_equal(other.ask("FLUSHDB"), b"+OK\r\n", "FLUSHDB")
        keyspace = parse(one.ask("INFO", "keyspace")).decode()
        require(re.findall(r"db(\d+):keys=1,", keyspace)
                == [str(i) for i in range(16) if i != 7], keyspace)
        require_equal(one.ask("FLUSHALL"), b"+OK\r\n", "FLUSHALL")
        require_equal(one.ask("INFO", "keyspace"), bulk(b"# Keyspace\r\n"),
                      "INFO keyspace")


def check_clients(server):
    """CLIENT LIST and KILL reach the clients of all threads."""
    def find(client, **fields):
        lines = parse(client.ask("CLIENT", "LIST")).decode().splitlines()
        wanted = [f" {name}={value} " for name, value in fields.items()]
        return [x for x in lines if all(w in f" {x} " for w in wanted)]

    with Client(server.port) as client:
        others = [Client(server.port) for _ in range(10)]
        for i, other in enumerate(others):
            other.ask("CLIENT", "SETNAME", f"other{i}")
            other.ask("SELECT", i)
            own = "%s:%d" % other.socket.getsockname()
            require_equal(len(find(client, addr=own, name=f"other{i}",
                                   laddr=f"127.0.0.1:{server.port}")), 1,
                          f"client {i} in CLIENT LIST")
        # The turn in which SELECT ran ends before the next one begins.
        poll(lambda: all(find(client, name=f"other{i}", db=i,
                              cmd="select") for i in range(10)),
             "all to be listed with their databases")
        own = int(client.ask("CLIENT", "ID")[1:])
        require(f"id={own} " in parse(client.ask("CLIENT", "INFO")).decode(),
                "CLIENT INFO")
        number = re.search(r"id=(\d+)", find(client, name="other0")[0])[1]
        require_equal(client.ask("CLIENT", "KILL", "ID", number), b":1\r\n",
                      "CLIENT KILL ID")
        require_equal(others[0].rest(), b"", "the killed client")
        require_equal(find(client, name="other0"), [], "CLIENT LIST after it")
        address = "%s:%d" % others[1].socket.getsockname()
        require_equal(client.ask("CLIENT", "KILL", address), b"+OK\r\n",
                      "CLIENT KILL of an address")
        require_equal(others[1].rest(), b"", "the killed client")
        killed = client.ask("CLIENT", "KILL", "TYPE", "normal")
        require(int(killed[1:]) >= 8, f"CLIENT KILL TYPE normal: {killed!r}")
        for other in others[2:]:
            require_equal(other.rest(), b"", "one of the killed clients")
        require_equal(client.ask("CLIENT", "KILL", "ID", own, "SKIPME", "no"),
                      b":1\r\n", "CLIENT KILL of itself")
        require_equal(client.rest(), b"", "after that")
        for other in others:
            other.socket.close()
    with Client(server.port) as client:
        client.send(encode("CLIENT", "REPLY", "OFF") + encode("PING") * 1000
                    + encode("CLIENT", "REPLY", "ON") + encode("ECHO", "x"))
        require_equal(client.reply() + client.reply(), b"+OK\r\n" + bulk(b"x"),
                      "CLIENT REPLY")


def longest_silence(busy, idle):
    """Keeps one client busy until the server ends the other one. Returns the
    longest time in seconds between two commands, and whether the busy client was
    ended, too."""
    longest, last = 0.0, time.monotonic()
    idle.socket.setblocking(False)
    while True:
        try:
            require_equal(idle.socket.recv(1), b"", "the idle client")
            return longest, False
        except BlockingIOError:
            pass
        try:
            alive = busy.ask("PING") == b"+PONG\r\n"
        except (Failure, OSError):
            alive = False
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if not alive:
            return longest, True


def check_idle_timeout():
    # This process may lose its processor for longer than the server waits; then
    # the busy client was silent, too, and we ask for more patience.
    for timeout in (1, 4, 16, 64):
        server = Troupe("--no-console", f"--timeout={timeout}s")
        with Client(server.port) as idle, Client(server.port) as busy:
            silence, ended = longest_silence(busy, idle)
            require(not ended or silence > timeout / 2,
                    f"a client was ended that was never silent for more than "
                    f"{silence} s; the limit was {timeout} s")
        if not ended:
            check_changed_limits(server)
            require_equal(server.stop()[0], 0, "the exit code")
            return f"after {timeout} s"
        server.stop()
    fail("this machine is too slow to tell a busy client from an idle one")


def check_changed_limits(server):
    def without_timeout():
        try:
            with Client(server.port) as client:
                return client.ask("CONFIG", "SET", "timeout", 0) == b"+OK\r\n"
        except (Failure, OSError):
            return False  # We were silent for too long ourselves.

    poll(without_timeout, "CONFIG SET timeout")
    with Client(server.port) as client:
        require_equal(client.ask("CONFIG", "SET", "maxclients", 1), b"+OK\r\n",
                      "CONFIG SET maxclients")
        with Client(server.port) as other:
            require_equal(other.rest(),
                          b"-ERR max number of clients reached\r\n",
                          "a second client")


def check_password():
    """A server on all addresses, whose password is in its environment."""
    server = Troupe("--bind=0.0.0.0", "--console-port=0", "--databases=2",
                    TROUPE_PASSWORD="a secret",
                    TROUPE_CONSOLE_PASSWORD="another secret")
    with Client(server.port) as client:
        noauth = b"-NOAUTH Authentication required.\r\n"
        require_equal(client.ask("GET", "k"), noauth, "a stranger")
        # Everything behind AUTH is of a client that is let in.
        client.send(encode("GET", "k") + encode("AUTH", "a secret")
                    + encode("SET", "k", b"v" * 100_000)
                    + encode("MGET", *["k"] * 20))
        require_equal(client.reply() + client.reply() + client.reply(),
                      noauth + b"+OK\r\n+OK\r\n", "AUTH in a pipeline")
        require(client.reply().startswith(b"*20\r\n$100000\r\n"), "MGET")
        require(client.ask("SELECT", 1) == b"+OK\r\n"
                and client.ask("SELECT", 2).startswith(b"-ERR DB index"),
                "--databases=2")
    with Client(server.port) as client:
        require(client.ask("AUTH", "wrong").startswith(b"-WRONGPASS "), "AUTH")
        client.send(b"*11\r\n")
        require_equal(client.rest(), b"-ERR Protocol error: unauthenticated "
                      b"multibulk length\r\n", "a stranger with many words")
    code, output = server.stop()
    require_equal(code, 0, "the exit code")
    require(b"secret" not in output, "the password is printed")
    require(f"console on {server.console_socket}, 127.0.0.1:".encode() in output,
            f"the console listens where others reach it: {output!r}")


def check_same_refusals():
    """A stranger hears from us what he hears from Redis."""
    server = Troupe("--no-console", "--password=secret")
    redis = Redis("--requirepass", "secret")
    for line in REFUSALS.strip().splitlines():
        with Client(server.port) as ours, Client(redis.port) as theirs:
            for text in line.split("|"):
                require_equal(ours.ask(*words_of(text)),
                              theirs.ask(*words_of(text)),
                              f"not the reply of Redis to {text} in {line}")
    server.stop()


# Sessions at servers that want the password "secret".
REFUSALS = """
get k | foo | get | ping | hello | hello 3 | hello 4 | hello 3 auth default x
auth x | auth default x | auth foo secret | auth default secret x | reset | quit
auth secret | get k | auth x | get k | config get requirepass | reset | get k
auth default secret | select 1 | reset | select 1 | multi | exec
client id | command count | config get requirepass | info | dbsize
"""


# -- checks: limits and the end ----------------------------------------------------------


def check_connection_limit():
    server = Troupe("--max-connections=5", "--no-console")
    clients = [Client(server.port) for _ in range(5)]
    for client in clients:
        require_equal(client.ask("PING"), b"+PONG\r\n", "one of five clients")
    with Client(server.port) as sixth:
        require_equal(sixth.rest(), b"-ERR max number of clients reached\r\n",
                      "the sixth client")
    clients.pop().socket.close()

    def admitted():
        with Client(server.port) as client:
            try:
                return client.ask("PING") == b"+PONG\r\n"
            except (Failure, OSError):
                return False

    poll(admitted, "a place to become free")
    require_equal(server.stop()[0], 0, "the exit code")
    for client in clients:
        client.socket.close()


def check_drain(how):
    server = Troupe(f"--drain-timeout={PATIENCE:g}s")
    require(server.console_socket, "the console's socket is not printed")
    with Client(server.port) as idle, Client(server.port) as busy:
        require_equal(idle.ask("PING"), b"+PONG\r\n", "PING")
        value = b"d" * (1 << 20)
        busy.ask("SET", "k", value)
        # More than fits the sockets' buffers: still being sent at the stop.
        count = 50
        busy.send(encode("GET", "k") * count)
        busy.exactly(len(bulk(value)))
        server.send_signal(how)
        got = busy.rest()
        require(got == bulk(value) * (count - 1),
                f"{len(got)} bytes arrived during the drain")
        require_equal(idle.rest(), b"", "an idle client")
    code, output = server.wait()
    require_equal(code, 0, f"the exit code; output {output!r}")
    require(b"stopped\n" in output and b"stuck" not in output
            and b"cut off" not in output, repr(output))


def check_drain_deadline():
    server = Troupe("--no-console", "--drain-timeout=300ms")
    with Client(server.port) as client:
        client.ask("SET", "k", b"d" * (1 << 20))
        client.send(encode("GET", "k") * 100)
        client.exactly(1)
        code, output = server.stop()
        require_equal(code, 0, f"the exit code; output {output!r}")
        require(b"cut off 1 " in output, repr(output))


# -- checks: next to a real Redis ----------------------------------------------------------

# Sessions of commands; words are separated by blanks, "~" is the empty word.
SESSIONS = """
ping | ping hello | ping a b | PiNg | echo x | echo | echo a b
get k | set k v | get k | GET k | get | get a b | set k | set
set k v nx | set k v xx | set k w NX | set k w Xx | get k | set n v xx
set k v nx xx | set k v xx nx | set k v foo | set k v ex | set k v px
set k v ex 10 | ttl k | set k v px 100000 | ttl k | set k w | ttl k
set k v ex 0 | set k v ex -1 | set k v px 0 | set k v ex a | set k v ex 1.5
set k v ex 9223372036854775807 | set k v px 9223372036854775807
set k v ex 9223372036854776 | set k v ex 99999999999999999999
set k v ex 10 px 10 | set k v ex 10 ex 20 | ttl k | set k v px 1 ex
set k v keepttl | ttl k | set k v ex 10 | set k w keepttl | ttl k | get k
set k v keepttl ex 10 | set k v ex 10 keepttl | set k v exat 1 | get k
set k v exat 0 | set k v pxat -5 | set k v exat 4000000000 xx
set k v get | set k w get | set k x nx get | set k y xx get | get k
set j v xx get | get j | set k z get ex 10 keepttl | set k z get ex 10 | ttl k
set k v exat 1 get | get k | set k v get exat 1 | get k
setex k 10 v | ttl k | get k | setex k 0 v | setex k a v | setex k -1 v
setex k 10 | psetex k 100000 v | ttl k | psetex k 0 v | psetex k 1 | get k
setex k 9223372036854775807 v | psetex k 9223372036854775807 v
setnx k v | setnx k w | get k | setnx k | setnx k v w
mset a 1 b 2 | mget a b c | mget a a | mget | mset a | mset a 1 b | mset
mset a 1 a 2 | get a | mset ~ empty | get ~ | mget ~ a ~
del a b c | del a | del | mset a 1 b 2 | unlink a a b | unlink | exists a
exists a | exists | set a 1 | exists a a a b | exists A
strlen k | set k hello | strlen k | strlen | strlen a b | set k ~ | strlen k
type k | set k v | type k | type | type a b
expire k 10 | set k v | expire k 10 | ttl k | expire k 0 | get k
set k v | expire k -1 | get k | expire k -1 | set k v | pexpire k 100000 | ttl k
expire k a | expire k 1.5 | expire k | expire | expire k 10 foo | expire k ~
expire k 9223372036854775807 | pexpire k 9223372036854775807
expire k -9223372036854775808 | expire k 9223372036854775 | expire k 10 20
pexpire k -9223372036854775808 | set k v | pexpire k -9223372036854775808 | get k
set k v | expire k 10 xx | expire k 10 gt | ttl k | expire k 10 lt | ttl k
expire k 20 nx | expire k 20 lt | expire k 20 gt | ttl k | expire k 15 lt | ttl k
expire k 17 xx | ttl k | expire k 10 nx xx | expire k 10 gt lt | expire k 10 nx gt
expire k 10 xx gt | ttl k | expire k 30 xx gt | ttl k | expire k 10 nx nx
expire n 10 nx | expire k 0 nx | expire k 0 lt | get k
expireat k 1 | set k v | expireat k 4000000000 | expireat k 1 | get k
set k v | pexpireat k 4000000000000 | pexpireat k 1 | get k | expireat k a
ttl k | pttl k | set k v | ttl k | pttl k | ttl | pttl | ttl a b
persist k | persist n | expire k 10 | persist k | ttl k | persist | persist a b
incr n | incr n | get n | decr n | decr n | decr n | incrby n 10 | decrby n 3
incrby n -5 | decrby n -5 | incrby n a | incrby n 1.5 | incrby n ~ | incrby n
incr | incr a b | decrby n | incrby n 9223372036854775808 | incrby n +1
set n abc | incr n | decr n | incrby n 1 | get n | set n ~ | incr n
set n 9223372036854775807 | incr n | get n | decrby n -1 | incrby n 1
set n -9223372036854775808 | decr n | decrby n 1 | incrby n -1 | get n
set n 1 | decrby n -9223372036854775808 | incrby n -9223372036854775808
set n 1.5 | incr n | set n +1 | incr n | set n 9223372036854775808 | incr n
set n 5 ex 100 | incr n | ttl n | set n -1 | incr n | incr n | get n
dbsize | set a 1 | set b 1 | dbsize | dbsize x | flushall | dbsize
set a 1 | flushdb | dbsize | flushall async | flushdb sync | flushall foo
flushall async sync | flushdb a b c | set a 1 | flushall ASYNC | dbsize
select 1 | set k 1 | dbsize | select 0 | get k | dbsize | select 1 | get k
flushdb | select 2 | set k 2 | select 1 | flushall | select 2 | get k | dbsize
config get databases | select 15 | select 16 | reset | get k
multi | set k 0 | select 1 | set k 1 | select 99 | exec | get k | flushdb | get k
select 0 | select | select a | select 99999 | select -1 | select 0 0
config set timeout x | config set timeout -1 | config set timeout 1 timeout 2
config set timeout 1 nosuch 2 | config set maxclients 0 | config get timeout
config set databases 3 timeout 1 | config set timeout 1 port 3 foo
config set timeout 9 | config get timeout | config set timeout 0
config set maxclients 99999999999999 | config set timeout 99999999999
client list type foo | client list type | client list id | client list id a
client list id 99999 99998 | client list foo | client list type master
client list type normal x | client list type replica | client list type slave
client kill | client kill foo | client kill 1.1.1.1:1 | client kill id 0
client kill id a | client kill id | client kill id -5 | client kill type foo
client kill user foo | client kill user default skipme foo | client kill foo bar
client kill addr 1.1.1.1:1 | client kill laddr 1.1.1.1:1 | client kill id 1 addr
client kill skipme yes id 99999 | client kill id 1 addr x skipme no
client no-evict x | client no-evict on | client no-evict off | client no-evict
client reply x | client reply | client reply on | client info x
client | client foo | client id x | client getname | client getname x
client setname me | client getname | client setname ~ | client getname
client setname | client setname a b | CLIENT SetName you | client GETNAME
config | config get save | config get appendonly | config get nosuch
config set nosuch 1 | config foo | config get
config set databases 5 | config set foo
command foo | command count x | command docs nosuch | command info nosuch
command info nosuch nosuch | command list filterby | command list foo bar baz
command list filterby foo bar | command list filterby module nosuch
auth x | auth default x | auth foo x | auth | auth a b c
hello 3 foo | get k | hello 3 setname | hello 3 auth x | hello 3 auth foo x | get k
command list filterby pattern dbsiz? | reset | get k
hello a | hello 1 | hello 4 | hello 2 foo | hello 2 setname | hello 2 auth x
hello 2 auth foo x | hello 99999999999999999999
foo | foo bar | foo a b c d e f g h | ge | gett k | ~ | ~ a
info nosuch | reset | time x | quit a b
"""

# Whole streams, sent in one piece; "\\" as in Python. Each ends with QUIT or
# with an error after which the connection closes.
STREAMS = [
    rb"PING\r\nQUIT\r\n",
    rb"PING\nping\r\n\r\n\n  \r\nQUIT\n",
    rb"set k 'a b'\r\nget k\r\nQUIT\r\n",
    rb"set k \"a\\x41\\n\\t\\\"b\"\r\nget k\r\nset k 'it\\'s'\r\nget k\r\nQUIT\r\n",
    rb"set k a\"b c\"\r\nget k\r\nset k \"\"\r\nget k\r\nQUIT\r\n",
    rb"PING \"a\r\n",
    rb"PING \"a\"b\r\n",
    rb"PING 'a\r\n",
    rb"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n",
    rb"*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n",
    rb"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n",
    rb"*a\r\n", rb"*\r\n", rb"*01\r\n", rb"*+1\r\n", rb"* 1\r\n",
    rb"*99999999999999999999\r\n", rb"*2147483648\r\n",
    rb"*1\r\nPING\r\n", rb"*1\r\n\r\n", rb"*1\r\n:4\r\n",
    rb"*1\r\n$\r\n", rb"*1\r\n$a\r\n", rb"*1\r\n$-1\r\n", rb"*1\r\n$04\r\n",
    rb"*1\r\n$536870913\r\n", rb"*1\r\n$99999999999999999999\r\n",
    rb"*2\r\n$3\r\nGET\r\n$1x\r\n",
    rb"*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n*1\r\n$4\r\nPING\r\n",
    rb"*2\r\n$3\r\nfoo\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nQUIT\r\n",
    rb"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nQUIT\r\n",
    b"a" * 70000,
    b"foo " + b"a" * 200 + b" " + b"b" * 200 + b"\r\nQUIT\r\n",
    b"f" * 300 + b" a b\r\nQUIT\r\n",
]


def words_of(text):
    return [b"" if w == "~" else w.encode().decode("unicode_escape").encode()
            for w in text.split()]


def soon(compare):
    """Runs a comparison of two servers, and once more when something differs
    although this process lost its processor meanwhile: what they say of times
    tells nothing then. A difference that is there every time stands."""
    attempts = 10
    for attempt in range(attempts):
        begin = time.monotonic()
        try:
            return compare()
        except Failure:
            # TTL rounds to whole seconds.
            if time.monotonic() - begin < 0.4 or attempt == attempts - 1:
                raise
    return None


def check_zero_in_a_name(server):
    """Not compared with Redis: it hashes a command's whole name, but compares up
    to the zero, so that one in some hundred of its processes takes it for GET.
    """
    with Client(server.port) as client:
        reply = client.ask(b"get\x00", "k")
    require(reply.startswith(b"-ERR unknown command 'get"), reply)


def check_same_session(server, redis, protocol, line):
    with Client(server.port) as ours, Client(redis.port) as theirs:
        for client in (ours, theirs):
            client.ask("HELLO", protocol)
        require_equal(ours.ask("FLUSHALL"), theirs.ask("FLUSHALL"), "FLUSHALL")
        done = []
        for text in line.split("|"):
            command = words_of(text)
            done.append(text.strip())
            require_equal(ours.ask(*command), theirs.ask(*command),
                          f"not the reply of Redis in RESP{protocol} to the "
                          "last of: " + " | ".join(done))
        return len(done)


def check_same_replies(server, redis):
    lines = SESSIONS.strip().splitlines()
    compared = 0
    for protocol in (2, 3):
        for line in lines:
            compared += soon(
                lambda p=protocol, x=line: check_same_session(server, redis, p,
                                                              x))
    return f"{compared} commands"


def check_same_streams(server, redis):
    for stream in STREAMS:
        data = stream if b"\\" not in stream else (
            stream.decode().encode().decode("unicode_escape").encode("latin1"))
        results = []
        for port in (server.port, redis.port):
            with Client(port) as client:
                client.ask("FLUSHALL")
                client.send(data)
                results.append(client.rest())
        require_equal(results[0], results[1],
                      f"not the replies of Redis to {shorten(data, 100)}")
    return f"{len(STREAMS)} streams"


def check_table(server):
    """COMMAND COUNT, LIST and INFO know the same commands; conformance.py compares them
    with those of Redis."""
    with Client(server.port) as client:
        names = parse(client.ask("COMMAND", "LIST"))
        require_equal(len(names), parse(client.ask("COMMAND", "COUNT")),
                      "COMMAND COUNT")
        for name, row in zip(names, parse(client.ask("COMMAND", "INFO", *names))):
            require_equal(row[0], name, "COMMAND INFO")
    return f"{len(names)} commands"


# -- all of them -----------------------------------------------------------------------------


def check(title, function, *arguments):
    begin = time.monotonic()
    try:
        note = function(*arguments)
    except (Failure, OSError, subprocess.TimeoutExpired) as problem:
        fail(f"{title}\n{type(problem).__name__}: {problem}")
    took = time.monotonic() - begin
    print(f"ok: {title}{f' ({note})' if note else ''} [{took:.1f} s]",
          flush=True)


def installed(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed", flush=True)
            return False
    return True


def main():
    check("bad options are named", check_bad_options)
    check("only addresses of this machine are accepted", check_bind)
    check("--help shows every option", check_help)
    check("a port in use is named, and what to do", check_port_in_use)
    check("the configuration file counts, the command line more",
          check_configuration_file)
    # Two: clients of one thread reach those of the other.
    server = Troupe("--threads=2")
    if installed("redis-cli"):
        check("redis-cli", check_redis_cli, server)
    if installed("redis-benchmark"):
        check("redis-benchmark", check_redis_benchmark, server)
    check("pipelines of 40,000 commands", check_pipeline, server)
    check("binary keys and values", check_binary, server)
    check("values of a megabyte", check_large_values, server)
    check("a client that does not read", check_slow_reader, server)
    check("clients that write all before they read", check_write_before_read,
          server)
    check("the bounds of that", check_write_before_read_bounds)
    check("lengths that never arrive", check_hostile_lengths, server)
    check("what is not RESP", check_protocol_errors, server)
    check("half-closed connections get all replies", check_half_close, server)
    check("QUIT", check_quit, server)
    check("requests of web pages", check_web_pages)
    check("SHUTDOWN", check_shutdown)
    check("--version", check_version)
    check("SIGHUP without TLS", check_hangup)
    check("expiry", check_expiry, server)
    check("increments of many clients", check_many_clients, server)
    check("INFO", check_info, server)
    check("a zero in the name of a command", check_zero_in_a_name, server)
    if installed("redis-server"):
        redis = Redis()
        check("the replies of Redis", check_same_replies, server, redis)
        check("the replies of Redis to whole streams", check_same_streams,
              server, redis)
        check("the command table", check_table, server)
        check("the replies of Redis to strangers", check_same_refusals)
    check("the databases", check_databases, server)
    check("CLIENT LIST and KILL", check_clients, server)
    check("clients that are silent for too long", check_idle_timeout)
    check("a server with a password", check_password)
    check("SIGINT drains", lambda: require_equal(
        server.stop(signal.SIGINT)[0], 0, "the exit code"))
    check("the limit of connections", check_connection_limit)
    check("SIGTERM drains", check_drain, signal.SIGTERM)
    check("the drain has a deadline", check_drain_deadline)


if __name__ == "__main__":
    servers.run(__doc__, main)
