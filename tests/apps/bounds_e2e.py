#!/usr/bin/env python3
"""The bounds of one client and of all: transactions, words, keys, subscriptions,
names, and what a stranger costs who has not given the password.

usage: bounds_e2e.py DIRECTORY-OF-THE-PROGRAMS

Where Redis has the same bound, a real redis-server is asked the same things.
"""

import socket

import _servers as servers
from _servers import (PATIENCE, Redis, Troupe, keeps_freed_memory, poll,
                      refused, require)
from server_e2e import Client, bulk, check, encode, parse, require_equal
from settings_e2e import info

OK = b"+OK\r\n"
MIB = 1 << 20


# -- transactions ----------------------------------------------------------------


def pipeline(port, commands):
    """What redis-py's pipeline() does: all of it is sent in one transaction before
    anything is read."""
    with Client(port) as client, client.socket.makefile("rb") as replies:
        client.send(encode("MULTI") + b"".join(commands) + encode("EXEC"))
        require_equal(replies.readline(), OK, "MULTI")
        for i in range(len(commands)):
            require_equal(replies.readline(), b"+QUEUED\r\n", f"command {i}")
        result = [replies.readline()]
        for _ in range(int(result[0][1:])):
            result.append(replies.readline())
            if result[-1].startswith(b"$"):
                result.append(replies.read(int(result[-1][1:]) + 2))
        return result


def check_large_transactions(server, redis):
    value = bytes(range(256)) * 1954  # 500 KB
    writes = [encode("SET", b"key:%d" % i, value) for i in range(200)]
    reads = [encode("GET", b"key:%d" % i) for i in range(200)]
    small = [encode("INCR", b"n:%d" % (i % 10)) for i in range(200_000)]
    for name, commands in (("200 SETs of 500 KB", writes),
                           ("200 GETs of 500 KB", reads),
                           ("200,000 INCRs", small)):
        require_equal(pipeline(server.port, commands),
                      pipeline(redis.port, commands), name)


def check_transaction_bounds():
    """Beyond the bound of one client it is refused, beyond that of all closed."""
    server = Troupe("--no-console", f"--client-query-buffer-limit={8 * MIB}")
    with Client(server.port) as client:
        client.ask("MULTI")
        for _ in range(7):
            require_equal(client.ask("SET", "k", b"v" * MIB), b"+QUEUED\r\n", "SET")
        require(client.ask("SET", "k", b"v" * MIB).startswith(
            b"-ERR the transaction is too large; "), "the eighth")
        require(client.ask("EXEC").startswith(b"-EXECABORT"), "EXEC")
        require_equal(client.ask("EXISTS", "k"), b":0\r\n", "EXISTS")
    server.stop()
    server = Troupe("--no-console", "--maxmemory-clients=21mb")
    with Client(server.port) as one, Client(server.port) as two, \
            Client(server.port) as other:
        for client in (one, two):
            client.ask("MULTI")
        for _ in range(9):
            for client in (one, two):
                require_equal(client.ask("SET", "k", b"v" * MIB),
                              b"+QUEUED\r\n", "SET")
        one.ask("SET", "k", b"v" * MIB)
        two.ask("SET", "k", b"v" * MIB)
        one.send(encode("SET", "k", b"v" * (2 * MIB)))
        require(one.rest().startswith(b"-ERR the connection is closed: "),
                "the one that exceeds it")
        require_equal(info(other, "stats", "evicted_clients"), "1", "INFO")
        # What it had is free for others again.
        for _ in range(8):
            require_equal(two.ask("SET", "k", b"v" * MIB), b"+QUEUED\r\n", "SET")
        require_equal(two.ask("DISCARD"), OK, "DISCARD")
        two.ask("MULTI")
        for _ in range(18):
            require_equal(two.ask("SET", "k", b"v" * MIB), b"+QUEUED\r\n", "SET")
    require_equal(server.stop()[0], 0, "the exit code")


def check_many_words(server, redis):
    """More than 1,048,576 words in one command."""
    for port in (server.port, redis.port):
        with Client(port) as client:
            client.ask("SET", "k", "v")
            count = 1_500_000
            client.send(b"*%d\r\n$6\r\nEXISTS\r\n" % (count + 1)
                        + b"$1\r\nk\r\n" * count)
            require_equal(client.reply(), b":%d\r\n" % count, "EXISTS")
            client.send(b"*2147483648\r\n")
            require_equal(client.rest(), b"-ERR Protocol error: invalid "
                          b"multibulk length\r\n", "2^31 words")


# -- keys ------------------------------------------------------------------------


