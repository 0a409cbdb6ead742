#!/usr/bin/env python3
"""Many connections, long keys and huge values from outside: what idle clients
cost, and that nobody waits for somebody else's transfer.

usage: scale_e2e.py DIRECTORY-OF-THE-PROGRAMS
"""

import os
import resource
import select
import socket
import time

import _servers as servers
import server_e2e as e2e
from _servers import PATIENCE, Troupe, keeps_freed_memory, poll, require
from server_e2e import Client, bulk, check, encode, parse, require_equal

MIB = 1024 * 1024

# Connections that the test wants to have open, here and in the server.
CLIENTS = 10_000
SPARE_DESCRIPTORS = 200

# What an idle connection may cost the server in resident bytes: its objects and
# its place among the others, and no buffer. (Measured: 1,800.)
BYTES_PER_CLIENT = 4_000

# What may remain of all that when they have gone: the allocator's share.
KEPT_BYTES = 48 * MIB

# How much of a transfer may pass by without an answer to another client, on
# average: sockets hold some MiB on both sides, and a turn takes a few.
BYTES_PER_ANSWER = 16 * MIB

CHUNK = 16 * MIB


def is_small():
    """Sanitizers take their time, and memory of their own."""
    return keeps_freed_memory()


# -- many connections ------------------------------------------------------------


