#!/usr/bin/env python3
"""Runs every subcommand of troupe-bench with small sizes and checks what comes
out: shape, completeness, no lost key. Says nothing about times.

usage: bench_smoke.py <directory of the built programs> [test...]
"""

import json
import lzma
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

BENCH = ""

# Seconds until a run counts as hung. It shares the machine with other tests.
PATIENCE = 1200

SHARD_MAPS = {
    "region",
    "region-limited",
    "region-full",
    "locked",
    "locked-lru",
    "naive",
    "hash",
    "array",
}
OPTIONAL_MAPS = {"absl", "locked-absl", "tbb"}
SCHEMES = {"none", "epoch", "shared-mutex", "shared-ptr"}
WAYS = {
    "bare",
    "mutex",
    "lane",
    "scoped-to-pooled",
    "actor-to-pooled",
    "scoped-to-lane",
    "scoped-to-region",
    "region",
}
LOADERS = {"cache", "region", "once", "futures", "loader"}
POLICIES = [
    "opt",
    "fifo",
    "lru",
    "clock",
    "sieve",
    "s3-fifo",
    "arc",
    "w-tinylfu",
]
TABLES = {"empty-loop", "region-1", "region", "unordered_map"}


def run(*arguments, env=None):
    """Runs troupe-bench; returns exit code, standard output, standard error."""
    done = subprocess.run(
        [BENCH, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=env,
    )
    return done.returncode, done.stdout, done.stderr


def report(*arguments):
    """The JSON report of a quick run."""
    code, out, err = run(*arguments, "--quick", "--json")
    if code != 0:
        raise AssertionError(f"exit code {code}\n{out}\n{err}")
    return json.loads(out)


def child_of(process):
    """The process id of the only child of a process, or None."""
    path = pathlib.Path(f"/proc/{process}/task/{process}/children")
    children = path.read_text(encoding="ascii").split()
    return int(children[0]) if children else None


def is_a_server(process):
    """Whether a process runs a server's program by now."""
    try:
        name = pathlib.Path(f"/proc/{process}/comm").read_text("ascii")
    except FileNotFoundError:
        return False
    return name.strip() in ("troupe-server", "redis-server")


class Reports(unittest.TestCase):
    def check_head(self, x, subcommand):
        self.assertEqual(x["program"], "troupe-bench")
        self.assertEqual(x["subcommand"], subcommand)
        self.assertEqual(x["failures"], [])
        for name in ("date", "processor", "processors", "compiler", "build"):
            self.assertTrue(x["machine"][name], name)
        self.assertEqual(x["options"]["quick"], "true")
        self.assertTrue(x["method"])
        self.assertTrue(x["tables"]["results"])

    def test_shard_does_all_operations_and_finds_every_key(self):
        x = report("shard", "--threads=1,2")
        self.check_head(x, "shard")
        rows = x["tables"]["results"]
        names = {row["name"] for row in rows}
        self.assertLessEqual(SHARD_MAPS, names)
        self.assertLessEqual(
            names, SHARD_MAPS | OPTIONAL_MAPS | {"region-copies"}
        )
        ours = {
            (row["workload"], row["threads"])
            for row in rows
            if row["name"] == "region"
        }
        self.assertEqual(
            ours,
            {(w, t) for w in ("read", "batch", "write", "mix") for t in (1, 2)}
            | {("hot", 2)},
        )
        bounded = {row["name"] for row in rows if row["workload"] == "full"}
        self.assertEqual(bounded, {"region-full", "locked-lru"})
        requests = int(x["options"]["ops"]) * int(x["options"]["rounds"])
        for row in rows:
            with self.subTest(**{k: row[k] for k in ("workload", "name")}):
                self.assertEqual(row["operations"], row["operations_due"])
                self.assertEqual(row["found"], row["reads"])
                self.assertTrue(row["correct"])
                self.assertGreater(row["ns"], 0)
                if row["workload"] == "hot":
                    # One reads; the others write as often as they can.
                    if row["name"] != "naive":
                        self.assertEqual(row["reads"], requests)
                elif row["name"] != "naive":
                    self.assertEqual(
                        row["operations"], requests * row["threads"]
                    )
        names = {y["name"] for y in x["expectations"]}
        self.assertLessEqual({"read_scaling", "read_vs_naive"}, names)
        for y in x["expectations"]:
            self.assertIsInstance(y["met"], bool)

    def test_shard_counts_allocations(self):
        x = report(
            "shard",
            "--threads=1",
            "--contestants=region,region-copies,naive",
            "--workloads=read,write",
        )
        if "allocations" not in x["tables"]:
            self.assertIn("a sanitizer replaces operator new", "".join(x["method"]))
            self.skipTest("not counted under a sanitizer")
        counts = {
            (row["name"], row["workload"]): row["allocations"]
            for row in x["tables"]["allocations"]
        }
        # Values of 64 bytes are too long for a string without an allocation.
        # Threads of the runtime may add a few of their own.
        self.assertLess(counts["region", "read"], 0.05)
        self.assertGreaterEqual(counts["region-copies", "read"], 1)
        self.assertGreaterEqual(counts["naive", "write"], 1)
        names = {y["name"] for y in x["expectations"]}
        self.assertIn("read_allocations", names)

    def test_shard_takes_only_what_it_was_asked_for(self):
        x = report(
            "shard",
            "--threads=1",
            "--contestants=region,locked",
            "--workloads=write",
            "--zipf=0",
            "--key-size=15",
            "--ops=1000",
        )
        rows = x["tables"]["results"]
        self.assertEqual(
            [(row["name"], row["workload"]) for row in rows],
            [("region", "write"), ("locked", "write")],
        )
        self.assertEqual([row["operations"] for row in rows], [1000, 1000])

    def test_reclamation_never_shows_freed_memory(self):
        x = report("reclamation", "--readers=1,2")
        self.check_head(x, "reclamation")
        rows = x["tables"]["results"]
        self.assertLessEqual(SCHEMES, {row["name"] for row in rows})
        for row in rows:
            with self.subTest(**{k: row[k] for k in ("name", "readers")}):
                self.assertEqual(row["broken"], 0)
                if row["readers"] > 0:
                    self.assertGreater(row["reads"], 0)

    def test_mailbox_loses_no_operation(self):
        x = report("mailbox")
        self.check_head(x, "mailbox")
        rows = x["tables"]["results"]
        self.assertLessEqual(WAYS, {row["name"] for row in rows})
        for row in rows:
            with self.subTest(**{k: row[k] for k in ("name", "threads")}):
                self.assertTrue(row["correct"])
                self.assertEqual(row["operations"], row["operations_due"])

    def test_growth_keeps_every_entry(self):
        x = report("growth")
        self.check_head(x, "growth")
        rows = x["tables"]["results"]
        self.assertLessEqual(TABLES, {row["name"] for row in rows})
        for row in rows:
            self.assertEqual(row["present"], row["inserted"], row["name"])

    def test_loads_runs_one_loader_for_each_missing_key(self):
        x = report("loads", "--waiters=1,3")
        self.check_head(x, "loads")
        count = {k: int(v) for k, v in x["options"].items() if v.isdigit()}
        rows = x["tables"]["results"]
        self.assertEqual({row["name"] for row in rows}, LOADERS)
        for row in rows:
            with self.subTest(**{k: row[k] for k in ("workload", "name")}):
                due = count["ops"] * row["threads"]
                self.assertEqual(row["operations"], due)
                self.assertEqual(
                    row["loads"], due if row["workload"] == "miss" else 0
                )
                self.assertTrue(row["correct"])
        # Of each contestant that can also set, by 1 thread and by 2.
        self.assertEqual(len(x["tables"]["coordination"]), 2 * 4)
        waits = x["tables"]["waits"]
        self.assertEqual(
            {
                (row["workload"], row["waiters"], row["operations"])
                for row in waits
                if row["name"] == "cache"
            },
            {
                ("pool", None, count["slow-ops"]),
                ("joined", 1, count["joins"]),
                ("joined", 3, 3 * count["joins"]),
                ("burst", None, count["burst"]),
                ("chain", None, count["depth"]),
            },
        )
        for row in waits:
            with self.subTest(**{k: row[k] for k in ("workload", "name")}):
                self.assertTrue(row["correct"])
                self.assertEqual(
                    row["loads"], row["operations"] // (row["waiters"] or 1)
                )
                self.assertGreater(row["us"], 0)
        self.assertEqual(
            {y["name"] for y in x["expectations"]},
            {"coordination_1", "coordination_2", "hit_1", "hit_2", "pool"}
            | {"joined_1", "joined_3"},
        )

    def test_loads_takes_only_what_it_was_asked_for(self):
        x = report(
            "loads",
            "--threads=1",
            "--contestants=region,once",
            "--workloads=miss,chain",
            "--ops=100",
            "--depth=20",
            "--rounds=2",
        )
        self.assertEqual(set(x["tables"]), {"results", "waits"})
        self.assertEqual(
            [(y["name"], y["operations"]) for y in x["tables"]["results"]],
            [("region", 200), ("once", 200)],
        )
        self.assertEqual(
            [(y["name"], y["operations"]) for y in x["tables"]["waits"]],
            [("once", 40)],
        )
        self.assertEqual(x["expectations"], [])

    def test_regions_measures_every_number_of_keys(self):
        x = report("regions", "--keys=0,3")
        self.check_head(x, "regions")
        rows = x["tables"]["results"]
        self.assertEqual([row["keys"] for row in rows], [0, 3])
        for row in rows:
            for figure in ("open_us", "close_us", "end_ms", "allocated_kib"):
                self.assertGreater(row[figure], 0, figure)

    def test_net_drives_all_servers(self):
        x = report("net", "--keys=500", "--sizes=20")
        self.check_head(x, "net")
        cases = {
            (test, pipeline, 20)
            for test in ("get", "set", "incr", "mset")
            for pipeline in (1, 16)
        }
        rows = x["tables"]["results"]
        self.assertEqual(len(rows), 3 * len(cases))
        for name in ("troupe", "redis", "constants"):
            self.assertEqual(
                {
                    (row["test"], row["pipeline"], row["size"])
                    for row in rows
                    if row["name"] == name
                },
                cases,
            )
        for row in rows:
            self.assertGreater(row["krps"], 0)
            self.assertEqual(row["rounds"], 1)
        ratios = x["tables"]["ratios"]
        self.assertEqual(len(ratios), len(cases))
        for row in ratios:
            self.assertGreater(row["throughput"], 0)
            self.assertGreater(row["limit"], 0)
        memory = x["tables"]["memory"]
        self.assertEqual(
            [(row["name"], row["size"], row["keys"]) for row in memory],
            [("troupe", 20, 500), ("redis", 20, 500)],
        )
        self.assertEqual(len(x["expectations"]), len(cases))

    def test_net_leaves_no_server_behind_when_it_is_killed(self):
        with subprocess.Popen(
            [BENCH, "net", "--rounds=1000"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as bench:
            while not is_a_server(child_of(bench.pid)):
                self.assertIsNone(bench.poll(), "it ended by itself")
            bench.kill()
            # Ends when the last holder of its standard error is gone.
            bench.communicate(timeout=PATIENCE)

    def test_net_takes_only_what_it_was_asked_for(self):
        x = report(
            "net",
            "--contestants=constants",
            "--tests=get",
            "--pipelines=4",
            "--sizes=20,64",
            "--rounds=2",
            "--clients=2",
            "--requests=50",
        )
        rows = x["tables"]["results"]
        self.assertEqual([row["size"] for row in rows], [20, 64])
        for row in rows:
            self.assertEqual(
                (row["name"], row["test"], row["pipeline"], row["rounds"]),
                ("constants", "get", 4, 2),
            )
            # Fifty requests are too few for redis-benchmark's clock.
            self.assertGreater(row["krps"], 0)
        self.assertEqual(x["tables"]["memory"], [])

    def test_without_json_there_is_a_table(self):
        code, out, err = run("shard", "--quick", "--contestants=region")
        self.assertEqual(code, 0, err)
        self.assertIn("workload", out)
        self.assertIn("expectations", out)


class Constants(unittest.TestCase):
    """The server that answers without looking."""

    def setUp(self):
        self.server = subprocess.Popen(
            [BENCH, "constants", "--value-size=1000"], stdout=subprocess.PIPE
        )
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        line = self.server.stdout.readline().decode()
        self.port = int(line.strip().rsplit(":", 1)[1])

    def connect(self):
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        self.addCleanup(peer.close)
        return peer

    def receive(self, peer, size):
        data = b""
        while len(data) < size:
            more = peer.recv(min(size - len(data), 1 << 16))
            self.assertTrue(more, "the server hung up")
            data += more
        return data

    def test_every_request_gets_the_answer_of_the_first(self):
        peer = self.connect()
        incr = b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"
        peer.sendall(incr * 3)
        self.assertEqual(self.receive(peer, 12), b":1\r\n" * 3)
        peer.sendall(b"*1\r\n$4\r\nPING\r\n")
        self.assertEqual(self.receive(peer, 4), b":1\r\n")

    def test_a_first_command_may_come_byte_by_byte(self):
        peer = self.connect()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n":
            peer.sendall(bytes([byte]))
        self.assertEqual(self.receive(peer, 5), b"+OK\r\n")

    def test_a_client_that_reads_late_gets_all_answers(self):
        peer = self.connect()
        count = 20_000
        get = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
        # The server stops to read while its answers wait, so that this blocks.
        sender = threading.Thread(target=peer.sendall, args=(get * count,))
        sender.start()
        answer = b"$1000\r\n" + b"x" * 1000 + b"\r\n"
        for _ in range(count // 100):
            self.assertEqual(
                self.receive(peer, 100 * len(answer)), 100 * answer
            )
        sender.join()

    def test_a_client_that_hangs_up_disturbs_nobody(self):
        rude = self.connect()
        rude.sendall(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" * 1000)
        rude.close()
        peer = self.connect()
        peer.sendall(b"*1\r\n$4\r\nPING\r\n")
        self.assertEqual(self.receive(peer, 5), b"+OK\r\n")


class Traces(unittest.TestCase):
    """The subcommand trace, on small traces made here."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def skewed(self, seed):
        """5000 requests for a few popular keys among 1000."""
        rng = random.Random(seed)
        keys = (int(1000 * rng.random() ** 3) for _ in range(5000))
        return "".join(f"{key}\n" for key in keys).encode()

    def test_every_policy_gets_every_size_of_every_trace(self):
        one = self.file("one.txt", self.skewed(1))
        two = self.file("two.txt", self.skewed(2))
        x = report("trace", one, two, "--sizes=10,1%,20%")
        self.assertEqual(x["subcommand"], "trace")
        self.assertEqual(x["failures"], [])
        traces = {row["trace"]: row for row in x["tables"]["traces"]}
        self.assertEqual(traces["one"]["requests"], 5000)
        rows = x["tables"]["results"]
        self.assertEqual(
            [(row["trace"], row["size"]) for row in rows],
            [(t, s) for t in ("one", "two") for s in ("10", "1%", "20%")],
        )
        for row in rows:
            unique = traces[row["trace"]]["unique"]
            wanted = {"10": 10, "1%": round(unique / 100), "20%": round(unique / 5)}
            self.assertEqual(row["entries"], wanted[row["size"]])
            for name in POLICIES:
                self.assertGreater(row[name], 0, name)
                self.assertLessEqual(row[name], row["opt"], name)

    def test_the_figures_are_those_counted_by_hand(self):
        # For two entries: FIFO misses all but the 2nd 1 (1 2 1 3 1 2), LRU
        # keeps the 1 for its third request too.
        path = self.file("small", b"1\n2\n1\n3\n1\n2\n")
        x = report("trace", path, "--sizes=2", "--policies=lru,fifo")
        (row,) = x["tables"]["results"]
        self.assertAlmostEqual(row["fifo"], 100 / 6, places=4)
        self.assertAlmostEqual(row["lru"], 200 / 6, places=4)
        self.assertEqual(row["best"], "LRU")
        self.assertNotIn("opt", row)

    def test_packed_and_plain_traces_are_the_same(self):
        text = self.skewed(3)
        plain = self.file("plain.txt", text)
        # Two streams, one behind the other, are one file to xz.
        packed = self.file(
            "packed", lzma.compress(text[:5000]) + lzma.compress(text[5000:])
        )
        # The engine itself, which is no simulation, differs from run to run.
        simulated = "--policies=opt,lru,s3-fifo,arc"
        code, out, err = run("trace", packed, "--quick", "--json", simulated)
        if code == 2 and "built without liblzma" in err:
            self.skipTest("built without liblzma")
        self.assertEqual(code, 0, err)
        (a, b), (c, d) = (
            y["tables"]["results"]
            for y in (json.loads(out), report("trace", plain, simulated))
        )
        for row in (a, b, c, d):
            del row["trace"]
        self.assertEqual([a, b], [c, d])
        cut = self.file("cut.xz", lzma.compress(text)[:-20])
        code, out, err = run("trace", cut)
        self.assertEqual((code, out), (2, ""))
        self.assertIn("cut.xz: the compressed data ends too early", err)

    def test_a_bad_line_is_named_with_its_file(self):
        code, out, err = run("trace", self.file("bad", b"1\n2\n3,4\n"))
        self.assertEqual((code, out), (2, ""))
        self.assertIn("bad: line 3: ", err)
        self.assertIn("','", err)

    def test_a_plot_is_drawn_or_gnuplot_asked_for(self):
        path = self.file("it's.txt", self.skewed(4))
        for ending, magic in (("svg", b"<?xml"), ("png", b"\x89PNG")):
            picture = os.path.join(self.folder, f"plot.{ending}")
            code, _, err = run("trace", path, f"--plot={picture}")
            if shutil.which("gnuplot"):
                self.assertEqual(code, 0, err)
                with open(picture, "rb") as file:
                    self.assertTrue(file.read().startswith(magic))
            else:
                self.assertEqual(code, 2)
                self.assertIn("gnuplot-nox", err)

    def test_without_gnuplot_nothing_is_begun(self):
        path = self.file("trace", self.skewed(5))
        picture = os.path.join(self.folder, "plot.svg")
        code, out, err = run(
            "trace",
            path,
            f"--plot={picture}",
            env={**os.environ, "PATH": self.folder},
        )
        self.assertEqual((code, out), (2, ""))
        self.assertIn("gnuplot-nox", err)
        self.assertFalse(os.path.exists(picture))


class Options(unittest.TestCase):
    def check_refused(self, arguments, *words):
        code, out, err = run(*arguments)
        self.assertEqual(code, 2, out + err)
        self.assertEqual(out, "")
        for word in words:
            self.assertIn(word, err)

    def test_an_unknown_option_gets_a_suggestion(self):
        self.check_refused(["shard", "--entrys=5"], "--entrys", "--entries")
        self.check_refused(["growth", "--entres=5"], "--entries")
        self.check_refused(["mailbox", "--thread=5"], "--threads")
        self.check_refused(["loads", "--waiter=5"], "--waiters")
        self.check_refused(["reclamation", "--size=64"], "--sizes")

    def test_an_unknown_subcommand_gets_a_suggestion(self):
        self.check_refused(["shrad"], "'shrad'", "'shard'")

    def test_a_bad_value_is_named(self):
        self.check_refused(["shard", "--entries=many"], "--entries=many")
        self.check_refused(["shard", "--entries=0"], "--entries", "between")
        self.check_refused(["shard", "--key-size=5"], "--key-size")
        self.check_refused(["shard", "--zipf=-1"], "--zipf")
        self.check_refused(["shard", "--threads=1,x"], "--threads", "'x'")
        self.check_refused(["shard", "--contestants=abls"], "abls", "absl")
        self.check_refused(["shard", "--scheduler=fair"], "fair", "sharing")
        self.check_refused(["shard", "--shards=3"], "power of two")
        self.check_refused(["shard", "--entries"], "needs a value")
        self.check_refused(
            ["shard", "--workloads=hot", "--threads=1"], "hot", "--threads"
        )
        self.check_refused(["shard", "quickly"], "quickly")
        self.check_refused(["reclamation", "--objects=3"], "power of two")
        self.check_refused(["reclamation", "--sizes=1"], "--sizes")
        self.check_refused(["net", "--tests=lpush"], "lpush", "mset")
        self.check_refused(["net", "--keys=0"], "--keys", "between")
        self.check_refused(["net", "--pipelines=1,x"], "--pipelines", "'x'")
        self.check_refused(["loads", "--key-size=5"], "--key-size")
        self.check_refused(["loads", "--waiters=1,x"], "--waiters", "'x'")
        self.check_refused(["loads", "--burst=20000"], "--burst", "between")
        self.check_refused(["loads", "--workloads=mis"], "mis", "miss")
        self.check_refused(["constants", "--value-size=0"], "--value-size")
        self.check_refused(["trace"], "no trace", "file")
        self.check_refused(["trace", "x", "--sizes=0"], "--sizes", "'0'")
        self.check_refused(["trace", "x", "--policies=lfu"], "lfu", "lru")
        self.check_refused(["trace", "x", "--plot=y.pdf"], "y.pdf", ".svg")
        self.check_refused(["trace", "/no/such/file"], "/no/such/file")

    def test_nothing_to_do_is_an_error_that_lists_the_subcommands(self):
        code, out, _ = run()
        self.assertEqual(code, 2)
        self.assertIn("reclamation", out)

    def test_help_names_every_option_and_its_default(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for name in ("shard", "reclamation", "mailbox", "growth", "net"):
            self.assertIn(name, out)
            code, text, _ = run(name, "--help")
            self.assertEqual(code, 0)
            for option in ("--rounds=N", "--quick", "--json", "--pin"):
                self.assertIn(option, text)
            self.assertIn("[true]", text)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BENCH = os.path.join(sys.argv[1], "troupe-bench")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