def check_large_keys(redis):
    most = 2 * MIB
    server = Troupe("--no-console", f"--max-key-size={most}", "--shards=4")
    with Client(server.port) as one, Client(redis.port) as two:
        two.ask("FLUSHALL")
        for size in (65_537, 131_072, 262_143, MIB, most):
            key = b"k" * (size - 1)
            a, b = key + b"a", key + b"b"
            for words in (("SET", a, "v"), ("GET", a), ("APPEND", a, "w" * 70_000),
                          ("STRLEN", a), ("EXPIRE", a, 1000), ("TTL", a),
                          ("COPY", a, b), ("DEL", a), ("EXISTS", a, b),
                          ("RENAME", b, a), ("KEYS", "*"), ("PERSIST", a),
                          ("GETRANGE", a, 0, 9), ("MGET", a, b), ("MULTI",),
                          ("SET", b, "x"), ("GET", b), ("EXEC",),
                          ("MSET", a, "1", b, "2"), ("DEL", a, b),
                          ("DBSIZE",)):
                require_equal(one.ask(*words), two.ask(*words),
                              f"{words[0]} with a key of {size} bytes")
        reply = one.ask("SET", b"k" * (most + 1), "v")
        require(reply.startswith(b"-ERR key is too large: "), repr(reply[:80]))
    require_equal(server.stop()[0], 0, "the exit code")
    code, output = refused(f"--max-key-size={most + 1}")
    require_equal(code, 2, "the exit code")
    require("allowed: 1 to 2mb" in output, output)


# -- what clients keep -------------------------------------------------------------


def skip_confirmations(client, count):
    with client.socket.makefile("rb") as replies:
        for _ in range(6 * count):
            replies.readline()


def subscribe(client, names):
    client.send(encode("SUBSCRIBE", *(b"channel:%d" % i for i in range(names))))
    skip_confirmations(client, names)


def check_subscriptions():
    server = Troupe("--no-console")
    count = 100_000
    with Client(server.port) as client, Client(server.port) as other:
        other.ask("PING")
        before = server.resident_bytes()
        subscribe(client, count)
        grown = server.resident_bytes() - before
        client.send(encode("UNSUBSCRIBE"))
        skip_confirmations(client, count)
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING")
        if not keeps_freed_memory():
            poll(lambda: server.resident_bytes() - before < grown / 3,
                 f"{grown >> 20} MiB to come back after UNSUBSCRIBE")
        # And when the connection ends.
        with Client(server.port) as leaving:
            subscribe(leaving, count)
        if not keeps_freed_memory():
            poll(lambda: server.resident_bytes() - before < grown / 3,
                 f"{grown >> 20} MiB to come back after the end")
    require_equal(server.stop()[0], 0, "the exit code")
    server = Troupe("--no-console", "--maxmemory-clients=20mb")
    for command in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"):
        with Client(server.port) as client, Client(server.port) as other:
            client.send(encode(command, *(b"%d" % i for i in range(count))))
            rest = client.rest()
            require(b"-ERR the connection is closed: all clients together hold "
                    b"more than maxmemory-clients" in rest, repr(rest[-200:]))
            require_equal(other.ask("PUBSUB", "NUMPAT"), b":0\r\n", "NUMPAT")
            require_equal(parse(other.ask("PUBSUB", "CHANNELS")), [], "CHANNELS")
            # Below it, they are all there.
            subscribe(other, 10_000)
    require_equal(server.stop()[0], 0, "the exit code")


def connect_slow(port):
    """A client that the system lets fall behind at once."""
    result = Client.__new__(Client)
    result.port, result.buffer = port, b""
    result.socket = socket.socket()
    result.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    result.socket.settimeout(PATIENCE)
    result.socket.connect(("127.0.0.1", port))
    return result


def send_all_or_end(client, data):
    """Sends until all is sent, or the server has ended the connection."""
    try:
        client.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def evicted(client):
    return int(info(client, "stats", "evicted_clients"))


