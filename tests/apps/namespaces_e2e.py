"""Namespaces from outside: each prefix keeps to its own limit, what fills one
costs no other a key, limits change while the server runs, and bad ones are
refused."""

import json
import os
import subprocess

import _servers
from _servers import PATIENCE, Troupe, poll, refused, require
from maxmemory_e2e import MIB, Client

KEEP = 500  # Keys of each kind that nothing may cost.


def fill(client, prefix, count, size=1000):
    value = b"v" * size
    replies = client.pipeline([("SET", f"{prefix}{i}", value)
                               for i in range(count)])
    require(all(x == b"+OK" for x in replies), f"refused: {set(replies)}")


def spaces(client):
    """What INFO tells, by prefix."""
    result = {}
    for line in client("INFO", "namespaces").decode().split("\r\n"):
        if line.startswith("namespace_"):
            fields, prefix = line.split(":", 1)[1].split(",prefix=", 1)
            result[prefix] = dict(x.split("=", 1) for x in fields.split(","))
    return result


def used(client, prefix):
    return int(spaces(client)[prefix]["limited_memory"])


def keys(client, prefix):
    return int(spaces(client)[prefix]["keys"])


def check_limits():
    server = Troupe("--no-console", "--namespaces=session:=2mb img:=8mb,noeviction "
                                    "img:thumb:=1mb")
    client = Client(server.port)
    require(list(spaces(client)) == ["session:", "img:", "img:thumb:"],
            f"got {spaces(client)}")
    fill(client, "img:", KEEP)
    fill(client, "other:", KEEP)
    fill(client, "session:", 10_000)
    fill(client, "img:thumb:", 5_000)
    present = spaces(client)
    for prefix, limit in (("session:", 2 * MIB), ("img:thumb:", MIB)):
        require(int(present[prefix]["limited_memory"]) <= limit,
                f"over the limit: {present}")
        require(int(present[prefix]["evicted_keys"]) > 1_000,
                f"too few evicted: {present}")
    require(keys(client, "img:") == KEEP, f"img: lost keys: {present}")
    require(present["img:"]["maxmemory_policy"] == "noeviction", f"{present}")
    total = KEEP + sum(keys(client, x) for x in present)
    require(int(client("DBSIZE")[1:]) == total, "other keys are gone")
    # A full namespace without eviction refuses, others do not.
    replies = client.pipeline([("SET", f"img:more:{i}", b"v" * 1000)
                               for i in range(10_000)])
    require(any(x.startswith(b"-OOM") for x in replies), "nothing was refused")
    require(client("SET", "other:more", "x") == b"+OK", "other keys refused")
    # Walks and commands on several keys know no namespaces.
    client("DEL", "other:more")
    seen = set()
    cursor = b"0"
    while True:
        cursor, part = client("SCAN", cursor, "COUNT", 1000)
        seen.update(part)
        if cursor == b"0":
            break
    require(len(seen) == int(client("DBSIZE")[1:]), "SCAN misses keys")
    require(client("RENAME", "other:0", "session:moved") == b"+OK", "RENAME")
    require(client("GET", "session:moved") == b"v" * 1000, "it did not move")
    for words in (("MULTI",), ("SET", "session:a", "1"), ("SET", "img:thumb:a", "2"),
                  ("SET", "other:a", "3")):
        client(*words)
    require(client("EXEC") == [b"+OK"] * 3, "EXEC over namespaces")
    require(client("MGET", "session:a", "img:thumb:a", "other:a")
            == [b"1", b"2", b"3"], "MGET over namespaces")
    # Other databases have none.
    client("SELECT", 1)
    fill(client, "session:", 5_000)
    require(int(client("DBSIZE")[1:]) == 5_000, "database 1 has a limit")
    require(client("FLUSHALL") == b"+OK", "FLUSHALL")
    client("SELECT", 0)
    require(client("DBSIZE") == b":0", "keys after FLUSHALL")
    require(all(keys(client, x) == 0 for x in present), "keys after FLUSHALL")


