#!/usr/bin/env python3
"""Sends random pipelines to troupe-server and to a real redis-server, in pieces
of random sizes, and compares the bytes of all replies and what is stored in the
end.

usage: pipelines_e2e.py DIRECTORY-OF-THE-PROGRAMS

The pipelines follow from SEED and their number, both of which a failure names.
"""

import random
import select
import time

import _servers as servers
import server_e2e as e2e
from _servers import PATIENCE, Redis, Troupe, require
from server_e2e import Client, bulk, check, encode, require_equal

SEED = 20261121
PIPELINES = 250

# What may be in flight without a server having to wait for us to read.
MOST_BYTES = 1 << 20

DATABASES = 3
KEYS = [b"", b"\x00\r\n", b"a" * 300, b"long" * 2000,
        *(b"key:%d" % i for i in range(12)), *(b"number:%d" % i for i in range(4))]
VALUES = [b"", b"\r\n$3\r\nabc\r\n", bytes(range(256)), b"0", b"-7", b"41",
          b"9223372036854775807", b"01", b"3.5", b"x" * 5000]

# A moment that no run of this test sees, in seconds.
FAR = 4_000_000_000


class Pipeline:
    """Some commands of one client, as bytes. Whatever they left behind, it ends
    with a reply that nothing else gives."""

    def __init__(self, number):
        self.random = random.Random(f"{SEED}/{number}")
        self.end = b"end of pipeline %d" % number
        self.queueing = False
        self.parts = []
        size = self.random.choice([1, 2, 5, 16, 17, 40, 130, 300])
        # Most pipelines keep to a few kinds, so that runs of one come up.
        kinds = self.random.choice([
            [self.get, self.set], [self.get], [self.set], [self.set, self.count],
            [self.get, self.set, self.change, self.several, self.broken],
            [self.get, self.set, self.change, self.several, self.broken,
             self.transaction, self.session, self.count]])
        for _ in range(size):
            self.random.choice(kinds)()
            if sum(map(len, self.parts)) > MOST_BYTES // 4:
                break
        self.add("DISCARD")
        self.add("UNWATCH")
        self.add("CLIENT", "REPLY", "ON")
        self.add("ECHO", self.end)
        self.data = b"".join(self.parts)

    def add(self, *words):
        self.parts.append(encode(*words))

    def pick(self, *choices):
        return self.random.choice(choices)

    def key(self):
        # Some keys come up again and again.
        return self.random.choice(KEYS[:self.pick(6, len(KEYS))])

    def value(self):
        if self.random.random() < 0.02:
            return self.random.randbytes(self.pick(1 << 14, 1 << 16, 300_000, 300_000))
        return self.random.choice(VALUES)

    def get(self):
        self.add(self.pick("GET", "get", "GET", "STRLEN", "EXISTS", "TYPE",
                           "PEXPIRETIME"), self.key())

    def set(self):
        key, value = self.key(), self.value()
        self.random.choice([
            lambda: self.add("SET", key, value),
            lambda: self.add("SET", key, value),
            lambda: self.add("sEt", key, value),
            lambda: self.add("SET", key, value, self.pick("NX", "XX", "GET",
                                                          "KEEPTTL")),
            lambda: self.add("SET", key, value, "EXAT", FAR),
            lambda: self.add("SETNX", key, value),
            lambda: self.add("SET", key, value, "EXAT", 1)])()

    def count(self):
        key = self.random.choice(KEYS[-4:])
        self.random.choice([
            lambda: self.add("INCR", key), lambda: self.add("DECR", key),
            lambda: self.add("INCRBY", key, self.pick(5, -5, "x", 1 << 62))])()

    def change(self):
        key, value = self.key(), self.value()
        self.random.choice([
            lambda: self.add("DEL", key),
            lambda: self.add("APPEND", key, value[:100]),
            lambda: self.add("GETSET", key, value),
            lambda: self.add("GETDEL", key),
            lambda: self.add("EXPIREAT", key, self.pick(FAR, 1)),
            lambda: self.add("PERSIST", key),
            lambda: self.add("SETRANGE", key, self.pick(0, 3, -1), b"abc"),
            lambda: self.add("GETRANGE", key, 1, self.pick(-1, 3))])()

    def several(self):
        keys = [self.key() for _ in range(self.pick(1, 2, 5))]
        self.random.choice([
            lambda: self.add("MGET", *keys),
            lambda: self.add("EXISTS", *keys),
            lambda: self.add("DEL", *keys),
            lambda: self.add("MSET", *(x for k in keys for x in (k, "m"))),
            lambda: self.add("RENAME", keys[0], keys[-1]),
            lambda: self.add("COPY", keys[0], keys[-1])])()

    def broken(self):
        self.random.choice([
            lambda: self.add("GET"), lambda: self.add("SET", "k"),
            lambda: self.add("NOSUCH", self.key()),
            lambda: self.add("SET", self.key(), "v", "EX", self.pick(0, "x")),
            lambda: self.add("SET", self.key(), "v", "NX", "XX"),
            lambda: self.add("SETEX", self.key(), self.pick(0, -1, "y"), "v"),
            lambda: self.add("GET", self.key(), "too many"),
            lambda: self.parts.append(b"PING\r\n")])()

    def transaction(self):
        name = self.pick("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH")
        self.queueing = name == "MULTI" or (
            self.queueing and name not in ("EXEC", "DISCARD"))
        self.add(name, *([self.key()] if name == "WATCH" else []))

    def session(self):
        # What Redis makes of these between MULTI and EXEC is another matter.
        if self.queueing:
            return
        self.random.choice([
            lambda: self.add("SELECT", self.pick(0, 1, 2, 99, "x")),
            lambda: self.add("CLIENT", "REPLY", self.pick("ON", "OFF", "SKIP")),
            lambda: self.add("PING", self.value()),
            lambda: self.add("PUBLISH", "channel", "message")])()

    def pieces(self):
        """The bytes, cut at random, alike for both servers."""
        most = self.pick(1, 7, 100, 1500, 70_000, len(self.data))
        if len(self.data) // most > 400:
            most = len(self.data) // 400
        at = 0
        while at < len(self.data):
            size = self.random.randint(1, most)
            yield self.data[at:at + size]
            at += size