def check_incomplete_commands():
    """Clients that send a part of a large command, and stop."""
    server = Troupe("--no-console", "--maxmemory-clients=64mb")
    with Client(server.port) as other:
        for begin in (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n",
                      b"*1000000\r\n"):
            before = evicted(other)
            part = (b"v" * (30 * MIB) if b"SET" in begin
                    else (b"$100\r\n" + b"v" * 100 + b"\r\n") * (30 * MIB // 108))
            stuck = [Client(server.port) for _ in range(4)]
            for client in stuck:
                send_all_or_end(client, begin + part)
            # One or two find room.
            poll(lambda: evicted(other) >= before + 2, "clients to be evicted")
            require_equal(other.ask("SET", "x", b"v" * MIB), OK, "another client")
            for client in stuck:
                client.socket.close()
            poll(lambda: info(other, "clients", "connected_clients") == "1",
                 "the clients to be gone")
            require(evicted(other) < before + 4, "all clients were evicted")
        # What they held is free again.
        with Client(server.port) as client:
            require_equal(client.ask("SET", "k", b"v" * (40 * MIB)), OK, "SET")
            client.ask("DEL", "k")
    require_equal(server.stop()[0], 0, "the exit code")


def check_untaken_replies():
    """Clients that ask for much and do not read."""
    server = Troupe("--no-console", "--maxmemory-clients=200mb")
    with Client(server.port) as other:
        for i in range(500):
            other.ask("SET", f"k:{i}", b"v" * 80_000)
        stuck = [connect_slow(server.port) for _ in range(8)]
        for client in stuck:
            client.send(encode("MGET", *(f"k:{i}" for i in range(500))))
        poll(lambda: evicted(other) >= 2, "clients to be evicted")
        require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
        for client in stuck:
            client.socket.close()
        poll(lambda: info(other, "clients", "connected_clients") == "1",
             "the clients to be gone")
        # It counts while it waits only.
        for _ in range(5):
            with Client(server.port) as client:
                reply = client.ask("MGET", *(f"k:{i}" for i in range(500)))
                require(reply.startswith(b"*500\r\n$80000\r\n"), "MGET")
    require_equal(server.stop()[0], 0, "the exit code")


def check_partly_taken_replies():
    """What was sent ahead counts until it is executed, also when the client takes some
    of its replies."""
    server = Troupe("--no-console", "--maxmemory-clients=32mb")
    big = b"x" * 8_000_000
    sets = encode("SET", "small", b"v" * 100_000) * 120
    with Client(server.port) as other:
        other.ask("SET", "big", big)
        client = connect_slow(server.port)
        client.send(encode("GET", "big") + sets + encode("GET", "big") + sets)
        require_equal(client.reply(), bulk(big), "GET")
        for _ in range(120):
            require_equal(client.reply(), OK, "SET")
        # The second half waits for the second GET.
        require_equal(evicted(other), 0, "evicted clients")
        poll(lambda: max(int(x.split()[0]) for x in other.ask(
            "CLIENT", "LIST").decode().split(" qbuf=")[1:]) > 11_000_000,
             "CLIENT LIST to show what was sent ahead")
        send_all_or_end(client, sets * 2)
        poll(lambda: evicted(other) == 1, "the client to be evicted")
        client.socket.close()
    require_equal(server.stop()[0], 0, "the exit code")


def check_fair_share():
    """One client that keeps nearly all closes none that keeps little."""
    server = Troupe("--no-console", "--maxmemory-clients=4mb")
    with Client(server.port) as hog:
        hog.ask("MULTI")
        for _ in range(4):
            require_equal(hog.ask("SET", "k", b"v" * 1_040_000), b"+QUEUED\r\n",
                          "SET")
        others = [Client(server.port) for _ in range(10)]
        for client in others:
            client.ask("MULTI")
            require_equal(client.ask("SET", "k", b"v" * 10_000), b"+QUEUED\r\n",
                          "SET of another")
            require_equal(client.ask("EXEC"), b"*1\r\n+OK\r\n", "EXEC")
            client.ask("WATCH", "k")
            client.ask("SUBSCRIBE", *range(10))
        # It is the one that is closed when it asks for more.
        hog.send(encode("SET", "k", b"v" * 100_000))
        require(hog.rest().startswith(b"-ERR the connection is closed: "), "SET")
        for client in others:
            client.socket.close()
    require_equal(server.stop()[0], 0, "the exit code")


def check_long_channels(server):
    with Client(server.port) as client:
        client.ask("HELLO", 3)
        for words in (("PUBLISH", b"c" * 65_537, "x"),
                      ("SUBSCRIBE", "a", b"c" * 65_537)):
            require_equal(client.ask(*words), b"-ERR the channel has more than "
                          b"65536 bytes\r\n", words[0])
        require_equal(client.ask("PUBLISH", b"c" * 65_536, "x"), b":0\r\n",
                      "PUBLISH")


def check_names(server):
    with Client(server.port) as client:
        for words in (("CLIENT", "SETNAME"), ("CLIENT", "SETINFO", "lib-name"),
                      ("CLIENT", "SETINFO", "lib-ver"),
                      ("HELLO", "3", "SETNAME")):
            reply = client.ask(*words, b"n" * 4097)
            require_equal(reply, b"-ERR the names of clients and libraries have "
                          b"up to 4096 bytes\r\n", str(words))
        require_equal(client.ask("CLIENT", "SETNAME", b"n" * 4096), OK, "SETNAME")
        require_equal(client.ask("CLIENT", "GETNAME"), bulk(b"n" * 4096),
                      "GETNAME")


# -- strangers -------------------------------------------------------------------


def send_what_goes(peer, data):
    """Sends until the other side takes no more."""
    peer.setblocking(False)
    sent = 0
    try:
        while sent < len(data):
            sent += peer.send(data[sent:])
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    peer.setblocking(True)


def check_strangers():
    """Together they cost 64 MiB at most, and keep out nobody who knows the
    password."""
    server = Troupe("--no-console", "--password=p")
    word = b"$16384\r\n" + b"x" * 16384 + b"\r\n"
    attack = b"*10\r\n" + word * 9 + b"$16384\r\n" + b"x" * 16000
    with Client(server.port) as friend:
        require_equal(friend.ask("AUTH", "p"), OK, "AUTH")
        before = server.resident_bytes()
        strangers = []
        for _ in range(700):
            peer = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            send_what_goes(peer, attack)
            strangers.append(peer)
        poll(lambda: int(info(friend, "stats", "evicted_clients")) > 200,
             "strangers to be disconnected")
        grown = server.resident_bytes() - before
        require(keeps_freed_memory() or grown < 96 * MIB,
                f"strangers hold {grown >> 20} MiB")
        with Client(server.port) as late:
            require_equal(late.ask("AUTH", "p"), OK, "AUTH beside them")
            require_equal(late.ask("SET", "k", b"v" * MIB), OK, "SET")
            require_equal(late.ask("GET", "k"), bulk(b"v" * MIB), "GET")
        require_equal(friend.ask("GET", "k"), bulk(b"v" * MIB), "GET")
        for peer in strangers:
            peer.close()
        poll(lambda: info(friend, "clients", "connected_clients") == "1",
             "strangers to be gone")
        # Those who ask and do not read.
        before = server.resident_bytes()
        strangers = []
        for _ in range(200):
            peer = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            send_what_goes(peer, encode("PING") * 300_000)
            strangers.append(peer)
        grown = server.resident_bytes() - before
        require(keeps_freed_memory() or grown < 32 * MIB,
                f"strangers who do not read hold {grown >> 20} MiB")
        for peer in strangers:
            peer.close()
    require_equal(server.stop()[0], 0, "the exit code")


def check_stranger_limits(redis):
    """As at a Redis: 10 words, 16 KiB each."""
    server = Troupe("--no-console", "--password=p")
    with Client(redis.port) as client:
        client.ask("CONFIG", "SET", "requirepass", "p")
    for data in (b"*11\r\n", b"*1\r\n$16385\r\n",
                 encode(*(b"x" * 16384 for _ in range(10))) + encode("QUIT"),
                 encode("AUTH", "p") + encode("ECHO", b"x" * 16385)
                 + encode("QUIT")):
        replies = []
        for port in (server.port, redis.port):
            with Client(port) as client:
                client.send(data)
                replies.append(client.rest())
        require_equal(replies[0], replies[1], repr(data[:40]))
    with Client(redis.port) as client:
        client.ask("AUTH", "p")
        client.ask("CONFIG", "SET", "requirepass", "")
    require_equal(server.stop()[0], 0, "the exit code")


def check_silent_strangers():
    """What docs/commands.md says of a connection that is silent."""
    server = Troupe("--no-console", "--password=p")
    with Client(server.port) as friend:
        friend.ask("AUTH", "p")
        peers = []

        def connect(count):
            for _ in range(count):
                peers.append(socket.create_connection(
                    ("127.0.0.1", server.port), PATIENCE))
            poll(lambda: int(info(friend, "clients", "connected_clients"))
                 == len(peers) + 1, "the connections")

        connect(100)
        before = server.resident_bytes()
        connect(800)
        each = (server.resident_bytes() - before) / 800
        for peer in peers:
            peer.close()
    require_equal(server.stop()[0], 0, "the exit code")
    require(keeps_freed_memory() or each < 4096, f"{each:.0f} bytes each")
    return f"{each:.0f} bytes each"


def main():
    server = Troupe("--no-console")
    redis = Redis()
    check("large transactions, sent before anything is read",
          check_large_transactions, server, redis)
    check("commands of many words", check_many_words, server, redis)
    check("names of clients", check_names, server)
    check("long channels", check_long_channels, server)
    require_equal(server.stop()[0], 0, "the exit code")
    check("the bounds of transactions", check_transaction_bounds)
    check("keys of more than 64 KiB", check_large_keys, redis)
    check("subscriptions", check_subscriptions)
    check("commands that are not complete", check_incomplete_commands)
    check("replies that are not taken", check_untaken_replies)
    check("replies that are taken in part", check_partly_taken_replies)
    check("a client that keeps nearly all", check_fair_share)
    check("strangers who send and do not finish", check_strangers)
    check("what strangers may send", check_stranger_limits, redis)
    check("strangers who are silent", check_silent_strangers)


if __name__ == "__main__":
    servers.run(__doc__, main)