def allowed_clients():
    """As many as the machine lets both sides have, 10,000 at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = CLIENTS + SPARE_DESCRIPTORS
    soft = min(hard, CLIENTS + SPARE_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft - SPARE_DESCRIPTORS, 1_000 if is_small() else CLIENTS)


def check_idle_clients():
    count = allowed_clients()
    server = Troupe("--no-console", f"--max-connections={count + 10}")
    with Client(server.port) as client:

        def connected():
            text = parse(client.ask("INFO", "clients")).decode()
            return int(text.split("connected_clients:")[1].split("\r\n")[0])

        # What comes once, for whatever number.
        warm = [socket.create_connection(("127.0.0.1", server.port), PATIENCE)
                for _ in range(20)]
        poll(lambda: connected() == 21, "20 clients")
        before = server.resident_bytes()
        idle = []
        for i in range(20, count):
            idle.append(socket.create_connection(("127.0.0.1", server.port),
                                                 PATIENCE))
            if i % 100 == 0:
                require_equal(client.ask("PING"), b"+PONG\r\n",
                              f"PING beside {i} clients")
                require_equal(client.ask("SET", f"k{i}", "v"), b"+OK\r\n",
                              f"SET beside {i} clients")
        poll(lambda: connected() == count + 1, f"{count} clients")
        each = (server.resident_bytes() - before) / len(idle)
        if not keeps_freed_memory():
            require(each < BYTES_PER_CLIENT, f"{each:.0f} bytes per client")
        # They are served, the first and the last.
        for link in warm[:1] + idle[:1] + idle[-1:]:
            link.sendall(encode("PING"))
            require_equal(link.recv(100), b"+PONG\r\n", "PING of an idle one")
        for link in warm + idle:
            link.close()
        poll(lambda: connected() == 1, "all to have gone")
        left = server.resident_bytes() - before
        if not keeps_freed_memory():
            require(left < KEPT_BYTES, f"{left} bytes stay")
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING afterwards")
    require_equal(server.stop()[0], 0, "the exit code")
    return (f"{count} of {CLIENTS} clients that the machine allows, "
            f"{each:.0f} bytes each, {left // 1024} KiB stay")


# -- long keys -------------------------------------------------------------------


def check_long_keys():
    count = 50 if is_small() else 400
    server = Troupe("--no-console")
    keys = [b"%06d" % i + b"k" * (65536 - 6) for i in range(count)]
    with Client(server.port) as client:
        for key in keys:
            require_equal(client.ask("SET", key, key[:6]), b"+OK\r\n", "SET")
        for key in keys:
            require_equal(client.ask("GET", key), bulk(key[:6]), "GET")
        reply = client.ask("SET", keys[0] + b"k", "v")
        require(reply.startswith(b"-ERR key is too large: "), repr(reply))
        found, cursor = set(), b"0"
        while True:
            cursor, part = parse(client.ask("SCAN", cursor, "COUNT", 100))
            found.update(part)
            if cursor == b"0":
                break
        require(found == set(keys), f"SCAN found {len(found)} of {count}")
        for start in range(0, count, 50):
            part = keys[start:start + 50]
            require_equal(client.ask("DEL", *part), b":%d\r\n" % len(part), "DEL")
        require_equal(client.ask("DBSIZE"), b":0\r\n", "DBSIZE")
    require_equal(server.stop()[0], 0, "the exit code")
    return f"{count} keys of 64 KiB"


# -- a huge value beside others --------------------------------------------------


class Prober:
    """Another client, which always waits for one answer; counts them."""

    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.questions = [(encode("PING"), b"+PONG\r\n"),
                          (encode("SET", "small", "v"), b"+OK\r\n"),
                          (encode("GET", "small"), bulk(b"v"))]
        self.answers = 0
        self.got = b""
        self.worst = 0.0
        self.ask()

    def fileno(self):
        return self.link.fileno()

    def ask(self):
        self.since = time.monotonic()
        self.link.sendall(self.questions[self.answers % 3][0])

    def on_readable(self):
        self.got += self.link.recv(1000)
        wanted = self.questions[self.answers % 3][1]
        if self.got != wanted:
            require(wanted.startswith(self.got), f"answered {self.got!r}")
            return
        self.got = b""
        self.answers += 1
        self.worst = max(self.worst, time.monotonic() - self.since)
        self.ask()


def transfer(link, prober, step, size):
    """Calls `step` when the link is ready, until it says that all is done; serves
    the prober meanwhile. Checks how often that got its answer."""
    sends = step.__name__ == "send"
    first = prober.answers
    prober.worst = 0.0
    deadline = time.monotonic() + PATIENCE
    done = False
    while not done:
        require(time.monotonic() < deadline, "the transfer stands still")
        readable, writable, _ = select.select(
            [prober] + ([] if sends else [link]), [link] if sends else [], [], 1)
        if prober in readable:
            prober.on_readable()
        if link in readable or link in writable:
            done = step()
            deadline = time.monotonic() + PATIENCE
    answers = prober.answers - first
    wanted = size // BYTES_PER_ANSWER
    require(answers >= wanted,
            f"{answers} answers to others during {size} bytes, not {wanted}")
    return answers


class Upload:
    def __init__(self, link, head, piece, size, tail):
        self.link, self.piece = link, memoryview(piece)
        self.rest = memoryview(head)
        self.left, self.tail = size, tail

    def send(self):
        if not self.rest:
            if self.left:
                self.rest = self.piece[:min(self.left, len(self.piece))]
                self.left -= len(self.rest)
            else:
                self.rest, self.tail = memoryview(self.tail), b""
        sent = self.link.send(self.rest[:MIB])
        self.rest = self.rest[sent:]
        return not self.rest and not self.left and not self.tail


class Download:
    def __init__(self, link, head, piece, size):
        self.link, self.piece = link, piece
        self.head, self.size, self.at = head, size, 0
        self.buffer = bytearray(MIB)

    def receive(self):
        """Compares what comes with what must come, wherever it is cut."""
        count = self.link.recv_into(self.buffer)
        require(count, "the server closed the connection")
        got = memoryview(self.buffer)[:count]
        while got:
            wanted = self.expected()
            part = min(len(got), len(wanted))
            require(got[:part] == wanted[:part],
                    f"other bytes at {self.at}: {bytes(got[:20])!r}")
            got = got[part:]
            self.at += part
        return self.at == len(self.head) + self.size + 2

    def expected(self):
        at = self.at
        if at < len(self.head):
            return memoryview(self.head)[at:]
        at -= len(self.head)
        if at < self.size:
            at %= len(self.piece)
            return memoryview(self.piece)[at:][:self.size + len(self.head)
                                               - self.at]
        return memoryview(b"\r\n")[at - self.size:]


def has_memory(size):
    with open("/proc/meminfo", encoding="ascii") as file:
        free = dict(line.split()[:2] for line in file)
    return int(free["MemAvailable:"]) * 1024 > 4 * size


def check_huge_value():
    size = 64 * MIB if is_small() else 512 * MIB
    if not has_memory(size):
        size = 64 * MIB
    # One thread for all clients: whoever stalls it stalls them.
    server = Troupe("--no-console", "--threads=1")
    piece = os.urandom(CHUNK - 7)
    notes = []
    link = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    link.setblocking(False)
    prober = Prober(server.port)

    def settle(reply):
        """Waits for a short reply, with the prober served."""
        download = Download(link, reply, piece, -2)
        transfer(link, prober, download.receive, 0)

    def note(what, answers):
        notes.append(f"{what}: {answers} answers, the slowest after "
                     f"{prober.worst * 1000:.0f} ms")

    for round_ in range(2):
        head = b"*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$%d\r\n" % size
        upload = Upload(link, head, piece, size, b"\r\n")
        answers = transfer(link, prober, upload.send, size)
        sending = prober.worst
        settle(b"+OK\r\n")
        prober.worst = max(prober.worst, sending)
        note("SET" if round_ == 0 else "SET over it", answers)
        link.send(encode("GET", "huge"))
        download = Download(link, b"$%d\r\n" % size, piece, size)
        note("GET", transfer(link, prober, download.receive, size))
    # What a client is being sent is not lost when the key goes.
    link.send(encode("GET", "huge"))
    download = Download(link, b"$%d\r\n" % size, piece, size)
    while download.at < MIB:
        transfer(link, prober, lambda: download.receive() or True, 0)
    with Client(server.port) as other:
        require_equal(other.ask("DEL", "huge"), b":1\r\n", "DEL")
    transfer(link, prober, download.receive, 0)
    link.send(encode("DEL", "huge"))
    settle(b":0\r\n")
    if not keeps_freed_memory():
        poll(lambda: server.resident_bytes() < size // 2 + 64 * MIB,
             "the memory of the value to come back")
    link.close()
    require_equal(server.stop()[0], 0, "the exit code")
    return f"{size // MIB} MiB; " + "; ".join(notes)


def main():
    check("a huge value beside other clients", check_huge_value)
    check("long keys", check_long_keys)
    check("many idle clients", check_idle_clients)


if __name__ == "__main__":
    servers.run(__doc__, main)