def check_settings():
    path = os.path.join(_servers.SCRATCH, "namespaces.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write('[server]\nno-console=true\nshards=4\n'
                   'namespaces="session:=4mb  img:=8mb"\n')
    server = Troupe(f"--config-file={path}")
    client = Client(server.port)

    def setting():
        return client("CONFIG", "GET", "namespaces")[1].decode()

    begin = f"session:={4 * MIB} img:={8 * MIB}"
    require(setting() == begin, setting())
    fill(client, "session:", 3_000)
    fill(client, "img:", KEEP)
    require(client("CONFIG", "SET", "namespaces", "session:=1mb,allkeys-clock")
            == b"+OK", "no 1mb")
    require(used(client, "session:") <= MIB, "over the new limit")
    require(keys(client, "img:") == KEEP, "img: lost keys")
    now = f"session:={MIB},allkeys-clock img:={8 * MIB}"
    require(setting() == now, setting())
    for bad, hint in (("user:=1mb", b"--namespaces"), ("session:=0", b"above 0"),
                      ("session:", b"PREFIX=SIZE"), ("", b"session:=64mb"),
                      ("=1mb", b"empty"), ("session:=lots", b"100mb"),
                      ("img:=2mb user:=1mb", b"--namespaces"),
                      ("img:=2mb img:=3mb", b"twice"),
                      ("session:=100", b"1024"),
                      ("session:=1mb,lru", b"allkeys-s3fifo")):
        reply = client("CONFIG", "SET", "namespaces", bad)
        require(reply.startswith(b"-ERR") and hint in reply,
                f"namespaces {bad!r}: {reply!r}")
        require(setting() == now, f"{bad!r} changed something: {setting()}")
    require(client("CONFIG", "REWRITE") == b"+OK", "no REWRITE")
    with open(path, encoding="utf-8") as file:
        require(f'namespaces={now}\n' in file.read(), "it is not in the file")
    require(server.stop()[0] == 0, "the exit code")
    again = Troupe(f"--config-file={path}")
    client = Client(again.port)
    require(setting() == now, setting())


def check_console():
    # An operation that meets a killed shard waits as long as it takes.
    server = Troupe("--shards=2",
                    "--namespaces=a:=1mb b:=2mb",
                    f"--troupe.op-timeout={PATIENCE:g}s")
    client = Client(server.port)
    fill(client, "a:", KEEP)
    fill(client, "b:", KEEP)

    def console(command, *options):
        done = subprocess.run(
            [os.path.join(_servers.BIN, "troupe-console"),
             f"--socket={server.console_socket}", f"--timeout={PATIENCE:g}", *options,
             "-c", command],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=4 * PATIENCE,
            cwd=_servers.SCRATCH, check=False)
        return done.returncode, done.stdout.decode()

    code, output = console("stat", "--json")
    require(code == 0, f"stat: {code}, {output}")
    rows = json.loads(output)["regions"][0]["namespaces"]
    require([(x["prefix"], x["keys"], x["max_bytes"]) for x in rows]
            == [("a:", KEEP, MIB), ("b:", KEEP, 2 * MIB)], f"stat: {rows}")
    code, output = console("stat")
    require(code == 0 and "NAMESPACE" in output and "2.0 MiB" in output,
            f"stat: {code}, {output}")
    code, output = console("send db0 list_namespaces")
    require(code == 0 and "a:" in output, f"send: {code}, {output}")
    code, output = console("send db0 clear_namespace a:")
    require(code == 0, f"send: {code}, {output}")
    require(keys(client, "a:") == 0 and keys(client, "b:") == KEEP,
            f"after clear_namespace: {spaces(client)}")
    code, output = console("send db0 set_namespace_limits b: 100000")
    require(code == 0, f"send: {code}, {output}")
    require(used(client, "b:") <= 100_000, f"got {spaces(client)}")
    code, output = console("send db0 set_namespace_limits c: 100000")
    require(code == 1, f"an unknown one: {code}, {output}")
    # A shard of a namespace crashes, is replaced, and keeps its keys.
    before = keys(client, "b:")
    shard = "db0/shard-3"
    code, output = console(f"kill {shard}")
    require(code == 0, f"kill: {code}, {output}")

    def restarted():
        rows = json.loads(console(f"ls -a {shard}", "--json")[1])["actors"]
        return rows[0]["restarts"] == 1 and rows[0]["state"] == "running"

    poll(restarted, "the shard to be back")
    require(keys(client, "b:") == before, "it lost keys")
    require(client("SET", "b:more", "x") == b"+OK", "no SET after that")


def check_options():
    many = " ".join(f"n{i}:=1mb" for i in range(65))
    for value, hint in (("=1mb", "empty"), ("a:", "PREFIX=SIZE"),
                        ("a:=0", "above 0"), ("a:=-1", "100mb"),
                        ("a:=1mb a:=2mb", "twice"), (many, "up to 64"),
                        ("a:=100", "1024"), ("a:=1mb,lru", "allkeys-clock"),
                        ("toolong:=1mb", "keys have up to 4")):
        code, output = refused(f"--namespaces={value}", "--max-key-size=4",
                               "--port=0", "--no-console")
        require(code == 2 and "--namespaces" in output and hint in output,
                f"{value}: {code}, {output}")


def main():
    check_limits()
    check_settings()
    check_console()
    check_options()


if __name__ == "__main__":
    _servers.run(__doc__, main)
