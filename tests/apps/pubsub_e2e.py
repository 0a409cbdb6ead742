#!/usr/bin/env python3
"""Publishes and subscribes through troupe-server, with raw sockets, next to a
real redis-server whose bytes it must repeat.

usage: pubsub_e2e.py DIRECTORY-OF-THE-PROGRAMS

Ends with 1 at the first check that fails.
"""

import os
import re
import signal
import threading

import _servers as servers
import server_e2e as base
from _servers import Failure, Redis, Troupe, poll, refused, require
from server_e2e import (Client, bulk, check, encode, installed, parse,
                        require_equal)

# Sessions of two clients: "1: words" is sent by client 1, in one piece; "|" stands
# between commands, "~" is the empty word. After each line, all that has come for
# both clients is compared. Nowhere does a client leave several topics without
# naming them: their order is no promise.
SESSIONS = [
    """
    1: subscribe a
    2: publish a x | publish b y | publish a z
    1: subscribe a b | ping | ping text | ping a b
    2: publish b ~
    1: unsubscribe a | unsubscribe a | unsubscribe
    2: publish a x | publish b x
    1: get k | unsubscribe | unsubscribe x y | punsubscribe | sunsubscribe
    """, """
    1: psubscribe n* | psubscribe n* [a-m]?? | subscribe news
    2: publish news 1 | publish abc 2 | publish Abc 2 | publish NEWS 3
    2: publish n 4 | publish ~ 5 | pubsub numpat | pubsub channels n*
    1: unsubscribe | punsubscribe n* | punsubscribe
    2: publish news 6 | pubsub numpat | pubsub channels
    """, """
    1: ssubscribe a | ssubscribe a b | subscribe a
    2: spublish a 1 | publish a 2 | spublish c 3 | pubsub shardchannels a*
    2: pubsub shardnumsub a b c | pubsub numsub a b c | pubsub shardchannels x
    1: sunsubscribe a | sunsubscribe c | sunsubscribe | unsubscribe a | get k
    """, """
    1: subscribe a | get k | set k v | client id | multi | exec | publish a x
    1: foo | get | hello 3 | hello | pubsub channels | reset | get k | ping
    1: subscribe a | quit
    """, """
    1: subscribe a | unsubscribe | multi | subscribe a | ping | exec | get k
    2: publish a 1
    1: reset | multi | unsubscribe x | exec | get k
    """, """
    1: hello 3 nonsense | subscribe a | psubscribe a*
    1: unsubscribe | punsubscribe
    2: pubsub channels a b | pubsub foo | pubsub numpat x | pubsub
    2: pubsub help x | pubsub numsub | pubsub shardnumsub | pubsub channels foo
    2: pubsub shardchannels a b | subscribe | psubscribe | ssubscribe | publish
    2: publish a | publish a b c | spublish a | get k
    """, """
    1: RESP3 | subscribe a b | ping | ping x | get k | publish a self | echo e
    1: psubscribe a* | ssubscribe s | spublish s me
    2: publish a 1
    1: publish a 2 | unsubscribe a | publish a 3 | unsubscribe | unsubscribe
    1: punsubscribe | sunsubscribe | multi | publish a 5 | exec | reset | ping
    """, """
    1: RESP3 | subscribe a | client reply off | publish a 1 | ping | client reply on
    1: client reply off | subscribe b | unsubscribe a | publish b 2 | client reply on
    1: client reply skip | publish b 3 | ping | client reply skip | subscribe c
    1: client reply skip | unsubscribe c | client reply skip | unsubscribe | ping
    1: client reply off | unsubscribe | client reply on | subscribe d
    2: publish d 4
    """,
]


def pieces(text):
    """What a client sends."""
    commands = map(base.words_of, text.split("|"))
    return b"".join(encode(*(w if w != [b"RESP3"] else [b"HELLO", b"3"]))
                    for w in commands)


