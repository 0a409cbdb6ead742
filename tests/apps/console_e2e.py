#!/usr/bin/env python3
"""Drives troupe-console from outside: one-shot, through a pipe and on a pseudo
terminal, against troupe-server.

usage: console_e2e.py DIRECTORY-OF-THE-PROGRAMS

Starts every server itself, on free ports of the loopback interface, and stops
it by its process id.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

import _servers as servers
from _servers import PATIENCE, Failure, poll

try:
    import pexpect
except ImportError:
    sys.exit(f"{sys.executable} has no pexpect (Debian: python3-pexpect)")

OK, FAILED, USAGE, NO_CONNECTION = range(4)

PASSWORD = "the console's own"


def environment():
    """Settings of the user's own must not matter, nor be changed."""
    return {**servers.environment(), "TROUPE_CONSOLE_PASSWORD": PASSWORD,
            "XDG_STATE_HOME": os.path.join(servers.SCRATCH, "state"),
            "HOME": servers.SCRATCH, "INPUTRC": os.devnull, "TERM": "dumb",
            "LC_ALL": "C"}


class Server(servers.Troupe):
    def __init__(self, console_port=0):
        # An operation that meets a killed shard waits as long as it takes.
        # All shards are there from the beginning, so that each has a row.
        super().__init__(f"--console-port={console_port}", "--shards=32",
                         f"--troupe.op-timeout={PATIENCE:g}s",
                         TROUPE_CONSOLE_PASSWORD=PASSWORD)

    def stop(self):
        if not self.ended():
            super().stop()


class Client:
    """A RESP client that waits for each reply."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, *words):
        """The first line of the reply."""
        words = [str(x).encode() for x in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(x), x) for x in words))
        return self.file.readline()


def start_again(port):
    """A server with this console port; None while another program has it."""
    try:
        return Server(port)
    except Failure as problem:
        if "in use" in str(problem):
            return None
        raise


def run(port, *arguments, given=""):
    """Runs the console; returns exit code, standard output, standard error."""
    done = subprocess.run(
        [os.path.join(servers.BIN, "troupe-console"), f"--port={port}",
         f"--timeout={PATIENCE:g}", *arguments],
        input=given, capture_output=True, text=True, timeout=4 * PATIENCE,
        cwd=servers.SCRATCH, env=environment())
    return done.returncode, done.stdout, done.stderr


class WithServer(unittest.TestCase):
    """Shares one server between the cases of a class."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def console(self, *commands):
        """What commands print that are to succeed."""
        arguments = [word for x in commands for word in ("-c", x)]
        code, out, err = run(self.server.console_port, *arguments)
        self.assertEqual((code, err), (OK, ""), out)
        return out

    def json(self, command):
        """What one command prints as JSON."""
        code, out, err = run(self.server.console_port, "--json", "-c", command)
        self.assertEqual((code, err), (OK, ""), out)
        self.assertEqual(out.count("\n"), 1)
        return json.loads(out)

    def check_fails(self, command, code, *words):
        """A command that fails says so on standard error, and how."""
        actual, out, err = run(self.server.console_port, "-c", command)
        self.assertEqual((actual, out), (code, ""), err)
        self.assertTrue(err.startswith("error: "), err)
        for word in words:
            self.assertIn(word, err)


