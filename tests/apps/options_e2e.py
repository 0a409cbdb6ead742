#!/usr/bin/env python3
"""Tests how the programs read their options: --help, all spellings of values, wrong
values, and that docs/configuration.md contains the tables that the server prints.

usage: options_e2e.py DIRECTORY-OF-THE-PROGRAMS

Ends with 1 at the first check that fails. With TROUPE_UPDATE_DOCS=1 in the
environment, it puts the tables of the program into docs/configuration.md.
"""

import os
import subprocess

import _servers as servers
from _servers import PATIENCE, Troupe, refused, require
from server_e2e import Client, check, parse, require_equal

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    "docs", "configuration.md")
BEGIN = "<!-- The output of troupe-server --print-options begins here. -->\n"
END = "<!-- It ends here. -->\n"


def run(program, *options):
    """Returns exit code, standard output, and standard error."""
    done = subprocess.run([os.path.join(servers.BIN, program), *options],
                          cwd=servers.SCRATCH, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE,
                          env=servers.environment(), check=False)
    return done.returncode, done.stdout, done.stderr


def check_help():
    for option in ("--help", "-h", "-?", "--long-help"):
        code, out, err = run("troupe-server", option)
        require_equal((code, err), (0, ""), f"the end of {option}")
        require(out.startswith("usage: troupe-server [options]\n"), out)
        for words in ("\nNetwork:\n", "\nMemory:\n", "\nTLS:\n", "\nRuntime:\n",
                      "\nExamples:\n", "-p, --port=N", "(default: 6380)",
                      "(default: 64mb)", "(default: 10s)", "Exit code: 0"):
            require(words in out, f"{option}: no {words!r} in {out}")
        for line in out.splitlines():
            require(len(line) <= 100, f"{len(line)} columns: {line}")
        require(("--scheduler." in out) == (option == "--long-help"), out)
    code, out, _ = run("troupe-server", "--version")
    require(code == 0 and out.startswith("troupe-server "), out)


def check_errors():
    for option, words in (
            ("--prot=1", "unknown option --prot=1; did you mean '--port'?"),
            ("--maxmemry=1mb", "did you mean '--maxmemory'?"),
            ("--port=65536", "--port=65536: allowed: 0 to 65535"),
            ("--databases=9223372036854775808", "allowed: 1 to 1024"),
            ("--maxmemory=1kb", "allowed: 0, or 64kb and more"),
            ("--timeout=soon", "whole seconds, 0s to 2147483647s"),
            ("--scheduler.max-threads=0", "allowed: 1 to 1024"),
            ("--port", "--port needs a value: --port=N"),
            ("word", "unexpected argument word")):
        code, out, err = run("troupe-server", option)
        require_equal((code, out), (2, ""), f"the end of {option}")
        require(words in err, f"{option}: {err!r}")


def check_spellings():
    for options in (("--maxmemory=100mb", "--timeout=5m"),
                    ("--maxmemory", "104857600", "--timeout", "300"),):
        server = Troupe("--no-console", *options)
        with Client(server.port) as client:
            for name, value in (("maxmemory", b"104857600"), ("timeout", b"300")):
                require_equal(parse(client.ask("CONFIG", "GET", name))[1], value,
                              name)
            for name, value, shown in (
                    ("maxmemory", "1gb", b"1073741824"), ("timeout", "2d", b"172800"),
                    ("pubsub-buffer", "64kb", b"65536"),
                    ("max-connections", "7", b"7")):
                require_equal(client.ask("CONFIG", "SET", name, value), b"+OK\r\n",
                              name)
                require_equal(parse(client.ask("CONFIG", "GET", name))[1], shown,
                              name)
        require_equal(server.stop()[0], 0, "the exit code")
    port = servers.free_port()
    for options in (("-p", str(port)), (f"-p{port}",), ("--port", str(port))):
        server = servers.Program(servers.command_of("--no-console", *options))
        server.wait_for(b" ready on 127.0.0.1:%d" % port)
        require_equal(server.stop()[0], 0, "the exit code")


def check_dump():
    """What --dump-config prints is a file that the server reads."""
    code, out, _ = run("troupe-server", "--dump-config", "--ttl", "2d",
                       "--password=geheim", "--maxmemory=100mb")
    require_equal(code, 0, "the exit code")
    require("[server]\n" in out and "ttl=2d\n" in out, out)
    require("maxmemory=100mb\n" in out and "# password=***\n" in out
            and "geheim" not in out, out)
    path = os.path.join(servers.SCRATCH, "dumped.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(out)
    server = Troupe("--no-console", f"--config-file={path}")
    with Client(server.port) as client:
        require_equal(parse(client.ask("CONFIG", "GET", "ttl"))[1], b"2d", "ttl")
    require_equal(server.stop()[0], 0, "the exit code")


def check_other_programs():
    """Values may follow an option behind a sign or a blank."""
    for option in (("--port=1",), ("--port", "1"), ("-p", "1")):
        code, _, err = run("troupe-console", *option)
        require(code == 2 and "needs a password" in err, f"{option}: {err!r}")
    for program, option in (("troupe-bench", "--threads"),
                            ("troupe-history-check", "--keys")):
        before = ["shard"] if program == "troupe-bench" else []
        if not os.path.exists(os.path.join(servers.BIN, program)):
            continue
        for spelled in ((f"{option}=x",), (option, "x")):
            code, _, err = run(program, *before, *spelled)
            require(code == 2 and "'x'" in err, f"{program} {spelled}: {err!r}")


def check_page():
    code, out, _ = run("troupe-server", "--print-options")
    require_equal(code, 0, "the exit code")
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    require(BEGIN in page and END in page, "the page has no place for tables")
    before, rest = page.split(BEGIN)
    tables, after = rest.split(END)
    if os.environ.get("TROUPE_UPDATE_DOCS") == "1":
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n" + out + "\n" + END + after)
        return
    require_equal(tables.strip(), out.strip(),
                  "docs/configuration.md, which is stale: run this test with "
                  "TROUPE_UPDATE_DOCS=1")


def main():
    check("--help", check_help)
    check("options that are refused", check_errors)
    check("all spellings of values", check_spellings)
    check("--dump-config", check_dump)
    check("the other programs", check_other_programs)
    check("the page of the docs", check_page)


if __name__ == "__main__":
    servers.run(__doc__, main)
