"""Commands that go over all keys, from outside: they let other clients of their
thread in, keep the order of their own client's replies, and end with it."""

import signal
import threading
import time

import _servers
from _servers import PATIENCE, Troupe, poll, require
from server_e2e import Client, bulk, encode, require_equal

KEYS = 400_000
PER_COMMAND = 500
MISSED = b"nobody:*"


def fill(server):
    with Client(server.port) as client:
        for first in range(0, KEYS, PER_COMMAND):
            words = []
            for i in range(first, first + PER_COMMAND):
                words += [f"key:{i}", "v"]
            require_equal(client.ask("MSET", *words), b"+OK\r\n", "MSET")


def replies_meanwhile(server, walk):
    """How many replies another client of the only thread gets, one after another,
    while walk(client) runs; and what that returns."""
    result = []
    with Client(server.port) as walker, Client(server.port) as other:
        walker.ask("PING")
        other.ask("PING")
        thread = threading.Thread(
            target=lambda: result.append(walk(walker)))
        thread.start()
        count = 0
        while not result:
            require_equal(other.ask("PING"), b"+PONG\r\n", "PING")
            count += 1
        thread.join()
    return count, result[0]


def reply_of(server, what, walk):
    """What walk(client) returns, which other clients of its thread do not wait for. One
    that blocked the thread would let two of their commands through, before and after.
    When this machine is slow, so may be one that does not: then once more."""
    deadline = time.monotonic() + PATIENCE
    while True:
        count, result = replies_meanwhile(server, walk)
        if count > 10:
            return result
        require(time.monotonic() < deadline,
                f"{what} lets {count} commands of others in")


def check_others(server):
    for words in (("KEYS", MISSED), ("KEYS", b"*[" + b"ab-" * 300 + b"]c"),
                  ("SCAN", 0, "COUNT", 10**9, "MATCH", MISSED),
                  ("SCAN", 0, "COUNT", 10**9, "TYPE", "hash")):
        reply = reply_of(server, words[0], lambda x, w=words: x.ask(*w))
        nothing = b"*0\r\n"
        require_equal(reply, nothing if words[0] == "KEYS"
                      else b"*2\r\n" + bulk(b"0") + nothing, words[0])
    reply = reply_of(server, "KEYS *", lambda x: x.ask("KEYS", "*"))
    head, *rest = reply.split(b"\r\n")
    require_equal(head, b"*%d" % KEYS, "the number of keys")
    require(set(rest[1::2]) == {b"key:%d" % i for i in range(KEYS)}, "other keys")


def check_short_walks(server):
    """Each is short; all together are not."""
    count = 2000

    def walk(client):
        client.send(encode("SCAN", 0, "COUNT", 1000, "MATCH", MISSED) * count)
        for _ in range(count):
            require(client.reply().startswith(b"*2\r\n$"), "SCAN")
        return True

    reply_of(server, "a pipeline of SCANs", walk)


def check_many_walks(server):
    """However many clients walk, others wait for a slice of one."""
    walkers = [Client(server.port) for _ in range(20)]

    def walk(client):
        for x in walkers:
            x.send(encode("KEYS", MISSED))
        client.ask("KEYS", MISSED)
        for x in walkers:
            require_equal(x.reply(), b"*0\r\n", "KEYS")
        return True

    # Were the others let in once for a slice of each, they would send as many commands
    # as beside one client that walks. They send 21 times as many.
    deadline = time.monotonic() + PATIENCE
    while True:
        alone, _ = replies_meanwhile(server, lambda x: x.ask("KEYS", MISSED))
        count, _ = replies_meanwhile(server, walk)
        if count > 5 * alone:
            break
        require(time.monotonic() < deadline, f"21 clients that walk let {count} "
                f"commands of others in, and one {alone}")
    for x in walkers:
        x.socket.close()


def check_read_ahead(server):
    """What was sent ahead of replies is executed in turns, once these are taken."""
    big = b"x" * 8_000_000
    with Client(server.port) as client:
        client.ask("SET", "big", big)
    deadline = time.monotonic() + PATIENCE
    count = 0
    # The replies of one client take the time of some turns, too.
    while count < 50:
        with Client(server.port) as client, Client(server.port) as other:
            client.send(encode("GET", "big") + encode("CLIENT", "REPLY", "OFF")
                        + encode("SET", "ahead", "v") * 1_000_000
                        + encode("CLIENT", "REPLY", "ON"))
            other.ask("PING")
            thread = threading.Thread(target=lambda x=client: (
                require_equal(x.reply(), bulk(big), "GET"),
                require_equal(x.reply(), b"+OK\r\n", "CLIENT REPLY ON")))
            thread.start()
            count = 0
            while thread.is_alive():
                require_equal(other.ask("PING"), b"+PONG\r\n", "PING")
                count += 1
            thread.join()
            require(count >= 50 or time.monotonic() < deadline,
                    f"commands sent ahead let {count} commands of others in")
    with Client(server.port) as client:
        client.ask("DEL", "big", "ahead")


