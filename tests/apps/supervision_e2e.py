#!/usr/bin/env python3
"""Crashes, restarts and ends of troupe-server, from outside: what is said, what is
counted, and what clients see.

usage: supervision_e2e.py DIRECTORY-OF-THE-PROGRAMS

Ends with 1 at the first check that fails.
"""

import json
import os
import re
import subprocess
import threading
import time

import _servers as servers
from _servers import PATIENCE, Troupe, poll, require
from server_e2e import Client, bulk, check, encode, require_equal

OK = b"+OK\r\n"
NIL = b"$-1\r\n"

# A line of the server on standard error, with its time.
TIMED = rb"troupe-server: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


def console(server, command, *options):
    """Exit code, standard output and standard error of a command."""
    done = subprocess.run(
        [os.path.join(servers.BIN, "troupe-console"),
         f"--socket={server.console_socket}", f"--timeout={PATIENCE:g}", *options,
         "-c", command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=4 * PATIENCE, cwd=servers.SCRATCH, check=False)
    return done.returncode, done.stdout, done.stderr


def run(server, command):
    code, out, err = console(server, command)
    require((code, err) == (0, ""), f"{command}: {code}, {out!r}, {err!r}")
    return out


def stat(server):
    return json.loads(console(server, "stat", "--json")[1])


def state(server, actor):
    actors = json.loads(console(server, f"ls {actor}", "--json")[1])["actors"]
    return next(x["state"] for x in actors if x["name"] == actor)


def info(client):
    text = client.ask("INFO").decode()
    return dict(x.split(":", 1) for x in text.split("\r\n") if ":" in x)


def give_up(server, actor):
    """Has an actor crash until it stays down."""
    def down():
        code, _, err = console(server, f"kill {actor}")
        require(code == 0 or "unknown_actor" in err, err)
        return state(server, actor) == "failed"
    poll(down, f"{actor} to be given up")


def keys_by_shard(client, count=200):
    """Keys with values, and whether a write of each is refused."""
    up, down = [], []
    for i in range(count):
        reply = client.ask("SET", f"k{i}", "new")
        (up if reply == OK else down).append(f"k{i}")
        require(reply == OK or b"crashed too often" in reply, repr(reply))
    return up, down


def start(*options):
    return Troupe("--shards=4", "--troupe.restart-limit=1",
                  "--troupe.restart-window=1h",
                  *options)


def check_a_failed_shard():
    server = start()
    with Client(server.port) as client:
        for i in range(200):
            require_equal(client.ask("SET", f"k{i}", "old"), OK, "SET")
        give_up(server, "db0/shard-1")
        up, down = keys_by_shard(client)
        require(up and down, f"{len(up)} keys up, {len(down)} down")
        figures = info(client)
        require_equal(figures["shards_failed"], "1", "shards_failed")
        require_equal(figures["actors_failed"], "1", "actors_failed")
        require_equal(figures["actor_crashes"], "2", "actor_crashes")
        require_equal(figures["actor_restarts"], "1", "actor_restarts")
        shown = stat(server)
        require_equal(shown["shards_failed"], 1, "shards_failed of stat")
        require_equal(shown["regions"][0]["shards_failed"], 1, "of the region")
        require("1 failed (1 shard)" in run(server, "stat"), "stat as text")
        # What it holds is served by default, and can be invalidated.
        require_equal(client.ask("GET", down[0]), bulk(b"old"), "GET")
        # All or nothing: the limit changes, and holds for the shards that run.
        require_equal(client.ask("CONFIG", "SET", "maxmemory", "32mb"), OK,
                      "CONFIG SET")
        require(bulk(b"33554432") in client.ask("CONFIG", "GET", "maxmemory"),
                "the limit")
        require_equal(client.ask("FLUSHALL"), OK, "FLUSHALL")
        for key in up + down:
            require_equal(client.ask("GET", key), NIL, f"GET {key}")
        require_equal(client.ask("DBSIZE"), b":0\r\n", "DBSIZE")
        require_equal(run(server, "restart db0/shard-1"),
                      "restarted db0/shard-1\n", "restart")
        require_equal(state(server, "db0/shard-1"), "running", "its state")
        require_equal(info(client)["shards_failed"], "0", "shards_failed")
        for key in down:
            require_equal(client.ask("GET", key), NIL, f"GET {key}")
            require_equal(client.ask("SET", key, "v"), OK, f"SET {key}")
        code, _, err = console(server, "restart db0/shard-1")
        require(code == 1 and "db0/shard-1 is running" in err, err)
        code, _, err = console(server, "restart db0/shard-x")
        require(code == 1 and "unknown_actor" in err and "did you mean" in err,
                err)
    code, output = server.stop()
    require_equal(code, 0, f"the exit code; output {output!r}")
    for line, count in ((rb"db0/shard-1 crashed \(.*\); crash \d within", 2),
                        (rb"db0/shard-1 runs again\n", 1),
                        (rb"db0/shard-1 is given up after crash 2 within", 1),
                        (rb"db0/shard-1 runs again, by order\n", 1)):
        found = re.findall(TIMED + line, output)
        require_equal(len(found), count, f"lines {line!r} in {output!r}")


def check_absent():
    server = start("--troupe.failed-shards=absent")
    with Client(server.port) as client:
        for i in range(200):
            require_equal(client.ask("SET", f"k{i}", "old"), OK, "SET")
        give_up(server, "db0/shard-1")
        up, down = keys_by_shard(client)
        require(up and down, f"{len(up)} keys up, {len(down)} down")
        for key in down:
            require_equal(client.ask("GET", key), NIL, f"GET {key}")
        require_equal(client.ask("DBSIZE"), b":%d\r\n" % len(up), "DBSIZE")
        run(server, "restart db0/shard-1")
        for key in down:
            require_equal(client.ask("GET", key), NIL, f"GET {key}")
    require_equal(server.stop()[0], 0, "the exit code")


def check_invalidated_keys():
    """A client flushes and checks while shards fail and come back."""
    server = start()
    problems, rounds, stop = [], [0], threading.Event()

    def work():
        with Client(server.port) as client:
            while not stop.is_set() and not problems:
                for i in range(50):
                    reply = client.ask("SET", f"k{i}", "v")
                    if reply != OK and not reply.startswith(b"-"):
                        problems.append(reply)
                if (reply := client.ask("FLUSHALL")) != OK:
                    problems.append(reply)
                for i in range(50):
                    if (reply := client.ask("GET", f"k{i}")) != NIL:
                        problems.append((i, reply))
                rounds[0] += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for i in range(6):
            shard = f"db0/shard-{i % 4}"
            give_up(server, shard)
            before = rounds[0]
            poll(lambda: rounds[0] > before + 3 or problems, "some rounds")
            run(server, f"restart {shard}")
    finally:
        stop.set()
        worker.join()
    require(not problems, repr(problems))
    require_equal(server.stop()[0], 0, "the exit code")


def check_a_failed_front():
    server = start()
    give_up(server, "db0")
    with Client(server.port) as client:
        require_equal(client.ask("SET", "k", "v"), OK, "SET needs no front")
        require_equal(info(client)["shards_failed"], "0", "shards_failed")
        require_equal(info(client)["actors_failed"], "1", "actors_failed")
    for command in ("get k", "send db0 clear"):
        code, _, err = console(server, command)
        require(code != 0 and "restart db0" in err, f"{command}: {code}, {err}")
    require_equal(run(server, "restart db0"), "restarted db0\n", "restart")
    require_equal(run(server, "get k"), '"v"\n', "get")
    require_equal(server.stop()[0], 0, "the exit code")


def check_drain_of_an_idle_server():
    server = Troupe()
    with Client(server.port) as client:
        require_equal(client.ask("SET", "k", "v"), OK, "SET")
        out = run(server, "drain 30s")
        require(re.fullmatch(r"drained in \S+, 1 client included\n", out), out)
        require_equal(client.rest(), b"", "the client's end")
    require_equal(server.wait()[0], 0, "the exit code")


def check_drain_with_a_client_that_reads_late():
    """It gets all its replies, and the drain waits for that."""
    server = Troupe()
    value = b"d" * (1 << 20)
    count = 50
    with Client(server.port) as client:
        require_equal(client.ask("SET", "k", value), OK, "SET")
        client.send(encode("GET", "k") * count)
        client.exactly(1)
        done = []
        drain = threading.Thread(
            target=lambda: done.append(console(server, "drain 60s")))
        drain.start()
        poll(lambda: stat(server)["draining"], "the drain to begin")
        require(not done, f"the drain did not wait: {done}")
        got = client.rest()
        require_equal(len(got) + 1, len(bulk(value)) * count, "bytes")
        drain.join()
    code, out, err = done[0]
    require((code, err) == (0, "") and "1 client included" in out, f"{done}")
    require_equal(server.wait()[0], 0, "the exit code")


def check_drain_with_a_client_that_never_reads():
    """The deadline holds for it, the report names it, and the server ends then."""
    # Its own limit, which does not count for a drain with a deadline.
    server = Troupe(f"--drain-timeout={PATIENCE:g}s")
    with Client(server.port) as client:
        require_equal(client.ask("SET", "k", b"d" * (1 << 20)), OK, "SET")
        client.send(encode("GET", "k") * 100)
        client.exactly(1)
        begin = time.monotonic()
        code, out, err = console(server, "drain 1s")
        took = time.monotonic() - begin
        require(code == 1 and "1 of 1 client (cut off" in err,
                f"{code}, {out!r}, {err!r}")
        require(took >= 1, f"it reported after {took} s")
        code, output = server.wait()
        require(time.monotonic() - begin < PATIENCE / 2,
                "the server outlives the deadline")
    require_equal(code, 0, f"the exit code; output {output!r}")
    require(b"cut off 1 " in output, repr(output))


def main():
    check("a failed shard is told, counted, invalidated and restarted",
          check_a_failed_shard)
    check("a failed shard may count as absent", check_absent)
    check("what was flushed while shards fail stays gone",
          check_invalidated_keys)
    check("a failed front is restarted", check_a_failed_front)
    check("a drain ends idle clients", check_drain_of_an_idle_server)
    check("a drain waits for a client that reads late",
          check_drain_with_a_client_that_reads_late)
    check("a drain's deadline and report cover clients",
          check_drain_with_a_client_that_never_reads)


if __name__ == "__main__":
    servers.run(__doc__, main)
