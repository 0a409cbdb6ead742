#!/usr/bin/env python3
"""redis-py against troupe-server. The ports come in the environment; see
common.js."""

import os
import threading

import redis

PORT = int(os.environ["TROUPE_PORT"])
GUARDED_PORT = int(os.environ["TROUPE_GUARDED_PORT"])
PASSWORD = os.environ["TROUPE_TEST_PASSWORD"]
# When the ports speak TLS.
TLS = {"ssl": True, "ssl_ca_certs": os.environ["TROUPE_TEST_CA"],
       "ssl_check_hostname": True} if "TROUPE_TEST_CA" in os.environ else {}
EVERY_BYTE = bytes(range(256))
MEGABYTE = os.urandom(1 << 20)


def connect(port, **options):
    return redis.Redis(host="127.0.0.1", port=port, **TLS, **options)


def check(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}"[:500])


def refused(call, text):
    try:
        call()
    except redis.exceptions.RedisError as error:
        if text not in str(error):
            raise AssertionError(f"'{error}' does not say '{text}'") from error
        return
    raise AssertionError(f"nothing said '{text}'")


def strings(r):
    check(r.set("k", b"v"), True)
    check(r.get("k"), b"v")
    check(r.set("k", b"w", nx=True), None)
    check(r.append("k", b"w"), 2)
    check(r.getrange("k", 1, -1), b"w")
    check(r.incrby("n", 5), 5)
    check(r.incrbyfloat("n", 0.5), 5.5)
    check(r.mget("k", "n", "missing"), [b"vw", b"5.5", None])
    check(r.mset({"a": 1, "b": 2}), True)
    check(r.msetnx({"a": 3, "c": 3}), False)
    check(r.rename("a", "z"), True)
    check(r.delete("k", "n", "b", "z"), 4)


def binary(r):
    r.set(EVERY_BYTE, EVERY_BYTE)
    check(r.get(EVERY_BYTE), EVERY_BYTE)
    r.set("large", MEGABYTE)
    check(r.get("large"), MEGABYTE)


def expiry(r):
    r.set("short", "v", ex=1000)
    check(700 < r.ttl("short") <= 1000, True)
    check(r.persist("short"), True)
    check(r.ttl("short"), -1)
    check(r.expire("short", -1), True)
    check(r.exists("short"), 0)


def pipelines(r):
    pipeline = r.pipeline(transaction=False)
    for i in range(5000):
        pipeline.set(f"p:{i}", i).get(f"p:{i}")
    replies = pipeline.execute()
    check(len(replies), 10000)
    check(replies[1::2], [str(i).encode() for i in range(5000)])


def leases(r):
    state, token = r.execute_command("GETL", "leased", 0)
    check(state, b"lease")
    found = []
    waiting = threading.Thread(target=lambda: found.append(
        connect(PORT).execute_command("GETL", "leased", 60_000)))
    waiting.start()
    check(r.execute_command("SETL", "leased", "wrong", "v"), None)
    check(r.execute_command("SETL", "leased", token, "v", "TAGS", 1, "tag"), b"OK")
    waiting.join()
    check(found, [[b"value", b"v"]])
    check(r.execute_command("GETL", "leased", 0), [b"value", b"v"])
    check(r.execute_command("TAGDEL", "tag"), 1)
    check(r.exists("leased"), 0)


def scan(r):
    check(len(set(r.scan_iter(match="p:*", count=100))), 5000)


def transactions(r):
    pipeline = r.pipeline()
    check(pipeline.set("t", 1).incr("t").get("t").execute(), [True, 2, b"2"])
    r.set("counter", 0)

    def add(p):
        value = int(p.get("counter"))
        p.multi()
        p.set("counter", value + 1)

    threads = [
        threading.Thread(
            target=lambda: [r.transaction(add, "counter") for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(r.get("counter"), b"200")


def publish(r):
    subscriber = r.pubsub()
    subscriber.subscribe("news")
    subscriber.psubscribe("n?ws")
    check([subscriber.get_message(timeout=120)["type"] for _ in range(2)],
          ["subscribe", "psubscribe"])
    check(r.publish("news", "hello"), 2)
    got = [subscriber.get_message(timeout=120) for _ in range(2)]
    check([(x["type"], x["channel"], x["data"]) for x in got],
          [("message", b"news", b"hello"), ("pmessage", b"news", b"hello")])
    subscriber.close()


def authentication(_):
    guarded = connect(GUARDED_PORT, password=PASSWORD)
    check(guarded.set("k", "v"), True)
    refused(lambda: connect(GUARDED_PORT, password="wrong").ping(),
            "invalid username-password pair")
    refused(lambda: connect(GUARDED_PORT).get("k"),
            "Authentication required")


def databases(r):
    other = connect(PORT, db=3)
    other.set("only-in-3", "v")
    check(r.exists("only-in-3"), 0)
    check(other.dbsize(), 1)
    other.flushdb()


def errors(r):
    refused(lambda: r.execute_command("NOPE"), "unknown command")
    refused(lambda: r.execute_command("GET"), "wrong number of arguments")
    r.set("text", "no number")
    refused(lambda: r.incr("text"), "not an integer")


def main():
    r = connect(PORT)
    check(r.ping(), True)
    check(r.flushall(), True)
    for step in (strings, binary, expiry, leases, pipelines, scan, transactions,
                 publish, authentication, databases, errors):
        step(r)
        print(f"redis-py {redis.__version__}: {step.__name__}: ok", flush=True)


main()