class OneShot(WithServer):
    def test_keys_are_stored_read_and_removed(self):
        out = self.console("set k1 'hello world'; get k1", "ttl k1",
                           "set k2 v 90; ttl k2", "del k1 k2 k3", "get k1")
        lines = out.splitlines()
        self.assertEqual(lines[:4], ["ok", '"hello world"', "none", "ok"])
        self.assertRegex(lines[4], r"^1m\d+s$|^1m$|^\d+(\.\d+)?s$")
        self.assertEqual(lines[5:], ["removed 2 of 3", "(nil)"])

    def test_a_ttl_is_kept(self):
        left = self.json("set t v 1h; ") and self.json("ttl t")
        self.assertTrue(left["found"])
        self.assertLessEqual(left["ttl_ms"], 3_600_000)
        self.assertGreater(left["ttl_ms"], 3_600_000 - 1000 * 2 * PATIENCE)

    def test_any_byte_can_be_typed_and_is_shown_escaped(self):
        out = self.console(r'''set "\x00\xff" '"\n' ; get "\x00\xff"''',
                           r'''set bin "\x00\x01\xfe\n;" ; get bin''')
        self.assertEqual(out.splitlines(),
                         ["ok", r'"\"\\n"', "ok", r'"\x00\x01\xfe\n;"'])
        with Client(self.server.port) as client:
            self.assertEqual(client.ask("STRLEN", "bin"), b":5\r\n")

    def test_ls_shows_the_tree_with_and_without_shards(self):
        rows = self.console("ls").splitlines()
        self.assertRegex(rows[0], r"^ACTOR +STATE +MAILBOX +HANDLED +RESTARTS"
                                  r" +MEMORY +KEYS$")
        self.assertTrue(rows[1].startswith("supervisor "), rows)
        self.assertTrue(any(x.startswith("  load-coordinator ") for x in rows))
        self.assertRegex("\n".join(rows), r"\n  db0 \(\d+ shards\) +running")
        self.assertNotIn("db0/shard-0", "\n".join(rows))
        every = self.console("ls -a")
        self.assertIn("\n    db0/shard-0 ", every)
        self.assertIn("supervisor", every)
        some = self.console("ls db0/shard-0").splitlines()
        self.assertTrue(some[1].startswith("db0/shard-0 "), some)
        self.check_fails("ls bd0", FAILED, "unknown_actor", "'db0'")

    def test_top_shows_what_happens(self):
        out = self.console("top 50ms 3")
        self.assertEqual(out.count("PER SECOND"), 3, out)
        self.assertRegex(out, r"(?m)^up .*, cpu \d+\.\d %, .* resident")
        self.assertEqual(self.console("top 10ms").count("PER SECOND"), 1)
        found = self.json("top 10ms")
        self.assertTrue(any(x["name"] == "db0" for x in found["actors"]))
        self.check_fails("top 0s", USAGE, "at least 1ms")
        self.check_fails("top 1s x", USAGE, "COUNT must be a number")

    def test_ls_and_stat_agree_on_what_is_stored(self):
        with Client(self.server.port) as client:
            for i in range(1000):
                self.assertEqual(client.ask("SET", f"many-{i}", "x" * 100),
                                 b"+OK\r\n")
        actors = self.json("ls")["actors"]
        stat = self.json("stat")
        region = stat["regions"][0]
        self.assertEqual(region["name"], "db0")
        shards = [x for x in actors if x["kind"] == "shard"]
        self.assertEqual(len(shards), region["shards"])
        self.assertGreaterEqual(region["keys"], 1000)
        self.assertEqual(sum(x["keys"] for x in shards), region["keys"])
        self.assertGreater(region["bytes"], 100_000)
        self.assertGreaterEqual(region["handled"], 1000)
        self.assertEqual(stat["actors"], len(actors))
        self.assertEqual(stat["process_id"], self.server.child.pid)
        # The collapsed row adds up its shards, and nothing twice.
        row = re.search(r"^  db0 .*$", self.console("ls"), re.M).group()
        self.assertEqual(row.split()[-1], f"{region['keys']:,}")
        text = self.console("stat")
        self.assertIn(f"process {self.server.child.pid}", text)
        self.assertRegex(text, r"memory +[\d.]+ MiB resident")
        self.assertRegex(text, r"\ndb0 +")

    def test_stat_tells_what_the_process_takes(self):
        with Client(self.server.port) as client:
            self.assertEqual(client.ask("PING"), b"+PONG\r\n")

            # Consoles of before may be on their way out, and threads end when
            # they are idle.
            def agrees(field, listed):
                there = os.listdir(f"/proc/{self.server.pid}/{listed}")
                return abs(self.json("stat")[field] - len(there)) <= 4
            poll(lambda: agrees("open_files", "fd"), "the open files")
            poll(lambda: agrees("threads", "task"), "the threads")
        stat = self.json("stat")
        self.assertGreater(stat["file_limit"], stat["open_files"])
        # A second after the start there is something to compare with.
        poll(lambda: self.json("stat")["cpu_window_ms"] > 0, "the load")
        text = self.console("stat")
        self.assertRegex(text, r"(?m)^cpu +\d+\.\d % of a processor over the last"
                               r" \S+, \S+ of user and system time$")
        self.assertRegex(text, r"(?m)^threads +\d+$")
        self.assertRegex(text, r"(?m)^files +\d+ open of [\d,]+$")

    def test_metrics_are_those_of_info(self):
        with Client(self.server.port) as client:
            client.ask("GET", "nothing")
            rows = self.json("metrics troupe_server_keyspace_misses")["metrics"]
            size = int(client.ask("INFO", "stats")[1:])
            text = client.file.read(size).decode()
        self.assertEqual([(x["name"], x["kind"]) for x in rows],
                         [("troupe_server_keyspace_misses_total", "counter")])
        self.assertIn(f"keyspace_misses:{rows[0]['value']}\r\n", text)
        everything = self.json("metrics")
        self.assertEqual(everything["total"], len(everything["metrics"]))
        found = {(x["name"], x["labels"]) for x in everything["metrics"]}
        self.assertIn(("troupe_region_keys", 'region="db0"'), found)
        self.assertIn(("troupe_topics", 'kind="channel"'), found)
        self.assertRegex(self.console("metrics process_threads"),
                         r"(?m)^process_threads +\d+  Threads of the process")
        self.assertEqual(self.console("metrics nosuch"),
                         "no metric has a name with this prefix\n")

    def test_messages_are_sent_by_name(self):
        self.assertEqual(self.console("send db0 set sent 'a b' how.ttl=1h",
                                      "send db0 contains sent",
                                      "send db0 erase sent"),
                         "true\ntrue\ntrue\n")
        self.assertEqual(self.json("send db0 increment counted 5"),
                         {"answer": 5})
        self.assertEqual(self.json("send db0 get counted")["answer"]["value"],
                         "5")
        self.assertIn("db0/shard-0", self.console("send supervisor list_actors"
                                                  " prefix=db0/shard-0"))
        self.assertEqual(self.json("send load-coordinator list_loads 10"),
                         {"answer": {"loads": [], "total": 0}})
        self.assertEqual(self.json("send supervisor find_region db0")["answer"]
                         .count("#"), 1)
        listed = self.console("send db0/shard-0 help")
        self.assertRegex(listed, r"(?m)^get +key:text +found, value, version$")
        names = [x["name"] for x in self.json("send db0 help")["messages"]]
        self.assertEqual(names[:3], ["get", "contains", "ttl"])
        self.assertIn("load", names)

    def test_messages_that_cannot_be_sent(self):
        self.check_fails("send db0 gte k", USAGE, "did you mean 'get'?")
        self.check_fails("send db0 get", USAGE, "key is missing", "key:text")
        self.check_fails("send db0 increment k x", USAGE, "delta is 'x'",
                         "an integer of 64 bits")
        self.check_fails("send db0 get a b", USAGE, "too many values")
        self.check_fails("send", USAGE, "usage: send ACTOR")
        self.check_fails("send bd0 get k", FAILED, "unknown_actor", "'db0'")
        self.check_fails("send db0 set k v how.jitter=2", FAILED,
                         "invalid_argument", "jitter")
        # Functions do not travel.
        self.check_fails("send db0 load k", FAILED, "another process")
        self.check_fails("send supervisor kill nobody", FAILED, "unknown_actor")
        code, out, _ = run(self.server.console_port, "--json", "-c",
                           "send db0 touch k soon")
        self.assertEqual((code, json.loads(out)["error"]),
                         (USAGE, "invalid_argument"))

    def test_nodes_are_known_while_they_live(self):
        # Consoles of before are forgotten when their end has come through.
        me = poll(lambda: [x for x in [self.json("nodes")]
                           if len(x["nodes"]) == 1], "the others to go")[0]
        self.assertRegex(me["nodes"][0]["address"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(me["self"].rsplit("#")[-1],
                         str(self.server.child.pid))
        other = subprocess.Popen(
            [os.path.join(servers.BIN, "troupe-console"),
             f"--port={self.server.console_port}", f"--timeout={PATIENCE:g}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=servers.SCRATCH,
            env=environment())

        def known():
            return [x for x in self.json("nodes")["nodes"]
                    if x["id"].endswith(f"#{other.pid}")]

        try:
            other.stdin.write(b"get k\n")
            other.stdin.flush()
            self.assertEqual(other.stdout.readline(), b"(nil)\n")
            first = known()
            self.assertEqual(len(first), 1)
            other.stdin.write(b"get k\n")
            other.stdin.flush()
            self.assertEqual(other.stdout.readline(), b"(nil)\n")
            second = known()
            self.assertGreater(second[0]["requests"], first[0]["requests"])
            self.assertGreaterEqual(second[0]["known_for_ms"],
                                    first[0]["known_for_ms"])
            self.assertIn(first[0]["id"], self.console("nodes"))
        finally:
            other.kill()
            other.communicate()
        poll(lambda: not known(), "the node to be forgotten")

    def test_topics_are_rows_of_the_tree(self):
        self.assertNotIn("topics/", self.console("ls"))
        with Client(self.server.port) as listener, \
                Client(self.server.port) as speaker:
            names = [f"news-{i:03}" for i in range(120)]
            listener.ask("SUBSCRIBE", *names)
            poll(lambda: speaker.ask("PUBLISH", "news-000", "x") == b":1\r\n",
                 "the subscription")
            poll(lambda: speaker.ask("PUBLISH", "news-119", "x") == b":1\r\n",
                 "the last subscription")
            found = self.json("ls topics")
            rows = found["actors"]
            self.assertEqual((rows[0]["name"], rows[0]["keys"]),
                             ("topics", 120))
            self.assertEqual(len(rows), 101)
            self.assertEqual(found["omitted"], 20)
            self.assertEqual(rows[1]["name"], "topics/channel/news-000")
            self.assertEqual(rows[1]["subscribers"], 1)
            self.assertGreaterEqual(rows[1]["handled"], 1)
            text = self.console("ls")
            self.assertIn("SUBSCRIBERS", text.splitlines()[0])
            self.assertIn("\n    topics/channel/news-000 ", text)
            self.assertTrue(text.endswith("... and 20 more rows\n"), text)
            self.assertEqual(
                len(self.json("ls topics/channel/news-11")["actors"]), 10)
            self.check_fails("kill topics/channel/news-000", FAILED,
                             "unknown_actor")
        poll(lambda: "topics/" not in self.console("ls"), "the topics to end")

    def test_regions_are_chosen_by_name(self):
        self.assertEqual(self.console("use db0; get nothing"),
                         "region db0\n(nil)\n")
        self.check_fails("use db1", FAILED, "unknown_region", "'db0'")

    def test_loads_and_what_cannot_be_cancelled_or_killed(self):
        self.assertEqual(self.console("loads"), "no loads in flight\n")
        self.assertEqual(self.json("loads"), {"loads": [], "total": 0})
        self.assertEqual(self.console("breakers"), "no circuit breakers\n")
        self.assertEqual(self.json("breakers"), {"breakers": [], "total": 0})
        self.check_fails("cancel 12345", FAILED, "unknown_load")
        self.check_fails("kill db0/shard-x", FAILED, "unknown_actor",
                         "did you mean 'db0/shard-")
        self.check_fails("kill supervisor", FAILED, "error: invalid_argument: ")

    def test_a_key_is_explained(self):
        self.console("set e v 1h")
        self.assertRegex(self.console("explain e"),
                         r"The key is present \(version \d+, 1 byte, charged "
                         r"\d+\); it expires in 59 min 59 s\.\n")
        self.console("del e")
        self.assertRegex(self.console("explain e db0"),
                         r"The key is missing\.\nIt was erased [\d.]+ m?s ago "
                         r"\(sequence \d+\)\.\n")
        found = self.json("explain e")
        self.assertEqual((found["state"], found["events"][0]["kind"],
                          found["ttl_ms"], found["load"], found["tags"]),
                         ("missing", "erased", None, None, []))
        self.assertEqual(len(found["sentences"]),
                         1 + len(found["events"]))
        self.check_fails("explain e db1", FAILED, "unknown_region", "'db0'")

    def test_regions_are_listed_with_their_limits(self):
        text = self.console("regions")
        self.assertRegex(text, r"REGION +PROVIDER +KEYS +CHARGED +LIMIT")
        self.assertRegex(text, r"(?m)^db0 +memory ")
        row = self.json("regions")["regions"][0]
        self.assertEqual((row["name"], row["provider"], row["loads"]),
                         ("db0", "memory", 0))

    def test_tags_and_regions_are_cleared_by_name(self):
        self.console("send db0 set t v how.tags=red; set u v")
        self.assertEqual(self.console("invalidate red"),
                         "invalidated the tag red in db0\n")
        self.assertEqual(self.console("get t; get u"), '(nil)\n"v"\n')
        self.assertIn('The tag "red" was invalidated',
                      self.console("explain t"))
        self.assertEqual(self.json("invalidate red db0"),
                         {"invalidated": "red", "region": "db0"})
        self.check_fails("invalidate red db1", FAILED, "unknown_region",
                         "'db0'")
        self.check_fails("clear db1", FAILED, "unknown_region", "'db0'")
        self.assertEqual(self.console("clear db0"), "cleared db0\n")
        self.assertEqual(self.console("get u"), "(nil)\n")
        self.assertIn("All keys of the region were removed",
                      self.console("explain u"))

    def test_what_is_too_large_is_refused_by_the_server(self):
        key = "k" * 100_000
        code, out, err = run(self.server.console_port, given=f"set {key} v\n")
        self.assertEqual((code, out), (FAILED, ""))
        self.assertIn("key_too_large", err)

    def test_wrong_usage_runs_nothing(self):
        for command, word in (("gte k", "did you mean 'get'?"),
                              ("get", "usage: get KEY"),
                              ("set k", "usage: set KEY VALUE [TTL]"),
                              ("set k v soon", "30s"), ("cancel x", "loads"),
                              ("get 'x", "column 5"), ("drain 0", "deadline")):
            with self.subTest(command=command):
                self.check_fails(command, USAGE, word)
        self.check_fails("set wrong v; gte wrong", USAGE, "gte")
        self.assertEqual(self.console("get wrong"), "(nil)\n")

    def test_wrong_options_are_named(self):
        for option, word in (("--prot=1", "'--port'"), ("--port=0", "65535"),
                             ("--timeout=x", "500ms"), ("get", "-c")):
            with self.subTest(option=option):
                code, out, err = run(self.server.console_port, option)
                self.assertEqual((code, out), (USAGE, ""), err)
                self.assertIn(word, err)

    def test_the_first_failure_ends_a_script(self):
        code, out, err = run(self.server.console_port, "-c",
                             "set s 1; cancel 12345; set s 2")
        self.assertEqual((code, out), (FAILED, "ok\n"), err)
        self.assertEqual(self.console("get s"), '"1"\n')

    def test_commands_may_come_through_a_pipe(self):
        code, out, err = run(self.server.console_port,
                             given="set p 1\n\nget p; ttl p\nquit\nget p\n")
        self.assertEqual((code, out, err), (OK, 'ok\n"1"\nnone\n', ""))
        code, out, err = run(self.server.console_port,
                             given="get p\ncancel 12345\nget p\n")
        self.assertEqual((code, out), (FAILED, '"1"\n'))
        code, out, err = run(self.server.console_port, given="gte p\nget p\n")
        self.assertEqual((code, out), (USAGE, ""))
        code, out, err = run(self.server.console_port, given="")
        self.assertEqual((code, out, err), (OK, "", ""))

    def test_json_is_one_object_per_command(self):
        self.assertEqual(self.json("set j v"), {"stored": True})
        found = self.json("get j")
        self.assertEqual((found["found"], found["value"]), (True, "v"))
        self.assertEqual(self.json("get nothing"), {"found": False})
        self.json(r'set raw "\xff"')
        self.assertEqual(self.json("get raw")["value_base64"], "/w==")
        self.assertEqual(self.json("del j nothing"), {"removed": 1})
        code, out, _ = run(self.server.console_port, "--json", "-c",
                           "cancel 12345")
        self.assertEqual(code, FAILED)
        self.assertEqual(json.loads(out)["error"], "unknown_load")

    def test_json_errors_are_json(self):
        for arguments, code, error in (
                (("-c", "gte k"), USAGE, "invalid_argument"),
                (("-c", "get"), USAGE, "invalid_argument"),
                (("-c", "get 'x"), USAGE, "invalid_argument"),
                (("-c", "send db0 gte"), USAGE, "invalid_argument"),
                (("--prot=1",), USAGE, "invalid_argument"),
                (("-c", "kill nobody"), FAILED, "unknown_actor"),
                (("-c", "restart db0"), FAILED, "invalid_argument"),
                (("-c", "use nothing"), FAILED, "unknown_region")):
            actual, out, err = run(self.server.console_port, "--json",
                                   *arguments)
            self.assertEqual((actual, err), (code, ""), out)
            self.assertEqual(out.count("\n"), 1)
            self.assertEqual(json.loads(out)["error"], error, out)
        code, out, err = run(self.server.console_port, "--json",
                             given="get k\ngte k\n")
        self.assertEqual((code, err), (USAGE, ""))
        self.assertEqual(json.loads(out.splitlines()[1])["error"],
                         "invalid_argument")
        code, out, err = run(1, "--json", "-c", "top 1ms 1")
        self.assertEqual((code, err), (NO_CONNECTION, ""))
        self.assertEqual(json.loads(out)["error"], "not_connected")

    def test_a_suggestion_never_is_what_was_typed(self):
        code, out, err = run(self.server.console_port, "-c",
                             "restart db0/shard-0")
        self.assertEqual((code, out), (FAILED, ""))
        self.assertIn("db0/shard-0 is running", err)
        self.assertNotIn("did you mean", err)

    def test_nothing_is_asked_without_a_terminal(self):
        self.console("set a 1")
        self.assertEqual(self.console("clear"), "cleared db0\n")
        self.assertEqual(self.console("get a"), "(nil)\n")
        self.assertEqual(self.console("send db0 clear"), "ok\n")

    def test_help_tells_everything(self):
        code, out, err = run(self.server.console_port, "--help")
        self.assertEqual((code, err), (OK, ""))
        for word in ("--socket=PATH", "--password-file=FILE",
                     "TROUPE_CONSOLE_PASSWORD", "--host=NAME", "--port=N",
                     "--timeout=TIME", "--json",
                     "[127.0.0.1]", "[6381]", "[2s]", "exit code", "history"):
            self.assertIn(word, out)
        commands = ("help", "ls", "stat", "metrics", "use", "get", "set", "del", "ttl",
                    "clear", "invalidate", "explain", "regions", "loads",
                    "breakers", "cancel", "kill", "restart", "drain",
                    "nodes", "send", "quit")
        overview = self.console("help")
        for name in commands:
            self.assertRegex(out, rf"\n  {name} ")
            self.assertRegex(overview, rf"(?m)^{name} ")
            self.assertTrue(self.console(f"help {name}").startswith(name))
        self.assertLessEqual(max(map(len, out.splitlines())), 80)

    def test_help_needs_no_server(self):
        code, out, err = run(1, "-c", "help get")
        self.assertEqual((code, err), (OK, ""))
        self.assertIn("get KEY", out)


class NoServer(unittest.TestCase):
    def check_unreachable(self, port, *words):
        code, out, err = run(port, "--timeout=5s", "-c", "ls")
        self.assertEqual((code, out), (NO_CONNECTION, ""), err)
        for word in words:
            self.assertIn(word, err)

    def test_a_dead_port_is_explained(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            self.check_unreachable(
                port, f"no troupe server answers on 127.0.0.1:{port}",
                "./apps/run", "--port")
            code, out, _ = run(port, "--json", "-c", "ls")
            self.assertEqual(code, NO_CONNECTION)
            self.assertEqual(json.loads(out)["error"], "not_connected")

    def test_a_host_without_a_name_is_explained(self):
        code, out, err = run(1, "--host=no.such.host.invalid", "--timeout=5s",
                             "-c", "ls")
        self.assertEqual((code, out), (NO_CONNECTION, ""), err)
        self.assertIn("no.such.host.invalid:1", err)

    def test_a_listener_that_says_nothing_is_explained(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.check_unreachable(silent.getsockname()[1],
                                   "no troupe server answers on",
                                   "no answer in time")

    def test_a_port_of_clients_is_explained(self):
        server = Server()
        try:
            # It waits for the end of a line, or refuses one: the console sends random
            # bytes.
            self.check_unreachable(server.port, "no troupe server answers on",
                                   "which it prints")
        finally:
            server.stop()


class Crash(WithServer):
    def test_a_killed_shard_is_restarted_and_keeps_its_keys(self):
        written, problems, stop = [], [], threading.Event()

        def write():
            with Client(self.server.port) as client:
                while not stop.is_set():
                    key = f"key-{len(written)}"
                    reply = client.ask("SET", key, f"value of {key}")
                    if reply != b"+OK\r\n":
                        problems.append((key, reply))
                        return
                    written.append(key)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            poll(lambda: len(written) > 500 or problems, "the first keys")
            self.assertEqual(self.console("kill db0/shard-0"),
                             "killed db0/shard-0\n")
            before = len(written)
            poll(lambda: len(written) > before + 500 or problems,
                 "keys after the crash")
        finally:
            stop.set()
            writer.join()
        self.assertEqual(problems, [])

        def restarted():
            shards = {x["name"]: x for x in self.json("ls db0")["actors"]}
            return shards["db0/shard-0"]["restarts"] == 1 and shards

        shards = poll(restarted, "the restart to be counted")
        self.assertEqual(sum(x["restarts"] for x in shards.values()), 1)
        self.assertEqual(sum(x["keys"] for x in shards.values()), len(written))
        self.assertGreater(shards["db0/shard-0"]["keys"], 0)
        row = re.search(r"^ *db0/shard-0 .*$", self.console("ls -a db0"), re.M)
        fields = row.group().split()
        self.assertEqual(fields[1], "running")
        self.assertEqual(fields[4], "1")
        with Client(self.server.port) as client:
            self.assertEqual(client.ask("EXISTS", *written),
                             b":%d\r\n" % len(written))
        self.assertEqual(self.console("get key-0"), '"value of key-0"\n')
        # The region's row counts the restart, too.
        row = re.search(r"^  db0 .*$", self.console("ls"), re.M).group()
        self.assertEqual(row.split()[-4], "1", row)


class Drain(unittest.TestCase):
    def test_drain_ends_the_server(self):
        server = Server()
        try:
            code, out, err = run(server.console_port, "-c", "drain 20s")
            self.assertEqual((code, err), (OK, ""))
            self.assertRegex(out, r"^drained in \S+\n$")
            code, said = server.wait()
            self.assertEqual(code, 0, said)
            code, out, err = run(server.console_port, "-c", "ls")
            self.assertEqual((code, out), (NO_CONNECTION, ""))
            self.assertIn("no troupe server answers", err)
        finally:
            server.stop()


class Terminal(unittest.TestCase):
    """The console as a person sees it."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)

    def start(self, *options, columns=80):
        shell = pexpect.spawn(
            os.path.join(servers.BIN, "troupe-console"),
            [f"--port={self.server.console_port}", f"--timeout={PATIENCE:g}",
             *options],
            cwd=servers.SCRATCH, env=environment(), encoding="utf-8",
            timeout=PATIENCE, dimensions=(50, columns))
        self.addCleanup(shell.close, force=True)
        shell.expect_exact("db0> ")
        self.assertIn("connected to 127.0.0.1:", shell.before)
        return shell

    @staticmethod
    def say(shell, line):
        """What a line prints."""
        shell.sendline(line)
        shell.expect_exact(line)
        shell.expect(r"\r\n(?:(.*)\r\n)?db0> $")
        return shell.match.group(1) or ""

    def leave(self, shell):
        shell.sendline("quit")
        shell.expect(pexpect.EOF)
        shell.close()
        self.assertEqual(shell.exitstatus, OK)

    def test_commands_and_mistakes(self):
        shell = self.start()
        self.assertEqual(self.say(shell, "set a 'b c'; get a"),
                         'ok\r\n"b c"')
        self.assertIn("did you mean 'get'?", self.say(shell, "gte a"))
        self.assertIn("usage: get KEY", self.say(shell, "get"))
        self.assertIn("error: unknown_load: ", self.say(shell, "cancel 12345"))
        self.assertEqual(self.say(shell, ""), "")
        self.assertIn("supervisor", self.say(shell, "ls"))
        self.assertIn("resident", self.say(shell, "stat"))
        self.assertEqual(self.say(shell, "use db0"), "region db0")
        self.assertEqual(self.say(shell, "ttl a"), "none")
        self.assertEqual(self.say(shell, "del a"), "removed 1 of 1")
        self.assertEqual(self.say(shell, "loads"), "no loads in flight")
        self.assertIn("quit", self.say(shell, "help"))
        self.assertNotIn("\x1b", self.say(shell, "ls"))
        self.leave(shell)

    def test_tables_fit_the_terminal(self):
        shell = self.start(columns=44)
        lines = self.say(shell, "ls -a").split("\r\n")
        self.assertGreater(len(lines), 5)
        self.assertLessEqual(max(map(len, lines)), 44)
        self.assertIn("RESTARTS", lines[0])
        self.leave(shell)

    def test_tab_completes_commands_and_actors(self):
        shell = self.start()
        shell.send("sta\t")
        shell.expect_exact("stat ")
        shell.sendline("")
        shell.expect_exact("resident")
        shell.expect_exact("db0> ")
        shell.send("loads; kill load-c\t")
        shell.expect_exact("load-coordinator ")
        shell.sendline("")
        shell.expect_exact("end load-coordinator as a crash would? [y/N] ")
        shell.sendline("y")
        shell.expect_exact("killed load-coordinator")
        shell.expect_exact("db0> ")
        shell.send("explain k d\t")
        shell.expect_exact("db0 ")
        shell.sendline("")
        shell.expect_exact("The key is missing.")
        shell.expect_exact("db0> ")
        shell.send("invalidate t db\t")
        shell.expect_exact("db0 ")
        shell.sendline("")
        shell.expect_exact("remove all keys with the tag t of db0? [y/N] ")
        shell.sendline("n")
        shell.expect_exact("not confirmed")
        shell.expect_exact("db0> ")
        shell.send("ls -a db0/shard-1\t\t")
        shell.expect_exact("db0/shard-10")
        shell.sendline("")
        shell.expect_exact("RESTARTS")
        self.leave(shell)

    def test_tab_completes_messages(self):
        shell = self.start()
        shell.send("send load-c\t")
        shell.expect_exact("load-coordinator ")
        shell.send("canc\t")
        shell.expect_exact("cancel_load ")
        shell.sendline("77")
        shell.expect_exact("unknown_load")
        shell.expect_exact("db0> ")
        self.leave(shell)

    def test_colours_are_for_terminals_that_want_them(self):
        def shown(command, *options, **settings):
            shell = pexpect.spawn(
                os.path.join(servers.BIN, "troupe-console"),
                [f"--port={self.server.console_port}",
                 f"--timeout={PATIENCE:g}", *options, "-c", command],
                cwd=servers.SCRATCH, env={**environment(), "TERM": "xterm",
                                  **settings},
                encoding="utf-8", timeout=PATIENCE, dimensions=(50, 80))
            shell.expect(pexpect.EOF)
            shell.close()
            return shell.before

        self.assertIn("\x1b[32mrunning\x1b[0m", shown("ls"))
        self.assertIn("\x1b[31merror:\x1b[0m unknown_load",
                      shown("cancel 12345"))
        for out in (shown("ls", NO_COLOR="1"), shown("cancel 1", NO_COLOR="1"),
                    shown("ls", TERM="dumb"), shown("ls", "--json"),
                    run(self.server.console_port, "-c", "ls")[1]):
            self.assertNotIn("\x1b", out)
        self.assertIn("\x1b[32m", shown("ls", NO_COLOR=""))

    def test_the_history_outlives_the_console(self):
        shell = self.start()
        self.say(shell, "get remembered")
        self.leave(shell)
        file = os.path.join(servers.SCRATCH, "state", "troupe", "console_history")
        self.assertEqual(os.stat(file).st_mode & 0o077, 0)
        shell = self.start()
        shell.send("\x1b[A\x1b[A")  # Up: quit. Up: what came before.
        shell.expect_exact("get remembered")
        shell.sendline("")
        shell.expect_exact("(nil)")
        self.leave(shell)

    def test_control_c_drops_the_line_and_control_d_leaves(self):
        shell = self.start()
        shell.send("set dropped v")
        shell.expect_exact("set dropped v")
        shell.sendintr()
        shell.expect_exact("db0> ")
        self.assertEqual(self.say(shell, "get dropped"), "(nil)")
        shell.sendeof()
        shell.expect(pexpect.EOF)
        shell.close()
        self.assertEqual(shell.exitstatus, OK)

    def ask(self, shell, line, question, reply):
        """What a line prints that asks before."""
        shell.sendline(line)
        shell.expect_exact(question + " [y/N] ")
        shell.sendline(reply)
        shell.expect_exact(reply)
        shell.expect(r"\r\n(?:(.*)\r\n)?db0> $")
        return shell.match.group(1) or ""

    def test_what_cannot_be_taken_back_is_asked_for_once(self):
        shell = self.start()
        self.say(shell, "set a 1")
        for line, question in (("clear", "remove all keys of db0?"),
                               ("drain", "stop the server?"),
                               ("kill db0/shard-0",
                                "end db0/shard-0 as a crash would?"),
                               ("send db0 clear", "send clear to db0?")):
            for reply in ("n", "no", "x"):
                self.assertIn("not confirmed, so nothing was done",
                              self.ask(shell, line, question, reply))
        self.assertEqual(self.say(shell, "get a"), '"1"')
        self.assertEqual(self.ask(shell, "clear", "remove all keys of db0?",
                                  "y"), "cleared db0")
        self.assertEqual(self.say(shell, "get a"), "(nil)")
        self.assertEqual(self.ask(shell, "kill db0/shard-0",
                                  "end db0/shard-0 as a crash would?", "yes"),
                         "killed db0/shard-0")
        # Ctrl-C is a no, and no end.
        shell.sendline("drain")
        shell.expect_exact("stop the server? [y/N] ")
        shell.sendintr()
        shell.expect_exact("not confirmed")
        shell.expect_exact("db0> ")
        self.leave(shell)
        shell = self.start("--yes")
        self.assertEqual(self.say(shell, "clear"), "cleared db0")
        self.leave(shell)

    def test_control_c_in_top_returns_to_the_prompt(self):
        shell = self.start()
        for interval in ("1h", "50ms"):
            shell.sendline(f"top {interval}")
            if interval == "50ms":
                shell.expect_exact("Enter stops")
            else:
                shell.expect_exact(f"top {interval}\r\n")
            shell.sendintr()
            shell.expect_exact("db0> ")
            self.assertEqual(self.say(shell, "get nothing"), "(nil)")
        self.leave(shell)

    def test_control_c_in_top_returns_to_the_prompt_with_json_too(self):
        shell = self.start("--json")
        shell.sendline("top 1h 1")
        shell.expect_exact("top 1h 1\r\n")
        shell.sendintr()
        shell.expect_exact("db0> ")
        self.assertIn("false", self.say(shell, "get nothing"))
        self.leave(shell)

    def test_control_d_at_a_question_counts_for_that_question_only(self):
        shell = self.start()
        self.say(shell, "set a 1")
        shell.sendline("clear")
        shell.expect_exact("remove all keys of db0? [y/N] ")
        shell.sendeof()
        shell.expect_exact("not confirmed")
        shell.expect_exact("db0> ")
        self.assertEqual(self.ask(shell, "clear", "remove all keys of db0?",
                                  "y"), "cleared db0")
        self.leave(shell)

    def test_a_new_width_keeps_the_line(self):
        shell = self.start()
        shell.send("set kept")
        shell.expect_exact("set kept")
        shell.setwinsize(50, 120)
        self.assertEqual(shell.getwinsize(), (50, 120))
        shell.sendline(" v")
        shell.expect_exact("ok\r\n")
        shell.expect_exact("db0> ")
        self.assertEqual(self.say(shell, "get kept"), '"v"')
        self.leave(shell)

    def test_a_server_that_goes_is_missed_and_found_again(self):
        shell = self.start()
        self.say(shell, "set a 1")
        port = self.server.console_port
        self.server.stop()
        poll(lambda: "no troupe server answers" in self.say(shell, "get a"),
             "the console to notice")
        self.server = poll(lambda: start_again(port), f"port {port}")
        self.addCleanup(self.server.stop)
        out = self.say(shell, "get a")
        self.assertRegex(out, r"^connected to 127.0.0.1:\d+\r\n\(nil\)$")
        self.leave(shell)

    def test_drain_ends_the_server_and_not_the_console(self):
        shell = self.start("--yes")
        self.assertRegex(self.say(shell, "drain"), r"^drained in ")
        code, said = self.server.wait()
        self.assertEqual(code, 0, said)
        poll(lambda: "no troupe server answers" in self.say(shell, "stat"),
             "the console to notice")
        self.leave(shell)


if __name__ == "__main__":
    servers.prepare(__doc__)
    tests = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False)
    if not tests.result.wasSuccessful():
        servers.print_logs()
        sys.exit(1)
