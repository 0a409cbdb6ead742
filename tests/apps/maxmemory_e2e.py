"""maxmemory from outside: the limit holds, keys are evicted or writes refused,
settings change while the server runs, and wrong ones are refused."""

import socket
import time

import _servers
from _servers import PATIENCE, Troupe, refused, require

MIB = 1024 * 1024


class Client:
    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.link.makefile("rb")

    def send(self, *words):
        data = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            data.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.link.sendall(b"".join(data))

    def reply(self):
        line = self.file.readline()
        require(line.endswith(b"\r\n"), f"a reply was cut off: {line!r}")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            if rest == b"-1":
                return None
            body = self.file.read(int(rest) + 2)
            return body[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return line[:-2]

    def __call__(self, *words):
        self.send(*words)
        return self.reply()

    def pipeline(self, commands):
        """Sends some at a time, so that no buffer fills on both sides."""
        replies = []
        for start in range(0, len(commands), 100):
            part = commands[start:start + 100]
            for words in part:
                self.send(*words)
            replies += [self.reply() for _ in part]
        return replies

    def info(self):
        lines = self("INFO").decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)


def calm(client):
    """The number of evictions, once none come by themselves any more: for as long as
    keys were evicted since it looked last, the rebalancer moves room between shards."""
    deadline = time.monotonic() + PATIENCE
    seen = int(client.info()["evicted_keys"])
    while True:
        time.sleep(0.3)  # three of its looks
        now = int(client.info()["evicted_keys"])
        if now == seen:
            return now
        require(time.monotonic() < deadline, "evictions never end")
        seen = now


def fill(client, first, count, size):
    value = b"v" * size
    return client.pipeline([("SET", f"key:{i}", value)
                            for i in range(first, first + count)])


def check_eviction():
    server = Troupe("--maxmemory=8mb", "--no-console")
    client = Client(server.port)
    require(client("CONFIG", "GET", "maxmemory")
            == [b"maxmemory", str(8 * MIB).encode()], "another limit")
    replies = fill(client, 0, 20_000, 1000)
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
    info = client.info()
    require(int(info["limited_memory"]) <= 8 * MIB, f"over the limit: {info}")
    require(int(info["evicted_keys"]) > 10_000, f"too few evicted: {info}")
    require(int(client("DBSIZE")[1:]) < 8_400, "more keys than fit")
    # Another database shares the limit.
    client("SELECT", 1)
    replies = fill(client, 0, 20_000, 1000)
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
    require(int(client.info()["limited_memory"]) <= 8 * MIB, "over the limit")
    # Less, at once.
    require(client("CONFIG", "SET", "maxmemory", "4mb") == b"+OK", "no 4mb")
    require(int(client.info()["limited_memory"]) <= 4 * MIB, "over the limit")
    for bad in ("12", "many", "-1"):
        reply = client("CONFIG", "SET", "maxmemory", bad)
        require(reply.startswith(b"-ERR"), f"maxmemory {bad}: {reply!r}")
    require(client("CONFIG", "GET", "maxmemory")[1] == str(4 * MIB).encode(),
            "a refused limit was taken")
    reply = client("SET", "large", b"x" * (4 * MIB))
    require(reply.startswith(b"-ERR value is too large")
            and b"maxmemory" in reply, f"got {reply!r}")
    require(client("PING") == b"+PONG", "no PING after that")