def replies(port, number):
    """What a server answers to a pipeline on a new connection."""
    pipeline = Pipeline(number)
    wanted = bulk(pipeline.end)
    got = bytearray()
    deadline = time.monotonic() + PATIENCE
    with Client(port) as client:
        link = client.socket
        link.setblocking(False)
        pieces = pipeline.pieces()
        rest = next(pieces)
        while not got.endswith(wanted):
            require(time.monotonic() < deadline,
                    f"no end of the replies: {e2e.shorten(bytes(got[-300:]))}")
            readable, writable, _ = select.select(
                [link], [link] if rest else [], [], 1.0)
            if readable:
                data = link.recv(1 << 20)
                require(data, "the server closed the connection after "
                        f"{e2e.shorten(bytes(got[-300:]))}")
                got += data
            if writable and rest:
                rest = rest[link.send(rest):] or next(pieces, b"")
    return bytes(got)


def contents(port):
    """All keys of all databases, with values and deadlines."""
    result = []
    with Client(port) as client:
        for database in range(DATABASES):
            client.ask("SELECT", database)
            stored = [(key, client.ask("GET", key),
                       client.ask("PEXPIRETIME", key)) for key in KEYS]
            # Redis counts an expired key until somebody asks for it.
            result.append((stored, client.ask("DBSIZE")))
    return result


def describe(number):
    return f"pipeline {number} of seed {SEED}"


def check_pipelines(ours, redis):
    for number in range(PIPELINES):
        expected = replies(redis.port, number)
        actual = replies(ours.port, number)
        if actual != expected:
            at = next((i for i, (a, b) in enumerate(zip(actual, expected))
                       if a != b), min(len(actual), len(expected)))
            require_equal(actual[max(at - 60, 0):at + 200],
                          expected[max(at - 60, 0):at + 200],
                          f"{describe(number)}: the replies differ at byte {at}")
        # What is stored decides the replies of all that follow.
        if number % 10 == 9:
            require_equal(contents(ours.port), contents(redis.port),
                          f"after {describe(number)}")
    return f"{PIPELINES} pipelines of seed {SEED}"


def check_refusals():
    """A command in a run of others is refused for itself."""
    server = Troupe("--no-console", "--max-value-size=100", "--max-key-size=50")
    with Client(server.port) as client:
        sent = []
        for i in range(300):
            good = i % 7 != 3
            key = b"key:%d" % (i % 40) if i % 11 != 5 else b"k" * 51
            value = b"v%d" % i if good else b"v" * 101
            sent.append(encode("SET", key, value) + encode("GET", key))
        client.send(b"".join(sent))
        stored = {}
        for i in range(300):
            key = b"key:%d" % (i % 40) if i % 11 != 5 else b"k" * 51
            if len(key) > 50:
                wanted = (b"-ERR key is too large", b"-ERR key is too large")
            elif i % 7 == 3:
                wanted = (b"-ERR value is too large",
                          bulk(stored[key]) if key in stored else b"$-1\r\n")
            else:
                stored[key] = b"v%d" % i
                wanted = (b"+OK\r\n", bulk(stored[key]))
            for text in wanted:
                got = client.reply()
                require(got.startswith(text), f"command {i}: {got!r}, not {text!r}")
        for key, value in stored.items():
            require_equal(client.ask("GET", key), bulk(value), repr(key))
    server.stop()


def check_full():
    """Without room each SET of a run is refused, as Redis refuses it, and what
    needs none goes on."""
    server = Troupe("--no-console", "--maxmemory=8mb",
                    "--maxmemory-policy=noeviction")
    with Client(server.port) as client:
        refused = stored = 0
        for start in range(0, 20_000, 100):
            client.send(b"".join(encode("SET", f"k:{i}", b"v" * 1000)
                                 + encode("EXISTS", f"k:{i}")
                                 for i in range(start, start + 100)))
            for _ in range(100):
                done, there = client.reply(), client.reply()
                if done == b"+OK\r\n":
                    stored += 1
                    require_equal(there, b":1\r\n", "a stored key")
                else:
                    refused += 1
                    require(done.startswith(b"-OOM "), repr(done))
                    require_equal(there, b":0\r\n", "a refused key")
        require(stored > 1000 and refused > 1000, f"{stored}, {refused}")
        require_equal(client.ask("DBSIZE"), b":%d\r\n" % stored, "the keys")
    server.stop()


def main():
    check("a refused command in a run of others", check_refusals)
    check("runs of writes without room", check_full)
    if not e2e.installed("redis-server"):
        return
    server, redis = Troupe("--no-console"), Redis()
    check("pipelines of any kind", check_pipelines, server, redis)
    code, output = server.stop()
    require(code == 0, f"exit code {code}: {output!r}")


if __name__ == "__main__":
    servers.run(__doc__, main)