def check_order(server):
    """What the client sent behind it waits, whatever it is."""
    with Client(server.port) as client:
        large = b"x" * 3_000_000
        client.send(encode("ECHO", "first") + encode("KEYS", MISSED)
                    + encode("SET", "order", large) + encode("GET", "order")
                    + encode("KEYS", MISSED) + encode("DEL", "order")
                    + encode("PING"))
        expected = [bulk(b"first"), b"*0\r\n", b"+OK\r\n", bulk(large),
                    b"*0\r\n", b":1\r\n", b"+PONG\r\n"]
        for i, reply in enumerate(expected):
            require_equal(client.reply(), reply, f"reply {i}")
        # Without its reply.
        client.send(encode("CLIENT", "REPLY", "SKIP") + encode("KEYS", MISSED)
                    + encode("PING"))
        require_equal(client.reply(), b"+PONG\r\n", "after one that is skipped")
        client.send(encode("CLIENT", "REPLY", "OFF") + encode("KEYS", "*")
                    + encode("CLIENT", "REPLY", "ON") + encode("ECHO", "on"))
        require_equal(client.reply() + client.reply(), b"+OK\r\n" + bulk(b"on"),
                      "after one that nobody hears")
        # Within a transaction it is one step with the others.
        client.send(encode("MULTI") + encode("SET", "in", "x")
                    + encode("KEYS", "in") + encode("DEL", "in")
                    + encode("EXEC"))
        replies = [client.reply() for _ in range(5)]
        require_equal(replies[4], b"*3\r\n+OK\r\n*1\r\n" + bulk(b"in")
                      + b":1\r\n", "EXEC")
        # With replies of others before it that wait for the client.
        client.ask("SET", "big", large)
        client.send(encode("GET", "big") * 10 + encode("KEYS", MISSED)
                    + encode("GET", "big"))
        for i in range(10):
            require_equal(client.reply(), bulk(large), f"GET {i}")
        require_equal(client.reply(), b"*0\r\n", "KEYS behind them")
        require_equal(client.reply(), bulk(large), "the last GET")
        client.ask("DEL", "big")


def check_ends(server):
    """Clients that leave, or are made to, in the middle."""
    with Client(server.port) as other:
        for _ in range(20):
            client = Client(server.port)
            client.send(encode("KEYS", MISSED) * 50)
            other.ask("PING")
            client.socket.close()
        killed = Client(server.port)
        number = int(killed.ask("CLIENT", "ID")[1:])
        killed.send(encode("KEYS", MISSED) * 1000)
        require_equal(other.ask("CLIENT", "KILL", "ID", number), b":1\r\n",
                      "CLIENT KILL")
        killed.rest()
        # Half closed: it gets all of them.
        half = Client(server.port)
        half.send(encode("KEYS", MISSED) * 3 + encode("PING"))
        half.socket.shutdown(1)
        require_equal(half.rest(), b"*0\r\n" * 3 + b"+PONG\r\n", "half closed")
        # A subscriber gets its messages between its replies.
        with Client(server.port) as heard:
            heard.ask("HELLO", 3)
            heard.ask("SUBSCRIBE", "news")
            heard.send(encode("KEYS", MISSED))
            for i in range(5):
                other.ask("PUBLISH", "news", i)
            seen = [heard.reply() for _ in range(6)]
            require(seen.count(b"*0\r\n") == 1
                    and [x for x in seen if x.startswith(b">")]
                    == [b">3\r\n" + bulk(b"message") + bulk(b"news")
                        + bulk(b"%d" % i) for i in range(5)],
                    f"messages and the reply: {seen}")
        poll(lambda: b"connected_clients:1\r\n" in other.ask("INFO", "clients"),
             "the others to be gone")


def check_patterns(server):
    with Client(server.port) as client:
        longest = b"a" * 1024
        require_equal(client.ask("KEYS", longest), b"*0\r\n", "1024 bytes")
        for words in (("KEYS", longest + b"a"),
                      ("SCAN", 0, "MATCH", longest + b"a"),
                      ("PSUBSCRIBE", "x", longest + b"a"),
                      ("PUBSUB", "CHANNELS", longest + b"a")):
            require_equal(client.ask(*words),
                          b"-ERR the pattern has more than 1024 bytes\r\n",
                          f"{words[0]} with more")


def check_drain(server):
    """A drain waits for it."""
    with Client(server.port) as client:
        client.ask("PING")
        client.send(encode("KEYS", MISSED) * 3)
        code, output = server.stop(signal.SIGTERM)
        require(code == 0, f"exit code {code}: {output}")
        require_equal(client.rest(), b"*0\r\n" * 3, "the replies")


def main():
    server = Troupe("--threads=1", "--no-console")
    fill(server)
    for function in (check_others, check_short_walks, check_many_walks,
                     check_read_ahead, check_order, check_ends, check_patterns,
                     check_drain):
        print(f"-- {function.__name__}", flush=True)
        function(server)


if __name__ == "__main__":
    _servers.run(__doc__, main)