def check_refusal():
    server = Troupe("--maxmemory=2mb", "--maxmemory-policy=noeviction",
                    "--no-console")
    client = Client(server.port)
    replies = fill(client, 0, 5_000, 1000)
    oom = b"-OOM command not allowed when used memory > 'maxmemory'."
    require(oom in replies and b"+OK" in replies, f"got {set(replies)}")
    info = client.info()
    require(int(info["evicted_keys"]) == 0, "something was evicted")
    require(int(info["limited_memory"]) <= 2 * MIB, "over the limit")
    stored = [i for i, x in enumerate(replies) if x == b"+OK"]
    require(all(client("EXISTS", f"key:{i}") == b":1" for i in stored[:100]),
            "a stored key is gone")
    refused_key = replies.index(oom)
    require(client("GET", f"key:{refused_key}") is None, "a refused key is here")
    # Room again, by deleting and by changing the policy.
    client.pipeline([("DEL", f"key:{i}") for i in stored[:500]])
    require(client("SET", "again", "x") == b"+OK", "no room after DEL")
    require(client("CONFIG", "SET", "maxmemory-policy", "allkeys-clock")
            == b"+OK", "no other policy")
    replies = fill(client, 10_000, 5_000, 1000)
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
    reply = client("CONFIG", "SET", "maxmemory-policy", "allkeys-fifo")
    require(b"allkeys-s3fifo" in reply, f"it does not say what there is: {reply!r}")
    require(client("CONFIG", "GET", "maxmemory-policy")[1] == b"allkeys-clock",
            "a refused policy was taken")


def numbered(name, count):
    return [f"{name}:{i}" for i in range(count)]


def paired(keys, value):
    return [word for key in keys for word in (key, value)]


