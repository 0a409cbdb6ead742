"""Large values from outside: renamed, copied, given a deadline and appended to, with
the answers that another client gets meanwhile. Prints what each command took, beside
redis-server where there is one; the machine decides about times, so they are shown
and only the values are checked."""

import hashlib
import shutil
import socket
import threading
import time

import _servers
from _servers import PATIENCE, Redis, Troupe, require

SIZE = 50_000_000
ROUNDS = 7


class Client:
    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.link.makefile("rb")

    def __call__(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
        self.link.sendall(b"".join(parts))
        line = self.file.readline()
        require(line.endswith(b"\r\n"), f"a reply was cut off: {line!r}")
        if line[:1] != b"$":
            return line[:-2]
        size = int(line[1:-2])
        return None if size < 0 else self.file.read(size + 2)[:-2]


class Bystander(threading.Thread):
    """Another client, which asks for a small value all the time."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client = Client(port)
        self.client("SET", "small", "x")
        self.ended = threading.Event()
        self.worst = 0.0

    def run(self):
        while not self.ended.is_set():
            begin = time.perf_counter()
            self.client("GET", "small")
            self.worst = max(self.worst, time.perf_counter() - begin)

    def end(self):
        self.ended.set()
        self.join()
        return self.worst


def measure(port, prepare, command):
    """The median of the command's times, and the worst answer of the bystander."""
    client = Client(port)
    times = []
    worst = 0.0
    for i in range(ROUNDS):
        prepare(client, i)
        bystander = Bystander(port)
        bystander.start()
        time.sleep(0.05)
        begin = time.perf_counter()
        reply = client(*command(i))
        times.append(time.perf_counter() - begin)
        worst = max(worst, bystander.end())
        require(not reply.startswith(b"-"), f"{command(i)[0]}: {reply!r}")
    return sorted(times)[ROUNDS // 2], worst


def measure_all(server):
    value = bytes(range(250)) * (SIZE // 250)
    model = {"name:0": bytearray(value)}

    def fresh(client, _):
        require(client("SET", "name:0", value) == b"+OK", "not stored")

    def stays(_client, _):
        pass

    figures = {}
    port = server.port
    figures["RENAME"] = measure(port, fresh,
                                lambda i: ("RENAME", "name:0", f"name:{i + 1}"))
    figures["COPY"] = measure(port, fresh,
                              lambda i: ("COPY", "name:0", f"copy:{i}"))
    client = Client(port)
    client("DEL", *[f"copy:{i}" for i in range(ROUNDS)],
           *[f"name:{i + 1}" for i in range(ROUNDS)])
    figures["EXPIRE"] = measure(port, fresh,
                                lambda _: ("EXPIRE", "name:0", 1000))
    figures["APPEND of 5 bytes, the first"] = measure(
        port, fresh, lambda _: ("APPEND", "name:0", "12345"))
    fresh(client, 0)
    figures["APPEND of 5 bytes, another"] = measure(
        port, stays, lambda _: ("APPEND", "name:0", "12345"))
    model["name:0"] += b"12345" * ROUNDS
    figures["SETRANGE of 5 bytes at the end"] = measure(
        port, stays,
        lambda i: ("SETRANGE", "name:0", SIZE + 5 * ROUNDS + 5 * i, "67890"))
    model["name:0"] += b"67890" * ROUNDS
    figures["SETRANGE of 5 bytes before it"] = measure(
        port, stays, lambda i: ("SETRANGE", "name:0", 1000 * i, "abcde"))
    for i in range(ROUNDS):
        model["name:0"][1000 * i:1000 * i + 5] = b"abcde"
    for key, expected in model.items():
        found = client("GET", key)
        require(hashlib.sha1(found).digest()
                == hashlib.sha1(expected).digest(), f"another value of {key}")
    return figures


def main():
    columns = {"troupe": measure_all(Troupe("--no-console"))}
    if shutil.which("redis-server"):
        columns["redis"] = measure_all(Redis())
    print(f"{SIZE // 1_000_000} MB, ms: median of {ROUNDS} times, and the worst "
          "answer of another client")
    for name in columns["troupe"]:
        print(f"  {name:32}" + "".join(
            f"  {who} {1000 * x[name][0]:8.2f} {1000 * x[name][1]:8.2f}"
            for who, x in columns.items()))


if __name__ == "__main__":
    _servers.run(__doc__, main)