class Session:
    """Two clients of one server."""

    def __init__(self, port):
        self.clients = {"1": Client(port), "2": Client(port)}
        self.markers = 0
        with Client(port) as probe:
            require_equal(probe.ask("FLUSHALL"), b"+OK\r\n", "FLUSHALL")

    def step(self, who, data):
        """Sends, and returns what each client has read when all has come."""
        others = [name for name in self.clients if name != who]
        self.clients[who].send(data)
        return {name: self.all_of(self.clients[name])
                for name in [who, *others]}

    def all_of(self, client):
        """What comes until the reply to a PING, or until the server closes."""
        self.markers += 1
        marker = b"marker %d" % self.markers
        data = b""
        try:
            client.send(encode("PING", marker))
            while not data.endswith(bulk(marker)):
                piece = client.socket.recv(1 << 16)
                if not piece:
                    break
                data += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # It had closed before the PING came.
        return data

    def close(self):
        for client in self.clients.values():
            client.socket.close()


def unify(data):
    """Without what differs by nature: HELLO's version and id."""
    return re.sub(rb"(version\r\n)\$\d+\r\n[^\r]*|(id\r\n:)\d+", rb"\1\2",
                  data)


def check_same_bytes(server, redis):
    steps = 0
    for text in SESSIONS:
        ours, theirs = Session(server.port), Session(redis.port)
        for line in text.strip().splitlines():
            who, commands = line.strip().split(":", 1)
            data = pieces(commands)
            expected = theirs.step(who, data)
            got = ours.step(who, data)
            for name in expected:
                require_equal(unify(got[name]), unify(expected[name]),
                              f"client {name} after {line.strip()!r}")
            steps += 1
        ours.close()
        theirs.close()
    return f"{steps} steps"


def message(channel, payload):
    return b"*3\r\n" + bulk(b"message") + bulk(channel) + bulk(payload)


def subscribe(client, *channels):
    for count, channel in enumerate(channels, 1):
        require_equal(client.ask("SUBSCRIBE", channel),
                      b"*3\r\n" + bulk(b"subscribe") + bulk(channel)
                      + b":%d\r\n" % count, "SUBSCRIBE")


def info(client, field):
    text = parse(client.ask("INFO", "stats")).decode()
    found = re.search(rf"\r\n{field}:(\d+)\r\n", text)
    require(found, f"INFO has no {field}")
    return int(found.group(1))


