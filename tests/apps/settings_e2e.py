#!/usr/bin/env python3
"""Settings of a running troupe-server: CONFIG REWRITE and RESETSTAT, INFO, the
limits of subscribers, and what the configuration file may say.

usage: settings_e2e.py DIRECTORY-OF-THE-PROGRAMS

Ends with 1 at the first check that fails.
"""

import os
import re
import signal
import threading
import time

import _servers as servers
from _servers import PATIENCE, Redis, Troupe, poll, refused, require
from server_e2e import Client, check, encode, parse, require_equal

OK = b"+OK\r\n"


def info(client, section, field):
    text = client.ask("INFO", section).decode()
    found = re.search(rf"(?m)^{field}:(.*?)\r$", text)
    require(found, f"INFO {section} has no {field}: {text!r}")
    return found.group(1)


def write_file(content):
    path = os.path.join(servers.SCRATCH, "server.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return path


def read_file(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_rewrite():
    path = write_file("; mine\n[server]\nno-console=true\n"
                      "timeout=30s ; long\n\n[troupe]\n; a comment\nshards=2\n")
    os.chmod(path, 0o600)
    server = Troupe(f"--config-file={path}")
    with Client(server.port) as client:
        before = read_file(path)
        require_equal(client.ask("CONFIG", "REWRITE"), OK, "REWRITE")
        require_equal(read_file(path), before, "a file without changes")
        for name, value in (("timeout", 40), ("requirepass", 'a "b";\\c'),
                            ("client-output-buffer-limit",
                             "pubsub 1mb 2mb 10")):
            require_equal(client.ask("CONFIG", "SET", name, value), OK, name)
        require_equal(client.ask("CONFIG", "REWRITE"), OK, "REWRITE")
    require_equal(
        read_file(path),
        '; mine\n[server]\nno-console=true\ntimeout=40s ; long\n'
        'password="a \\"b\\";\\\\c"\npubsub-buffer=1mb\n'
        'pubsub-soft-buffer=2mb\npubsub-soft-time=10s\n\n'
        '[troupe]\n; a comment\nshards=2\n', "the file")
    require_equal(os.stat(path).st_mode & 0o777, 0o600, "its mode")
    require_equal([x for x in os.listdir(servers.SCRATCH) if "server.ini" in x],
                  ["server.ini"], "files left beside it")
    require_equal(server.stop()[0], 0, "the exit code")
    again = Troupe(f"--config-file={path}")
    with Client(again.port) as client:
        require_equal(client.ask("AUTH", 'a "b";\\c'), OK, "the new password")
        require_equal(parse(client.ask("CONFIG", "GET", "timeout")),
                      [b"timeout", b"40"], "the timeout")
        limits = parse(client.ask("CONFIG", "GET",
                                  "client-output-buffer-limit"))[1]
        require(limits.endswith(b"pubsub 1048576 2097152 10"), repr(limits))
        # Somebody has taken the file away.
        os.unlink(path)
        reply = client.ask("CONFIG", "REWRITE")
        require_equal(reply, b"-ERR Rewriting config file: No such file or "
                             b"directory\r\n", "REWRITE without its file")
    require_equal(again.stop()[0], 0, "the exit code")


def check_rewrite_of_what_is_no_file():
    path = write_file("[server]\nno-console=true\n")
    server = Troupe(f"--config-file={path}")
    with Client(server.port) as client, Client(server.port) as other:
        client.ask("CONFIG", "SET", "timeout", "7")
        os.unlink(path)
        os.mkdir(path)
        require_equal(client.ask("CONFIG", "REWRITE"),
                      b"-ERR Rewriting config file: it is a directory, not a "
                      b"regular file\r\n", "onto a folder")
        os.rmdir(path)
        os.mkfifo(path)
        require_equal(client.ask("CONFIG", "REWRITE"),
                      b"-ERR Rewriting config file: it is a FIFO, not a "
                      b"regular file\r\n", "onto a FIFO")
        require_equal(other.ask("PING"), b"+PONG\r\n", "another client")
        os.unlink(path)
        write_file("[server]\nno-console=true\n")
        require_equal(client.ask("CONFIG", "REWRITE"), OK, "onto a file")
    require("timeout=7s" in read_file(path), read_file(path))
    require_equal(server.stop()[0], 0, "the exit code")


def check_killed_rewrite():
    """What a crash leaves is one file, and the next rewrite replaces it."""
    path = write_file("[server]\nno-console=true\n"
                      + "".join(f"; {i} {'x' * 100}\n" for i in range(20_000)))
    before = read_file(path)

    def beside():
        return sorted(x for x in os.listdir(servers.SCRATCH)
                      if x.startswith("server.ini"))

    for i in range(8):
        server = Troupe(f"--config-file={path}")
        client = Client(server.port)
        # That of the last one that was killed says nothing.
        if os.path.exists(path + ".rewrite"):
            os.unlink(path + ".rewrite")

        def in_the_middle():
            client.send(encode("CONFIG", "REWRITE") * 20)
            # It is there for moments only, so this looks without a pause.
            return any(os.path.exists(path + ".rewrite") for _ in range(2000))

        poll(in_the_middle, "a rewrite")
        time.sleep(0.001 * i)
        server.stop(signal.SIGKILL)
        client.socket.close()
        require_equal(read_file(path), before, "the file")
        require(beside() in (["server.ini"], ["server.ini", "server.ini.rewrite"]),
                str(beside()))
    server = Troupe(f"--config-file={path}")
    with Client(server.port) as client:
        require_equal(client.ask("CONFIG", "REWRITE"), OK, "REWRITE")
    require_equal(beside(), ["server.ini"], "what is left")
    require_equal(server.stop()[0], 0, "the exit code")


def check_shared_file():
    """Two servers that rewrite the same file: each reader finds all of it."""
    comment = "".join(f"; {i} {'x' * 100}\n" for i in range(2000))
    path = write_file(comment + "[server]\nno-console=true\n")
    count = 100
    two = [Troupe(f"--config-file={path}") for _ in range(2)]
    clients = [Client(x.port) for x in two]
    clients[0].ask("CONFIG", "SET", "timeout", "11")
    clients[1].ask("CONFIG", "SET", "maxclients", "12")
    for client in clients:
        client.send(encode("CONFIG", "REWRITE") * count)
    reader = threading.Thread(
        target=lambda: [require_equal(x.reply(), OK, "REWRITE")
                        for _ in range(count) for x in clients])
    reader.start()
    while reader.is_alive():
        text = read_file(path)
        require(text.startswith(comment + "[server]\nno-console=true\n"),
                f"half a file: {len(text)} characters")
    reader.join()
    text = read_file(path)
    # Each wrote what it has changed, and kept what the other did not change.
    require("timeout=" in text and "max-connections=" in text, text[-300:])
    for client, server in zip(clients, two):
        client.socket.close()
        require_equal(server.stop()[0], 0, "the exit code")


def check_signals():
    """SIGHUP ends no drain; a second SIGTERM does."""
    for second, code in ((signal.SIGHUP, 0), (signal.SIGTERM, -signal.SIGTERM)):
        server = Troupe("--no-console", "--drain-timeout=3s")
        with Client(server.port) as client:
            client.ask("SET", "big", "x" * 8_000_000)
            # A client that takes nothing holds up the drain.
            client.send(encode("GET", "big") * 20)
            client.exactly(1)
            server.send_signal(signal.SIGTERM)
            require(server.wait_for(rb"stopping\n"), "no drain")
            server.send_signal(second)
            got, output = server.wait()
            require_equal(got, code, f"the exit code: {output!r}")
            require_equal(b"stopped\n" in output, code == 0, f"{output!r}")


def check_reset(server):
    with Client(server.port) as client:
        for key in ("a", "nothing"):
            client.ask("SET", "a", "v")
            client.ask("GET", key)
        require(int(info(client, "stats", "keyspace_hits")) >= 1, "no hits")
        require_equal(client.ask("CONFIG", "RESETSTAT"), OK, "RESETSTAT")
        for field in ("keyspace_hits", "keyspace_misses",
                      "total_connections_received", "rejected_connections"):
            require_equal(info(client, "stats", field), "0", field)
        require(int(info(client, "stats", "total_commands_processed")) < 10,
                "the commands were not reset")
        require_equal(info(client, "clients", "connected_clients"), "1",
                      "connected clients")


# Each command, and what it needs.
LOOKUPS = (
    "EXISTS a n a", "TOUCH a n", "TYPE a", "TYPE n", "TTL a", "PTTL n",
    "EXPIRETIME a", "PEXPIRETIME n", "GET a", "GET n", "MGET a n a",
    "SET a v GET", "SET n2 v GET", "SET a v NX GET", "SET a v XX", "SETNX a v",
    "GETSET a v", "GETDEL n", "GETEX a", "GETEX n PERSIST", "STRLEN a",
    "GETRANGE n 0 1", "COPY a c", "COPY n c", "COPY a c", "RENAME c d",
    "INCR i", "APPEND a x", "EXPIRE a 100", "PERSIST a", "DEL a d", "KEYS *",
    "DBSIZE", "SCAN 0", "EXISTS", "TTL", "COPY a a")


def check_lookups(server):
    """Counts of hits and misses, beside a real Redis."""
    redis = Redis()
    with Client(server.port) as one, Client(redis.port) as two:
        for client in (one, two):
            client.ask("FLUSHALL")
            client.ask("SET", "a", "v")
        for line in LOOKUPS:
            counts = []
            for client in (one, two):
                client.ask("CONFIG", "RESETSTAT")
                client.ask(*line.split())
                counts.append([info(client, "stats", f"keyspace_{x}")
                               for x in ("hits", "misses")])
            require_equal(counts[0], counts[1], f"hits and misses of {line}")
    redis.stop()


def check_gone(server):
    """What expired and what was evicted is counted from RESETSTAT on."""
    with Client(server.port) as client:
        client.ask("SET", "k", "v", "PX", "1")
        poll(lambda: info(client, "stats", "expired_keys") != "0",
             "the key did not expire")
        require_equal(client.ask("CONFIG", "RESETSTAT"), OK, "RESETSTAT")
        for field in ("expired_keys", "evicted_keys"):
            require_equal(info(client, "stats", field), "0", field)


REDIS_POLICIES = {
    "allkeys-lru": "allkeys-clock", "allkeys-lfu": "allkeys-s3fifo",
    "allkeys-random": "allkeys-s3fifo", "volatile-lru": "allkeys-clock",
    "volatile-lfu": "allkeys-s3fifo", "volatile-random": "allkeys-s3fifo",
    "volatile-ttl": "allkeys-s3fifo"}


def check_policies():
    for name, stands in REDIS_POLICIES.items():
        server = Troupe("--no-console", f"--maxmemory-policy={name}")
        with Client(server.port) as client:
            require_equal(info(client, "memory", "maxmemory_policy"), stands,
                          name)
        output = server.stop()[1].decode()
        require(f"{name} is one of Redis's policies; here {stands} stands for it"
                in output, f"{name}: {output!r}")
    server = Troupe("--no-console")
    with Client(server.port) as client:
        for name, stands in REDIS_POLICIES.items():
            require_equal(client.ask("CONFIG", "SET", "maxmemory-policy", name),
                          OK, name)
            require_equal(parse(client.ask("CONFIG", "GET",
                                           "maxmemory-policy"))[1],
                          stands.encode(), name)
    server.stop()
    server = Troupe("--no-console", "--namespaces=a:=64mb,volatile-ttl b:=64mb")
    with Client(server.port) as client:
        require_equal(parse(client.ask("CONFIG", "GET", "namespaces"))[1],
                      b"a:=67108864,allkeys-s3fifo b:=67108864", "namespaces")
    output = server.stop()[1].decode()
    require("--namespaces: a:: volatile-ttl is one of Redis's policies; here "
            "allkeys-s3fifo stands for it" in output, repr(output))
    code, output = refused("--maxmemory-policy=allkeys-fifo")
    require_equal(code, 2, "the exit code")
    require("allkeys-s3fifo, allkeys-clock, noeviction (and Redis's names" in
            output, f"{output!r}")


def check_keyspace(server):
    with Client(server.port) as client:
        require_equal(client.ask("FLUSHALL"), OK, "FLUSHALL")
        for i in range(10):
            client.ask("SET", f"k{i}", "v")
        require(info(client, "keyspace", "db0")
                .startswith("keys=10,expires=0,avg_ttl=0,"), "no TTL yet")
        for i in range(4):
            client.ask("PEXPIRE", f"k{i}", 1_000_000 * (i + 1))
        found = re.match(r"keys=10,expires=4,avg_ttl=(\d+),",
                         info(client, "keyspace", "db0"))
        require(found, "the keyspace")
        mean = int(found.group(1))
        require(2_500_000 - 1000 * PATIENCE < mean < 2_500_200,
                f"avg_ttl is {mean}")
        client.ask("FLUSHALL")
        run_id = info(client, "server", "run_id")
        require(re.fullmatch("[0-9a-f]{40}", run_id), run_id)
        require_equal(info(client, "server", "run_id"), run_id, "the run id")


def check_slow_taker():
    """A client that takes no replies is ended."""
    server = Troupe("--no-console")
    with Client(server.port) as client:
        require_equal(client.ask("SET", "big", "x" * 8_000_000), OK, "SET")
        # Subscribers may be silent, however slow this machine is.
        client.ask("HELLO", 3)
        client.ask("SUBSCRIBE", "c")
        stuck = Client(server.port)
        stuck.send(encode("PING") + encode("GET", "big") * 20)
        require_equal(stuck.exactly(7), b"+PONG\r\n", "the first reply")
        require_equal(client.ask("CONFIG", "SET", "timeout", 1), OK, "timeout")
        poll(lambda: info(client, "clients", "connected_clients") == "1",
             "the client that takes nothing to be ended")
        require(stuck.rest().count(b"$8000000") < 20, "it got all replies")
        stuck.socket.close()
    require_equal(server.stop()[0], 0, "the exit code")


def check_limits():
    """Both limits of a subscriber that does not read, and their reasons."""
    server = Troupe("--no-console", "--pubsub-buffer=1000000")
    payload = "x" * 100_000
    with Client(server.port) as client:
        def publish_until_cut(reason):
            with Client(server.port) as slow:
                slow.ask("SUBSCRIBE", "c")

                def cut():
                    client.ask("PUBLISH", "c", payload)
                    return info(client, "stats",
                                f"subscribers_cut_by_{reason}_limit") == "1"

                poll(cut, f"the {reason} limit")

        publish_until_cut("hard")
        require_equal(client.ask("CONFIG", "SET", "client-output-buffer-limit",
                                 "pubsub 1000gb 1mb 1"), OK, "the soft limit")
        publish_until_cut("soft")
        require_equal(
            info(client, "stats", "client_output_buffer_limit_disconnections"),
            "2", "both together")
    require_equal(server.stop()[0], 0, "the exit code")


def check_file():
    for line, words in (
            ("port=\"many\"", ("--port=many", "line 2", "0 to 65535")),
            ("timeout=soon", ("--timeout=soon", "line 2", "whole seconds")),
            ("no-console=1", ("--no-console=1", "line 2", "yes or no")),
            ("jitter=\"x\"", ("--jitter=x", "line 2", "0 to below 1")),
            ("password=\"12345", ("line 2", "must end with it")),
            ("tls-ciphers", ("line 2", "name=value"))):
        path = write_file(f"[server]\n{line}\n")
        code, output = refused(f"--config-file={path}")
        require_equal(code, 2, f"the exit code for {line}")
        for word in (*words, path):
            require(word in output, f"{line}: no {word!r} in {output!r}")
        require("12345" not in output, f"{line}: {output!r}")
    # What needs no quotes, and what a comment is.
    path = write_file("# mine\n[server]\nno-console = yes # quiet\n"
                      "password = a b;c ; not d\nttl=2d\nmaxclients=7\n")
    server = Troupe(f"--config-file={path}")
    with Client(server.port) as client:
        require_equal(client.ask("AUTH", "a b;c"), OK, "the password")
        for name, value in (("ttl", b"2d"), ("maxclients", b"7")):
            require_equal(parse(client.ask("CONFIG", "GET", name))[1], value,
                          name)
    require_equal(server.stop()[0], 0, "the exit code")


def check_files():
    """What cannot be read or is not known is refused, with its place."""
    path = write_file("; mine\n\n[srever]\nport=1\n")
    code, output = refused(f"--config-file={path}")
    require_equal(code, 2, "the exit code")
    require(f"unknown section [srever] in line 3 of {path}" in output
            and "server" in output, repr(output))
    path = write_file("[server]\nthreads=1\n prot=1\n")
    code, output = refused(f"--config-file={path}")
    require_equal(code, 2, "the exit code")
    require(f"unknown option server.prot in line 3 of {path}" in output,
            repr(output))
    code, output = refused("--config-file=none.ini")
    require_equal(code, 2, "the exit code")
    require("cannot read none.ini: No such file" in output, repr(output))
    # The file that is taken by default.
    default = os.path.join(servers.SCRATCH, "troupe.ini")
    with open(default, "w", encoding="utf-8") as file:
        file.write("[server]\nno-console=true\ndatabases=3\n")
    server = Troupe()
    with Client(server.port) as client:
        require_equal(parse(client.ask("CONFIG", "GET", "databases"))[1], b"3",
                      "the default file")
        require_equal(client.ask("CONFIG", "SET", "timeout", "7"), OK, "SET")
        require_equal(client.ask("CONFIG", "REWRITE"), OK, "REWRITE")
    require_equal(server.stop()[0], 0, "the exit code")
    require("timeout=7s" in read_file(default), read_file(default))
    check_trust(default)
    os.unlink(default)
    os.symlink("troupe.ini", default)
    code, output = refused("--no-console")
    require_equal(code, 2, "the exit code for a file that cannot be read")
    require("cannot read troupe.ini: Too many levels" in output, repr(output))
    os.unlink(default)
    os.mkdir(default)
    code, output = refused("--no-console")
    require_equal(code, 2, "the exit code for a directory")
    require("cannot read troupe.ini: it is a directory" in output, repr(output))
    os.rmdir(default)
    # Nobody writes to it: the server would wait.
    os.mkfifo(default)
    for options in ((), ("--config-file=troupe.ini",),
                    ("--caf#config-file=troupe.ini",)):
        code, output = refused("--no-console", *options)
        require_equal(code, 2, "the exit code for a FIFO")
        require("troupe.ini: it is not a regular file" in output, repr(output))
    os.unlink(default)
    server = Troupe("--no-console", "--config-file=/dev/null")
    require_equal(server.stop()[0], 0, "the exit code")


def check_trust(default):
    """A file that another user could have written is not even parsed."""
    content = read_file(default)
    for path, mode, before, place in (
            (servers.SCRATCH, 0o777, 0o700, "lies in a directory that may"),
            (servers.SCRATCH, 0o770, 0o700, "lies in a directory that may"),
            (default, 0o666, 0o644, "troupe.ini may be written by other users"),
            (default, 0o664, 0o644, "troupe.ini may be written by other users")):
        os.chmod(path, mode)
        # What a stranger has written there is no matter.
        with open(default, "w", encoding="utf-8") as file:
            file.write("[server\nport=stranger")
        code, output = refused("--no-console")
        require_equal(code, 2, f"the exit code for mode {mode:o} of {path}")
        require(place in output and "--config-file=troupe.ini" in output
                and "line" not in output, repr(output))
        # Help is given all the same, and one's own file is named.
        require_equal(refused("--help")[0], 0, "the exit code of --help")
        with open(default, "w", encoding="utf-8") as file:
            file.write(content)
        server = Troupe("--config-file=troupe.ini")
        require_equal(server.stop()[0], 0, "the exit code")
        os.chmod(path, before)
    if os.geteuid() == 0:
        for path, place in ((servers.SCRATCH, "lies in a directory that belongs"),
                            (default, "troupe.ini belongs")):
            os.chown(path, 4711, 4711)
            code, output = refused("--no-console")
            require_equal(code, 2, f"the exit code for another's {path}")
            require(place in output and "4711" in output, repr(output))
            os.chown(path, 0, 0)


def check_chosen_file():
    """One file is read, the one that was checked."""
    path = write_file("[server]\nno-console=true\n")
    other = os.path.join(servers.SCRATCH, "other.ini")
    with open(other, "w", encoding="utf-8") as file:
        file.write("[server]\nno-such=1\n")
    for first, second in ((path, other), (other, path)):
        for option in ("--config-file", "--caf#config-file"):
            code, output = refused(f"--config-file={first}", f"{option}={second}")
            require_equal(code, 2, "the exit code for two files")
            require("names a second file" in output and second in output,
                    repr(output))
    code, output = refused("--config-file")
    require(code == 2 and "--config-file=FILE" in output, repr(output))
    server = Troupe("--config-file", path)
    require_equal(server.stop()[0], 0, "the exit code")
    code, output = refused("--middleman.enable-automatic-connections")
    require(code == 2 and "enable-automatic-connections would open" in output,
            repr(output))


def check_logger():
    """Options that do nothing are not shown, and refused."""
    for option in ("--help", "--long-help"):
        output = refused(option)[1]
        require("--port" in output and "logger" not in output, output)
        require("(default: troupe.ini)" in output, output)
    code, output = refused("--logger.verbosity=debug")
    require(code == 2 and "--logger.verbosity" in output
            and "does nothing" in output, repr(output))
    path = write_file("[logger]\nverbosity='debug'\n")
    code, output = refused(f"--config-file={path}")
    require(code == 2 and "[logger] in line 1" in output, repr(output))


def check_numbers():
    for value in ("inf", "-inf", "nan", "1e999", "1.0", "-0.1"):
        code, output = refused(f"--jitter={value}")
        require(code == 2 and "jitter" in output, f"{value}: {output!r}")


def check_resolution():
    for option, allowed in (("--timeout=500ms", "whole seconds"),
                            ("--pubsub-soft-time=1500ms", "whole seconds"),
                            ("--drain-timeout=10us", "500ms"),
                            ("--ttl=1us", "500ms"),
                            ("--troupe.op-timeout=1us", "500ms")):
        code, output = refused(option)
        require_equal(code, 2, option)
        require(allowed in output, f"{option}: {output!r}")


def check_dump():
    for name in ("password", "console-password", "tls-key-file-pass"):
        path = write_file(f'[server]\n{name}="geheim"\n')
        for option in (f"--{name}=geheim", f"--config-file={path}"):
            code, output = refused(option, "--dump-config")
            require_equal(code, 0, "the exit code")
            require("***" in output, f"no {name}: {output!r}")
            require("geheim" not in output, f"the {name}: {output!r}")


def main():
    server = Troupe("--no-console")
    check("CONFIG RESETSTAT", check_reset, server)
    check("INFO on keys and the run", check_keyspace, server)
    check("hits and misses as in Redis", check_lookups, server)
    check("what has gone since RESETSTAT", check_gone, server)
    require_equal(server.stop()[0], 0, "the exit code")
    check("CONFIG REWRITE", check_rewrite)
    check("CONFIG REWRITE of what is no file", check_rewrite_of_what_is_no_file)
    check("CONFIG REWRITE of a server that is killed", check_killed_rewrite)
    check("CONFIG REWRITE of two servers", check_shared_file)
    check("signals during a drain", check_signals)
    check("options that do nothing", check_logger)
    check("numbers that make no sense", check_numbers)
    check("a client that takes no replies", check_slow_taker)
    check("the limits of subscribers", check_limits)
    check("values of a wrong type", check_file)
    check("files that cannot be read or are not known", check_files)
    check("the file that is read", check_chosen_file)
    check("times that are too fine", check_resolution)
    check("Redis's names of policies", check_policies)
    check("--dump-config hides secrets", check_dump)


if __name__ == "__main__":
    servers.run(__doc__, main)
