#!/usr/bin/env python3
"""Shows what the leases of troupe-server (GETL, SETL) save when a value that many
processes want is missing.

usage: stampede.py [--host HOST] [--port PORT] [--processes N] [--rounds N]
                   [--load-ms N] [--slots N] [--check]

In each round, all processes ask for a new key at the same moment. A process that must
load the value asks the slow source, which serves a few queries at a time (--slots) and
takes --load-ms for each, as a database may. The program prints how often the source was
asked and how long the processes waited, without leases (GET, then SET) and with them.
With --check it ends with 1 unless the source was asked once for each key with leases.

Needs redis-py (Debian: python3-redis) and a running troupe-server.
"""

import argparse
import multiprocessing
import os
import sys
import time

import redis

# Milliseconds until GETL answers "busy" while another client loads.
WAIT_MS = 30_000

# Milliseconds that a load may take before another client may load.
LEASE_MS = 10_000


def get_or_load(server, key, load, ttl_ms):
    """The value of the key. Of all processes that miss it, one calls `load`."""
    while True:
        state, answer = server.execute_command("GETL", key, WAIT_MS, LEASE_MS)
        if state == b"value":
            return answer
        if state == b"busy":
            continue  # The other client still loads; wait again.
        try:
            value = load()
        except BaseException:
            server.execute_command("DROPL", key, answer)  # The next one loads.
            raise
        # None: the key was changed since GETL, so the value may be old. It was not
        # stored, but it is as good for this caller as it was when it asked.
        server.execute_command("SETL", key, answer, value, "PX", ttl_ms)
        return value


def get_or_load_alone(server, key, load, ttl_ms):
    """The same without leases: each process that misses the key loads it."""
    value = server.get(key)
    if value is None:
        value = load()
        server.set(key, value, px=ttl_ms)
    return value


class Source:
    """A slow source that counts how often it is asked. Shared by processes."""

    def __init__(self, slots, load_seconds):
        self.slots = multiprocessing.Semaphore(slots)
        self.load_seconds = load_seconds
        self.asked = multiprocessing.Value("i", 0)

    def load(self):
        with self.asked.get_lock():
            self.asked.value += 1
        with self.slots:
            time.sleep(self.load_seconds)
        return b"the value"


def ask(options, read, name, source, start, waits):
    """A process: asks for the key of each round and reports how long it waited."""
    server = redis.Redis(options.host, options.port)
    server.ping()
    for round_number in range(options.rounds):
        start.wait()
        begun = time.monotonic()
        value = read(server, f"{name}:{round_number}", source.load, 60_000)
        waits.put(time.monotonic() - begun if value == b"the value" else None)


def measure(options, title, read):
    """Runs all processes; the number of loads and the waits, in seconds."""
    source = Source(options.slots, options.load_ms / 1000)
    start = multiprocessing.Barrier(options.processes)
    waits = multiprocessing.Queue()
    name = f"stampede:{os.getpid()}:{title}"
    processes = [
        multiprocessing.Process(target=ask, args=(options, read, name, source,
                                                  start, waits))
        for _ in range(options.processes)]
    for process in processes:
        process.start()
    # Before the processes end: each waits until its waits were taken.
    taken = [waits.get() for _ in range(options.processes * options.rounds)]
    for process in processes:
        process.join()
    if None in taken:
        sys.exit(f"{title}: a process got another value")
    return source.asked.value, sorted(taken)


def report(options, title, loads, waits):
    """Prints one line of the result."""
    def quantile(part):
        return 1000 * waits[min(len(waits) - 1, int(part * len(waits)))]
    print(f"{title:15} {loads / options.rounds:8.1f} loads for each key, waits: "
          f"p50 {quantile(0.5):7.0f} ms, p99 {quantile(0.99):7.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6380)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--load-ms", type=int, default=100)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    multiprocessing.set_start_method("fork")
    report(options, "without leases",
           *measure(options, "without", get_or_load_alone))
    loads, waits = measure(options, "with", get_or_load)
    report(options, "with leases", loads, waits)
    if options.check and loads != options.rounds:
        sys.exit(f"{loads} loads of {options.rounds} keys")


if __name__ == "__main__":
    main()