def check_order(server):
    """Several publishers, several readers; everybody reads everything, that
    of one publisher in order."""
    publishers, readers, count = 4, 4, 2000
    problems = []

    def publish(number):
        with Client(server.port) as client:
            for begin in range(0, count, 100):
                client.send(b"".join(
                    encode("PUBLISH", "order", f"{number}:{i}")
                    for i in range(begin, begin + 100)))
                for _ in range(100):
                    client.reply()

    def read(client):
        try:
            following = [0] * publishers
            for _ in range(publishers * count):
                payload = parse(client.reply())[2]
                number, i = map(int, payload.split(b":"))
                require_equal(i, following[number], f"publisher {number}")
                following[number] += 1
        except (Failure, OSError) as problem:
            problems.append(problem)

    clients = [Client(server.port) for _ in range(readers)]
    for client in clients:
        subscribe(client, b"order")
    threads = [threading.Thread(target=publish, args=(i,))
               for i in range(publishers)]
    threads += [threading.Thread(target=read, args=(c,)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    require(not problems, f"{problems}")
    for client in clients:
        client.socket.close()
    return f"{publishers * count * readers} messages"


def check_death(server):
    """A subscriber that is gone has left its topics."""
    with Client(server.port) as publisher:
        clients = [Client(server.port) for _ in range(20)]
        for client in clients:
            subscribe(client, b"death", b"other")
        require_equal(publisher.ask("PUBLISH", "death", "x"), b":20\r\n",
                      "all listen")
        for client in clients:
            client.socket.close()
        poll(lambda: publisher.ask("PUBLISH", "death", "x") == b":0\r\n",
             "the dead to leave")
        poll(lambda: info(publisher, "pubsub_channels") == 0,
             "the topics to end")


def check_large(server):
    """A message of 16 MB, whole, to many; then a burst beyond the sockets'
    buffers to a reader that is late."""
    payload = os.urandom(16 << 20)
    with Client(server.port) as publisher, Client(server.port) as reader:
        subscribe(reader, b"large")
        require_equal(publisher.ask("PUBLISH", "large", payload), b":1\r\n",
                      "PUBLISH")
        expected = message(b"large", payload)
        require(reader.exactly(len(expected)) == expected, "the message")
        small = [b"%06d" % i + payload[:10_000] for i in range(2000)]
        for part in small:
            require_equal(publisher.ask("PUBLISH", "large", part), b":1\r\n",
                          "PUBLISH of a burst")
        for part in small:
            expected = message(b"large", part)
            require(reader.exactly(len(expected)) == expected, "the burst")
        # It reads commands again.
        require_equal(reader.ask("UNSUBSCRIBE"), b"*3\r\n"
                      + bulk(b"unsubscribe") + bulk(b"large") + b":0\r\n",
                      "UNSUBSCRIBE")
        require_equal(reader.ask("PING"), b"+PONG\r\n", "PING")


def check_cut(server):
    """Who never reads is cut, counted, and costs the others nothing."""
    with Client(server.port) as publisher, Client(server.port) as deaf, \
            Client(server.port) as reader:
        subscribe(deaf, b"flood")
        subscribe(reader, b"flood")
        publisher.ask("SET", "sentinel", "unharmed")
        before = info(publisher, "client_output_buffer_limit_disconnections")
        resident = server.resident_bytes()
        part, heard, peak = b"f" * 100_000, [], 0
        expected = message(b"flood", part)
        for _ in range(2000):
            heard.append(parse(publisher.ask("PUBLISH", "flood", part)))
            require(reader.exactly(len(expected)) == expected, "a reader")
            peak = max(peak, server.resident_bytes())
        require_equal(heard[0], 2, "both listen at first")
        require_equal(heard[-1], 1, "one is left")
        poll(lambda: info(publisher, "client_output_buffer_limit_disconnections")
             == before + 1, "the cut to be counted")
        require(servers.keeps_freed_memory() or peak - resident < 128 << 20,
                f"{(peak - resident) >> 20} MiB for one deaf subscriber")
        require(len(deaf.rest()) < 120_000_000, "it was not cut")
        require_equal(publisher.ask("GET", "sentinel"), bulk(b"unharmed"),
                      "the sentinel")
        require_equal(parse(publisher.ask("PUBSUB", "NUMSUB", "flood"))[1], 1,
                      "NUMSUB")
        return f"cut after {heard.index(1)} of 2000 messages"


def check_buffer_option():
    server = Troupe("--no-console", "--pubsub-buffer=1000")
    with Client(server.port) as publisher, Client(server.port) as small:
        subscribe(small, b"c")
        require_equal(publisher.ask("PUBLISH", "c", b"x" * 900), b":1\r\n",
                      "a message that fits")
        expected = message(b"c", b"x" * 900)
        require_equal(small.exactly(len(expected)), expected, "the message")
        require_equal(publisher.ask("PUBLISH", "c", b"x" * 1000), b":0\r\n",
                      "a message that does not fit")
        require(small.rest() in (b"", b"<reset>"), "it was not cut")
        require_equal(
            info(publisher, "client_output_buffer_limit_disconnections"), 1,
            "the counted cut")
    require_equal(server.stop()[0], 0, "the exit code")
    code, text = refused("--pubsub-buffer=0")
    require(code != 0 and "--pubsub-buffer=0" in text, text)


def check_stop_with_subscribers():
    server = Troupe("--no-console")
    with Client(server.port) as client, Client(server.port) as publisher:
        subscribe(client, b"c")
        require_equal(publisher.ask("PUBLISH", "c", "x"), b":1\r\n", "PUBLISH")
        expected = message(b"c", b"x")
        require_equal(client.exactly(len(expected)), expected, "the message")
        server.send_signal(signal.SIGTERM)
        require_equal(client.rest(), b"", "a subscriber at the end")
    require_equal(server.wait()[0], 0, "the exit code")


def main():
    server = Troupe("--no-console", "--threads=2")
    check("order", check_order, server)
    check("death of subscribers", check_death, server)
    check("large messages and bursts", check_large, server)
    check("a subscriber that never reads is cut", check_cut, server)
    if installed("redis-server"):
        check("the bytes of Redis", check_same_bytes, server, Redis())
    require_equal(server.stop()[0], 0, "the exit code")
    check("--pubsub-buffer", check_buffer_option)
    check("a stop with subscribers", check_stop_with_subscribers)


if __name__ == "__main__":
    servers.run(__doc__, main)
