#!/usr/bin/env python3
"""Tests commands that answer later, over sockets: ten thousand clients wait without a
thread for each; the order of a pipeline; the events that end a wait.

usage: parking_e2e.py DIRECTORY-OF-THE-PROGRAMS

The server is troupe-parking-server, which has the commands of
tests/apps/server/parking_commands.cpp.
"""

import os
import socket
import struct

import _servers
import scale_e2e
import tls_e2e
from _servers import PATIENCE, Troupe, poll, require
from server_e2e import Client, bulk, encode, parse, require_equal

NULL = b"$-1\r\n"
UNBLOCKED = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"

# The most bytes that fit into the buffers of both sockets while a client waits.
MOST_IN_SOCKETS = 64 * 1024 * 1024


class Parking(Troupe):
    def __init__(self, *options):
        program = os.path.join(_servers.BIN, "troupe-parking-server")
        # The shell runs this program in place of the one that Troupe names.
        super().__init__("--no-console", *options,
                         before=("sh", "-c", 'shift; exec "$0" "$@"', program))


def info(client, name):
    text = parse(client.ask("INFO")).decode()
    return int(text.split(f"{name}:")[1].split("\r\n")[0])


def blocked(client):
    return info(client, "blocked_clients")


def await_blocked(client, count):
    poll(lambda: blocked(client) == count, f"{count} clients that wait")


def tickets(client):
    """Returns the number of waiting tickets and the number of cancelled tickets."""
    return parse(client.ask("TEST.TICKETS"))


def threads_of(server):
    return len(os.listdir(f"/proc/{server.pid}/task"))


def park(server, key, *more):
    client = Client(server.port)
    client.send(encode("TEST.PARK", key, *more))
    return client


# -- many ------------------------------------------------------------------------


def check_many():
    count = scale_e2e.allowed_clients()
    print(f"   {count} clients", flush=True)
    server = Parking(f"--max-connections={count + 10}")
    with Client(server.port) as other:
        require_equal(other.ask("SET", "k", "v"), b"+OK\r\n", "SET")
        threads = threads_of(server)
        clients = [park(server, "gate") for _ in range(count)]
        await_blocked(other, count)
        require_equal(threads_of(server), threads, "threads of the server")
        require_equal(tickets(other), [count, 0], "tickets")
        # The other clients of the same threads are served.
        for _ in range(100):
            require_equal(other.ask("GET", "k"), bulk(b"v"), "GET beside them")
        # A third of the clients closes: only their tickets end.
        gone, stay = clients[::3], [x for i, x in enumerate(clients) if i % 3]
        for client in gone:
            client.socket.close()
        await_blocked(other, len(stay))
        require_equal(tickets(other), [len(stay), len(gone)], "tickets")
        require_equal(other.ask("TEST.WAKE", "gate", "open"),
                      b":%d\r\n" % len(stay), "TEST.WAKE")
        for client in stay:
            require_equal(client.reply(), bulk(b"open"), "the answer")
        require_equal(blocked(other), 0, "blocked_clients")
        for client in stay[::100]:
            require_equal(client.ask("PING"), b"+PONG\r\n", "afterwards")
        for client in stay:
            client.socket.close()
        poll(lambda: info(other, "connected_clients") == 1, "them to be gone")
    server.stop()


# -- one -------------------------------------------------------------------------


def check_order(server, connect):
    """After the answer the rest of a pipeline is executed, whatever its length."""
    with connect() as client, Client(server.port) as other:
        client.send(encode("SET", "n", 0) + encode("TEST.PARK", "p")
                    + encode("INCR", "n") + encode("TEST.PARK", "q")
                    + encode("INCR", "n"))
        await_blocked(other, 1)
        require_equal(other.ask("GET", "n"), bulk(b"0"), "before the answer")
        client.send(encode("INCR", "n") * 1000)
        require_equal(other.ask("TEST.WAKE", "p", "1"), b":1\r\n", "TEST.WAKE")
        poll(lambda: other.ask("GET", "n") == bulk(b"1"), "the one behind")
        poll(lambda: other.ask("TEST.WAKE", "q", "2") == b":1\r\n", "TEST.WAKE")
        got = [client.reply() for _ in range(1005)]
        require_equal(got, [b"+OK\r\n", bulk(b"1"), b":1\r\n", bulk(b"2"),
                            *(b":%d\r\n" % i for i in range(2, 1003))],
                      "the replies")


def check_pressure(server):
    """While a client waits, nothing is read from it, and a close is noticed."""
    with Client(server.port) as other:
        cancelled = tickets(other)[1]
        client = park(server, "p")
        await_blocked(other, 1)
        client.socket.setblocking(False)
        chunk = encode("ECHO", "x" * 60000)
        sent = 0
        try:
            while True:
                sent += client.socket.send(chunk)
                require(sent < MOST_IN_SOCKETS, f"{sent} bytes were taken")
        except BlockingIOError:
            pass
        line = parse(other.ask("CLIENT", "LIST")).decode().split("\n")
        waiting = [x for x in line if "cmd=test.park" in x]
        require(len(waiting) == 1 and "flags=b" in waiting[0]
                and int(waiting[0].split("qbuf=")[1].split()[0]) < 1 << 20,
                f"CLIENT LIST: {waiting}")
        # Without a reset, the close would wait behind the bytes in the sockets.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        client.socket.close()
        await_blocked(other, 0)
        require_equal(tickets(other), [0, cancelled + 1], "tickets")
        # A close behind bytes that fit into the sockets is noticed.
        client = park(server, "p")
        await_blocked(other, 1)
        client.send(chunk)
        client.socket.close()
        await_blocked(other, 0)
        require_equal(tickets(other), [0, cancelled + 2], "tickets")


