#!/usr/bin/env python3
"""What no client should do, done to troupe-server. After each: the server answers
PING, a sentinel key is as it was, and memory is back.

usage: hostile_e2e.py DIRECTORY-OF-THE-PROGRAMS

Starts its server itself, on a free port of the loopback interface.
"""

import resource
import socket
import time

import _servers as servers
from _servers import PATIENCE, Troupe, require

# What the server may keep of an attack, in bytes: buffers of its threads, and
# what its allocator does not give back.
KEPT = 48 << 20

CONNECTIONS = 2000
SENTINEL = b"\x00 what must stay \xff" * 1000


class Attack:
    """One server for all attacks, so that each meets what the last one left."""

    def __init__(self, connections):
        self.connections = connections
        # Two threads everywhere: each has buffers, which count below.
        self.server = Troupe("--no-console", "--shards=16", "--threads=2",
                             f"--client-query-buffer-limit={64 << 20}")
        self.ask(b"SET", b"sentinel", SENTINEL)
        self.sanitized = servers.keeps_freed_memory()
        self.before = self.server.resident_bytes()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.port),
                                        PATIENCE)

    def ask(self, *words):
        """Sends one command on a connection of its own and returns the reply."""
        with self.connect() as peer:
            peer.sendall(b"*%d\r\n" % len(words)
                         + b"".join(b"$%d\r\n%s\r\n" % (len(x), x)
                                    for x in words))
            peer.shutdown(socket.SHUT_WR)
            return read_all(peer)

    def check(self, what):
        require(not self.server.ended(), f"{what}: the server has ended")
        require(self.ask(b"PING") == b"+PONG\r\n", f"{what}: no PONG")
        expected = b"$%d\r\n%s\r\n" % (len(SENTINEL), SENTINEL)
        require(self.ask(b"GET", b"sentinel") == expected,
                f"{what}: the sentinel has changed")
        if not self.sanitized:
            deadline = time.monotonic() + PATIENCE
            while self.server.resident_bytes() > self.before + KEPT:
                resident = self.server.resident_bytes()
                require(time.monotonic() < deadline,
                        f"{what}: {resident >> 20} MiB are resident, "
                        f"{self.before >> 20} were before")
                time.sleep(0.05)
        print(f"ok: {what}", flush=True)


def read_all(peer):
    """What the server sends until it closes."""
    result = b""
    try:
        while data := peer.recv(1 << 16):
            result += data
    except ConnectionResetError:
        pass
    return result


def send_and_read(server, data):
    """Sends what may be refused halfway, and returns what was answered."""
    with server.connect() as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_all(peer)


def broken_lengths(server):
    for data in (b"*-1\r\n", b"*0\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$-5\r\nabc\r\n",
                 b"*99999999999999999999\r\n", b"*1\r\n$99999999999\r\n",
                 b"*2147483648\r\n", b"*1\r\n$4\r\nPINGPING\r\n", b"*1\r\n+PING\r\n",
                 b"*x\r\n", b"$4\r\nPING\r\n", b"\x00\xff\xfe\r\n",
                 b"*1\r\n$536870913\r\n"):
        reply = send_and_read(server, data)
        require(reply == b"" or reply.startswith((b"-", b"+PONG")),
                f"{data!r} was answered with {reply[:80]!r}")


def truncated(server):
    whole = b"*3\r\n$3\r\nSET\r\n$8\r\nsentinel\r\n$5\r\nwrong\r\n"
    for size in range(1, len(whole)):
        require(send_and_read(server, whole[:size]) == b"",
                f"the first {size} bytes of a command were answered")


def million_elements(server):
    n = 1_000_000
    count = b"*%d\r\n" % (n + 1)
    reply = send_and_read(server, count + b"$6\r\nEXISTS\r\n"
                          + b"$1\r\nk\r\n" * n)
    require(reply == b":0\r\n", f"EXISTS of a million keys: {reply[:80]!r}")
    # As many as Redis allows may be announced; what keeps track of them counts.
    reply = send_and_read(server, b"*2147483647\r\n" + b"$1\r\nk\r\n" * 1000)
    require(reply == b"", f"many elements: {reply[:80]!r}")
    reply = send_and_read(server, b"*2147483647\r\n"
                          + b"$1\r\nk\r\n" * (2_200_000))
    require(reply == b"-ERR Protocol error: too big command\r\n",
            f"too many elements: {reply[:80]!r}")


def long_lines(server):
    reply = send_and_read(server, b"A" * (1 << 20))
    require(reply.startswith(b"-ERR"), f"a line without end: {reply[:80]!r}")
    reply = send_and_read(server, b"PING\n" * 100_000)
    require(reply == b"+PONG\r\n" * 100_000, "inline commands were lost")


def slow_writers(server):
    command = b"*1\r\n$4\r\nPING\r\n"
    peers = [server.connect() for _ in range(50)]
    for i in range(len(command)):
        for peer in peers:
            peer.sendall(command[i:i + 1])
    for peer in peers:
        require(peer.recv(100) == b"+PONG\r\n", "a slow writer got no PONG")
        peer.close()


def who_never_reads(server):
    # Together they ask for gigabytes.
    server.ask(b"SET", b"large", b"x" * (1 << 20))
    peers = []
    for _ in range(20):
        peer = server.connect()
        peer.setblocking(False)
        # What it sends is kept, as it may want to read later.
        sent = 0
        try:
            while sent < 4 << 20:
                sent += peer.send(b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n" * 1000)
        except BlockingIOError:
            pass
        peers.append(peer)
    require(server.ask(b"PING") == b"+PONG\r\n", "nobody else is served")
    for peer in peers:
        peer.close()
    server.ask(b"DEL", b"large")


def half_closed(server):
    reply = send_and_read(server, b"PING\r\n" * 10 + b"*2\r\n$3\r\nGE")
    require(reply == b"+PONG\r\n" * 10, f"half-closed: {reply!r}")


def many_connections(server):
    peers = [server.connect() for _ in range(server.connections)]
    for peer in peers:
        peer.sendall(b"*1\r\n$4\r\nPING\r\n")
    for peer in peers:
        require(peer.recv(100) == b"+PONG\r\n", "a connection got no PONG")
    # Half of them leave without a word, half in the middle of one.
    for i, peer in enumerate(peers):
        if i % 2 == 0:
            peer.sendall(b"*3\r\n$3\r\nSET\r\n$8\r\nsentinel\r\n$1000000\r\nx")
        peer.close()


def endless_transaction(server):
    with server.connect() as peer:
        peer.sendall(b"MULTI\r\n")
        value = b"$1048576\r\n" + b"x" * (1 << 20) + b"\r\n"
        for _ in range(100):
            peer.sendall(b"*3\r\n$3\r\nSET\r\n$8\r\nsentinel\r\n" + value)
        peer.sendall(b"EXEC\r\n")
        peer.shutdown(socket.SHUT_WR)
        replies = read_all(peer).split(b"\r\n")
    require(b"-ERR the transaction is too large; send it in parts, or raise "
            b"client-query-buffer-limit" in replies,
            "a transaction of 100 MiB was taken")
    require(replies[-2].startswith(b"-EXECABORT"), "and was run")


def main():
    # Both ends of each connection: ours and, inherited, the server's.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(CONNECTIONS + 200, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    attack = Attack(min(CONNECTIONS, wanted - 200))
    for act in (broken_lengths, truncated, million_elements, long_lines,
                slow_writers, who_never_reads, half_closed, many_connections,
                endless_transaction):
        act(attack)
        attack.check(act.__name__.replace("_", " "))


servers.run(__doc__, main)