def check_all_or_nothing():
    """MSET, MSETNX and EXEC without room change nothing, here as in redis-server, and
    a transaction is told of it when a command is queued."""
    oom = b"-OOM command not allowed when used memory > 'maxmemory'."
    aborted = (b"-EXECABORT Transaction discarded because of previous errors.")
    value = b"n" * 4000
    new = numbered("new", 60)
    server = Troupe("--maxmemory=4mb", "--maxmemory-policy=noeviction",
                    "--no-console")
    redis = _servers.Redis("--maxmemory", "4mb",
                           "--maxmemory-policy", "noeviction")
    answers = []
    for port in (server.port, redis.port):
        client = Client(port)
        fill(client, 0, 8_000, 1000)
        # What redis-server frees of its clients' buffers afterwards is room, too.
        if port == redis.port:
            client("CONFIG", "SET", "maxmemory", "2mb")
        require(client("SET", "last", value) == oom, "there is room still")
        says = [client("MSET", *paired(new, value)),
                client("MSETNX", *paired(new, value)),
                client("EXISTS", *new),
                client("MULTI"),
                client("DEL", "key:0"),
                client("SET", "new:0", value),
                client("GET", "key:1"),
                client("EXEC"),
                client("EXISTS", "key:0", "new:0"),
                client("MULTI"),
                client("DEL", "key:0"),
                client("EXEC"),
                client("PING")]
        answers.append([says[i] for i in (0, 1, 2, 3, 5, 7, 8, 12)])
        require(says[:3] == [oom, oom, b":0"], f"got {says}")
        require(says[5] == oom and says[7] == aborted and says[8] == b":1",
                f"got {says}")
    # Redis queues nothing at all then, not even what would make room.
    require(answers[0] == answers[1], f"{answers[0]}\nredis: {answers[1]}")

    # Room for some of them is no room for all.
    client = Client(server.port)
    client.pipeline([("DEL", f"key:{i}") for i in range(100)])
    require(client("MSET", *paired(new, value)) == oom, "MSET stored in part")
    require(client("MSETNX", *paired(new, value)) == oom,
            "MSETNX stored in part")
    require(client("EXISTS", *new) == b":0", "some were stored")
    client("MULTI")
    client("SET", "marker", "x")
    for key in new:
        require(client("SET", key, value) == b"+QUEUED", "no room for one")
    reply = client("EXEC")
    require(reply == b"-EXECABORT Transaction discarded because of: " + oom[1:],
            f"got {reply!r}")
    require(client("EXISTS", "marker", *new) == b":0", "EXEC stored in part")
    # With room for all of them, all are stored.
    client.pipeline([("DEL", f"key:{i}") for i in range(100, 600)])
    require(client("MSET", *paired(new, value)) == b"+OK", "room for all")
    require(client("EXISTS", *new) == b":60", "not all were stored")
    # What is deleted first makes room within a transaction.
    client("MULTI")
    client("DEL", *new)
    client("MSET", *paired(numbered("more", 50), value))
    reply = client("EXEC")
    require(reply == [b":60", b"+OK"], f"got {reply}")
    require(int(client.info()["limited_memory"]) <= 4 * MIB, "over the limit")

    # A value that is renamed needs no room, in a transaction neither, but for the longer
    # key and a place in the index.
    require(client("SET", "big", b"b" * 400_000) == b"+OK", "no room for it")
    fill(client, 0, 8_000, 1000)
    client("DEL", "key:1000")
    client("MULTI")
    client("RENAME", "big", "bigger")
    reply = client("EXEC")
    require(reply == [b"+OK"], f"RENAME at the limit: {reply!r}")
    require(client("STRLEN", "bigger") == b":400000", "another value")
    # What MSETNX may leave as it is has not made room for others.
    client("DEL", "key:1")
    client("MULTI")
    for words in (("DEL", "key:2"), ("MSETNX", "bigger", "x", "fresh", "y"),
                  ("APPEND", "bigger", b"z" * 200_000),
                  ("APPEND", "bigger", b"z" * 200_000)):
        require(client(*words) in (b"+QUEUED", oom), f"{words[0]}")
    reply = client("EXEC")
    require(reply.startswith(b"-EXECABORT"), f"done in part: {reply!r}")
    require(client("EXISTS", "key:2") == b":1", "a key was deleted")

    # A limit cannot change in the middle of a transaction.
    client("MULTI")
    reply = client("CONFIG", "SET", "maxmemory", "8mb")
    require(reply.startswith(b"-ERR") and b"transaction" in reply, f"got {reply}")
    require(client("EXEC") == aborted, "EXEC after that")
    require(client("CONFIG", "GET", "maxmemory")[1] == b"%d" % (4 * MIB),
            "another limit")

    # A limit of one namespace is told when a command is queued, too.
    client = Client(Troupe("--namespaces=session:=1mb,noeviction",
                           "--no-console").port)
    client.pipeline([("SET", f"session:{i}", value) for i in range(400)])
    require(client("SET", "session:new", value) == oom, "there is room still")
    client("MULTI")
    require(client("SET", "session:new", value) == oom, "queued")
    require(client("EXEC") == aborted, "EXEC after that")

    # What a key or value is too large for at all, is told then.
    client = Client(Troupe("--max-value-size=1000", "--no-console").port)
    require(client("SET", "f", "keep") == b"+OK", "SET")
    for words, text in ((("SET", b"k" * 70_000, "v"), b"key is too large"),
                        (("SET", "k", b"v" * 1001), b"value is too large"),
                        (("MSET", "a", "b", "c", b"v" * 1001),
                         b"value is too large")):
        client("MULTI")
        client("DEL", "f")
        reply = client(*words)
        require(text in reply, f"queued: {reply!r}")
        require(client("EXEC") == aborted, "EXEC after that")
        require(client("GET", "f") == b"keep", "DEL was done")
    client("MULTI")
    require(client("SET", b"k" * 2000, b"v" * 1000) == b"+QUEUED", "a long key")
    require(client("EXEC") == [b"+OK"], "a long key")

    # Too large for the limit, whether something is evicted or not.
    huge = b"x" * (20 * MIB)
    too_large = b"-ERR value is too large"
    for policy in ("allkeys-s3fifo", "noeviction"):
        server = Troupe("--maxmemory=32mb", f"--maxmemory-policy={policy}",
                        "--no-console")
        client = Client(server.port)
        require(client("MSET", "old", "keep", "f", "keep") == b"+OK", "MSET")
        for words in (("MSET", "old", "new", "big", huge),
                      ("MSETNX", "fresh", "new", "big", huge)):
            reply = client(*words)
            require(reply.startswith(too_large), f"{words[0]}: {reply!r}")
        client("MULTI")
        client("DEL", "f")
        reply = client("SET", "new", huge)
        require(reply.startswith(too_large), f"queued: {reply!r}")
        require(client("EXEC") == aborted, "EXEC after that")
        # A value that a transaction makes too large itself.
        client("MULTI")
        for words in (("DEL", "f"), ("SETRANGE", "old", 10 * MIB, "x"),
                      ("APPEND", "old", b"x" * (10 * MIB))):
            require(client(*words) == b"+QUEUED", f"{words[0]}")
        reply = client("EXEC")
        require(reply.startswith(b"-EXECABORT") and b"too large" in reply,
                f"got {reply!r}")
        require(client("MGET", "old", "f", "big", "fresh", "new")
                == [b"keep", b"keep", None, None, None],
                "something was changed")