def check_ends(server):
    with Client(server.port) as other:
        def waiting_id(client):
            client.send(encode("CLIENT", "ID") + encode("TEST.PARK", "p"))
            number = parse(client.reply())
            await_blocked(other, 1)
            return number

        # The timeout ends the wait, and the next command of the client runs.
        with park(server, "p", 20) as client:
            require_equal(client.reply(), NULL, "its time is over")
            require_equal(client.ask("PING"), b"+PONG\r\n", "behind it")
        with Client(server.port) as client:
            number = waiting_id(client)
            client.send(encode("PING"))
            require_equal(other.ask("CLIENT", "UNBLOCK", number, "ERROR"),
                          b":1\r\n", "CLIENT UNBLOCK")
            require_equal(client.reply(), UNBLOCKED, "the reply")
            require_equal(client.reply(), b"+PONG\r\n", "behind it")
            require_equal(other.ask("CLIENT", "UNBLOCK", number), b":0\r\n",
                          "CLIENT UNBLOCK of one that does not wait")
        with Client(server.port) as client:
            number = waiting_id(client)
            cancelled = tickets(other)[1]
            require_equal(other.ask("CLIENT", "KILL", "ID", number), b":1\r\n",
                          "CLIENT KILL")
            require_equal(client.rest(), b"", "a killed one")
            poll(lambda: tickets(other)[1] == cancelled + 1, "its ticket")
        # A client that closes one direction counts as closed, as in Redis.
        with park(server, "p") as client:
            await_blocked(other, 1)
            client.socket.shutdown(socket.SHUT_WR)
            require_equal(client.rest(), b"", "half closed")
        await_blocked(other, 0)
        require_equal(other.ask("TEST.WAKE", "p", "late"), b":0\r\n",
                      "an answer after the end")


def check_messages(server):
    """A subscriber in RESP3 gets its messages while its command waits."""
    with Client(server.port) as client, Client(server.port) as other:
        client.ask("HELLO", 3)
        client.ask("SUBSCRIBE", "news")
        client.send(encode("TEST.PARK", "p") + encode("PING"))
        await_blocked(other, 1)
        for i in range(100):
            other.ask("PUBLISH", "news", i)
        for i in range(100):
            require_equal(client.reply(), b">3\r\n" + bulk(b"message")
                          + bulk(b"news") + bulk(b"%d" % i), "a message")
        require_equal(other.ask("TEST.WAKE", "p", "1"), b":1\r\n", "TEST.WAKE")
        require_equal(client.reply(), bulk(b"1"), "the answer")
        require_equal(client.reply(), b"+PONG\r\n", "behind it")


def check_tls():
    tls_e2e.make_certificates()
    server = Parking(*tls_e2e.options())
    check_order(server, lambda: tls_e2e.TlsClient(server))
    with Client(server.port) as other:
        client = tls_e2e.TlsClient(server)
        client.send(encode("TEST.PARK", "p"))
        await_blocked(other, 1)
        client.socket.close()
        await_blocked(other, 0)
    server.stop()


# -- the end ---------------------------------------------------------------------


def check_drain():
    """A drain waits for answers until the deadline, then cuts and names the others."""
    server = Parking("--drain-timeout=60s")
    with park(server, "p") as client, Client(server.port) as other:
        await_blocked(other, 1)
        client.send(encode("PING"))
        # The second client is still served during the drain, and wakes the first.
        with park(server, "q", 1000) as second:
            second.send(encode("TEST.WAKE", "p", "1"))
            await_blocked(other, 2)
            code, output = server.stop()
            require_equal(second.rest(), NULL + b":1\r\n", "the second")
            require_equal(client.rest(), bulk(b"1") + b"+PONG\r\n", "the first")
        require(code == 0 and b"cut off" not in output, output)
    server = Parking("--drain-timeout=100ms")
    with Client(server.port) as other:
        clients = [park(server, "p") for _ in range(20)]
        await_blocked(other, 20)
        code, output = server.stop()
        require(code == 0 and output.count(b"waited for an answer to test.park") == 16
                and b"and 4 more" in output
                and b"cut off 20 connections" in output, output)
        for client in clients:
            require_equal(client.rest(), b"", "cut off")


def main():
    server = Parking()
    for function, arguments in (
            (check_order, (server, lambda: Client(server.port))),
            (check_pressure, (server,)), (check_ends, (server,)),
            (check_messages, (server,)), (check_tls, ()), (check_drain, ()),
            (check_many, ())):
        print(f"-- {function.__name__}", flush=True)
        function(*arguments)


if __name__ == "__main__":
    _servers.run(__doc__, main)
