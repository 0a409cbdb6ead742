#!/usr/bin/env python3
"""Leases of missing keys (GETL, SETL, DROPL) from outside: many processes with redis-py,
redis-cli, and raw sockets.

usage: leases_e2e.py DIRECTORY-OF-THE-PROGRAMS
"""

import os
import socket
import struct
import subprocess
import time

import _clients as clients
import _servers as servers
from _servers import PATIENCE, Troupe, poll, require
from server_e2e import Client, bulk, encode, parse, require_equal

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../apps/examples/stampede.py")

# Milliseconds; nothing here waits for as long.
LONG = 1_000 * int(PATIENCE)


def busy_clients(client):
    """The number of clients whose commands wait."""
    text = parse(client.ask("INFO", "clients"))
    return int(text.split(b"blocked_clients:")[1].split(b"\r\n")[0])


def await_waiting(client, count):
    poll(lambda: busy_clients(client) == count, f"{count} clients that wait")


def take(client, key, lease=LONG):
    """Gets the lease of a key; its token."""
    state, token = parse(client.ask("GETL", key, 0, lease))
    require_equal(state, b"lease", f"GETL {key}")
    return token


def wait_for(server, key):
    """A connection with a GETL that waits."""
    client = Client(server.port)
    client.send(encode("GETL", key, LONG))
    return client


def check_processes(server):
    """Of 50 processes that miss a key, one loads it."""
    done = subprocess.run(
        [clients.python_with_redis(), "-B", EXAMPLE, f"--port={server.port}",
         "--processes=50", "--rounds=3", "--load-ms=20", "--check"],
        capture_output=True, text=True, timeout=4 * PATIENCE, check=False,
        env=servers.environment())
    print(done.stdout, end="", flush=True)
    require(done.returncode == 0, f"{EXAMPLE}: {done.stdout}{done.stderr}")


def check_redis_cli(server):
    """redis-cli waits, and prints the value in its own way."""
    with Client(server.port) as holder:
        token = take(holder, "cli")
        waiting = [subprocess.Popen(
            ["redis-cli", "-p", str(server.port), "GETL", "cli", str(LONG)],
            stdout=subprocess.PIPE, env=servers.environment())
            for _ in range(8)]
        await_waiting(holder, len(waiting))
        require_equal(holder.ask("SETL", "cli", token, "v", "TAGS", 1, "t"),
                      b"+OK\r\n", "SETL")
        for program in waiting:
            output, _ = program.communicate(timeout=PATIENCE)
            require_equal(output, b"value\nv\n", "redis-cli")


def check_deaths(server):
    """A lease is inherited when its holder dies, in the order of the questions."""
    with Client(server.port) as other:
        holders = [Client(server.port)]
        take(holders[0], "d")
        for number in range(1, 5):
            holders.append(wait_for(server, "d"))
            await_waiting(other, number)
        tokens = set()
        for dying, heir in zip(holders, holders[1:]):
            # As a process that is killed: the kernel resets the connection.
            dying.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    struct.pack("ii", 1, 0))
            dying.socket.close()
            state, token = parse(heir.reply())
            require_equal(state, b"lease", "the heir")
            tokens.add(token)
        require_equal(len(tokens), 4, "different tokens")
        require_equal(holders[-1].ask("SETL", "d", token, "v"), b"+OK\r\n", "SETL")
        holders[-1].socket.close()


def check_times(server):
    """A lease ends by itself, soon after its time and not before."""
    with Client(server.port) as holder, Client(server.port) as other:
        begun = time.monotonic()
        token = take(holder, "t", 300)
        waiting = wait_for(server, "t")
        state, _ = parse(waiting.reply())
        passed = time.monotonic() - begun
        require_equal(state, b"lease", "the heir")
        require(passed >= 0.3, f"inherited after {passed} s")
        require_equal(holder.ask("SETL", "t", token, "old"), b"$-1\r\n", "SETL")
        waiting.socket.close()
        token = take(holder, "u")
        require_equal(parse(other.ask("GETL", "u", 50)), [b"busy", None],
                      "at the end of its wait")
        require_equal(holder.ask("DROPL", "u", token), b":1\r\n", "DROPL")


def check_fences(server):
    """A change of the key by another client wakes those that wait, at once."""
    with Client(server.port) as holder, Client(server.port) as other:
        for key, change, expected in (
                ("f1", (("SET", "f1", "new"),), [b"value", b"new"]),
                ("f2", (("MULTI",), ("SET", "f2", "a"), ("SET", "f2", "b"),
                        ("EXEC",)), [b"value", b"b"]),
                ("f3", (("DEL", "f3"),), None), ("f4", (("FLUSHALL",),), None)):
            token = take(holder, key)
            waiting = wait_for(server, key)
            await_waiting(other, 1)
            for words in change:
                other.ask(*words)
            answer = parse(waiting.reply())
            if expected is None:
                require_equal(answer[0], b"lease", key)
            else:
                require_equal(answer, expected, key)
            require_equal(holder.ask("SETL", key, token, "old"), b"$-1\r\n", key)
            waiting.socket.close()


def check_many(server):
    """Thousands of clients that wait for one key all get the value."""
    count = 2000
    with Client(server.port) as holder:
        token = take(holder, "m")
        waiting = [wait_for(server, "m") for _ in range(count)]
        await_waiting(holder, count)
        value = os.urandom(1000)
        require_equal(holder.ask("SETL", "m", token, value), b"+OK\r\n", "SETL")
        for client in waiting:
            require_equal(client.reply(),
                          b"*2\r\n$5\r\nvalue\r\n" + bulk(value), "a client")
            client.socket.close()


def check_drain(server):
    """A drain closes the holder of a lease, so that no client waits for it in vain."""
    with Client(server.port) as holder:
        take(holder, "e")
        waiting = wait_for(server, "e")
        await_waiting(holder, 1)
        code, output = server.stop()
        require(code == 0 and b"cut off" not in output, output)
        state, _ = parse(waiting.rest())
        require_equal(state, b"lease", "the heir")


def main():
    server = Troupe("--no-console", "--drain-timeout=100ms")
    for check in (check_processes, check_redis_cli, check_deaths, check_times,
                  check_fences, check_many, check_drain):
        print(f"-- {check.__name__}", flush=True)
        check(server)


if __name__ == "__main__":
    servers.run(__doc__, main)