def check_drift():
    """Sizes that are out of use leave no memory behind. Without entries being moved
    every size keeps what it needed, a limit each."""
    limit = 32 * MIB
    server = Troupe(f"--maxmemory={limit}", "--no-console")
    client = Client(server.port)
    first = 0
    for size in (50, 100, 200, 400, 800, 1600, 3200, 6400, 12800):
        count = 2 * limit // (size + 100)
        replies = fill(client, first, count, size)
        require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
        first += count
        info = client.info()
        require(int(info["limited_memory"]) <= limit,
                f"over the limit: {info}")
        require(int(info["used_memory"]) <= 5 * limit // 2,
                f"values of {size} bytes left memory behind: {info}")
    require(int(info["active_defrag_hits"]) > 0, f"nothing was moved: {info}")
    require(client("GET", f"key:{first - 1}") == b"v" * 12800, "another value")


def check_rename():
    """A rename at the limit neither evicts nor is refused, however large the value."""
    limit = 64 * MIB
    size = 1_900_000
    for policy in ("allkeys-s3fifo", "noeviction"):
        server = Troupe(f"--maxmemory={limit}", f"--maxmemory-policy={policy}",
                        "--no-console")
        client = Client(server.port)
        fill(client, 0, limit // 1000, 1000)
        evicted = int(client.info()["evicted_keys"])
        require((evicted > 0) == (policy != "noeviction"), f"{evicted} evicted")
        # Room for it, and no more.
        if policy == "noeviction":
            client.pipeline([("DEL", f"key:{i}") for i in range(2_500)])
        require(client("SET", "name:0", b"x" * size) == b"+OK", "not stored")
        fill(client, limit // 1000, 5_000, 1000)
        if client("EXISTS", "name:0") == b":0":
            require(client("SET", "name:0", b"x" * size) == b"+OK", "not stored")
        evicted = calm(client)
        count = client("DBSIZE")
        # Each leaves 8 bytes in the order of evictions; the limit tolerates a thousand.
        renames = 100
        for i in range(renames):
            reply = client("RENAME", f"name:{i}", f"name:{i + 1}")
            require(reply == b"+OK", f"RENAME: {reply!r}")
        require(client("DBSIZE") == count, "a rename took another key along")
        info = client.info()
        require(int(info["evicted_keys"]) == evicted, "a rename evicted")
        require(int(info["limited_memory"]) <= limit + 4096,
                f"over the limit: {info}")
        require(client("STRLEN", f"name:{renames}") == b":%d" % size, "another value")


def check_options():
    for option, hint in (("--maxmemory=10", "64kb"),
                         ("--maxmemory=lots", "100mb"),
                         ("--maxmemory-policy=lru", "allkeys-s3fifo")):
        code, output = refused(option, "--port=0", "--no-console")
        require(code == 2 and hint in output, f"{option}: {code}, {output}")


def check_large_values():
    """Half of the limit for one value, whether the limit is set at the start, with
    few shards, or later, with 32."""
    limit = 64 * MIB
    half = limit // 2
    for options, later in (([f"--maxmemory={limit}"], False),
                           (["--shards=32"], True),
                           (["--shards=32", f"--maxmemory={limit}"], False)):
        server = Troupe(*options, "--no-console")
        client = Client(server.port)
        if later:
            fill(client, 0, 80_000, 1000)
            require(client("CONFIG", "SET", "maxmemory", limit) == b"+OK",
                    "no limit")
        fill(client, 0, 80_000, 1000)
        before = int(client("DBSIZE")[1:])
        for size in (3 * MIB, 30 * 1000 * 1000):
            value = b"x" * size
            require(client("SET", "large", value) == b"+OK", f"SET {size}")
            require(client("GET", "large") == value, "another value")
            require(client("SETRANGE", "range", size - 1, "x")
                    == b":%d" % size, f"SETRANGE {size}")
            require(client("SET", "grows", value[1:]) == b"+OK", f"SET {size}")
            reply = client("APPEND", "grows", "x")
            require(reply == b":%d" % size, f"APPEND {size}: {reply!r}")
            require(client("STRLEN", "grows") == b":%d" % size, "not that long")
            used = int(client.info()["limited_memory"])
            require(used <= limit, f"over the limit: {used}")
            if size == 3 * MIB:
                require(int(client("DBSIZE")[1:]) > before * 3 // 4,
                        "three of 64 MB evicted more than a quarter")
        # Alone, so that nothing evicts it: what others were lent too much of is asked
        # back in the background.
        require(client("FLUSHALL") == b"+OK", "FLUSHALL")
        require(client("SET", "grows", value) == b"+OK", f"SET {size}")
        for words in (("SET", "large", b"x" * half),
                      ("APPEND", "grows", b"x" * (half - size)),
                      ("SETRANGE", "range", half, "x")):
            reply = client(*words)
            require(reply.startswith(b"-ERR value is too large")
                    and b"maxmemory" in reply and b"%d" % half in reply,
                    f"{words[0]}: {reply!r}")
        require(client("STRLEN", "grows") == b":%d" % size,
                "a refused APPEND changed the value")


def check_small_limits():
    server = Troupe("--maxmemory=64kb", "--no-console")
    client = Client(server.port)
    replies = fill(client, 0, 1_000, 100)
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
    require(int(client("DBSIZE")[1:]) > 300, "too few keys")
    require(int(client.info()["limited_memory"]) <= 64 * 1024, "over the limit")
    # Later, on as many shards as there are.
    server = Troupe("--shards=32", "--no-console")
    client = Client(server.port)
    fill(client, 0, 5_000, 100)
    require(client("CONFIG", "SET", "maxmemory", "64kb") == b"+OK", "no 64kb")
    require(int(client.info()["limited_memory"]) <= 64 * 1024, "over the limit")
    replies = fill(client, 0, 1_000, 100)
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")
    require(int(client.info()["limited_memory"]) <= 64 * 1024, "over the limit")
    server = Troupe("--shards=128", "--no-console")
    client = Client(server.port)
    fill(client, 0, 5_000, 100)
    reply = client("CONFIG", "SET", "maxmemory-policy", "noeviction",
                   "maxmemory", "64kb")
    require(reply.startswith(b"-ERR") and b"131072" in reply, f"got {reply!r}")
    require(client("CONFIG", "GET", "maxmemory", "maxmemory-policy")
            == [b"maxmemory", b"0", b"maxmemory-policy", b"allkeys-s3fifo"],
            "a refused change was made")
    require(client("DBSIZE") == b":5000", "a refused limit evicted keys")


def main():
    check_large_values()
    check_small_limits()
    check_eviction()
    check_refusal()
    check_all_or_nothing()
    check_drift()
    check_rename()
    check_options()


if __name__ == "__main__":
    _servers.run(__doc__, main)
