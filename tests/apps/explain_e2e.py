"""EXPLAIN from outside, through redis-cli: why a key is present or missing."""

import re
import subprocess

import _servers as servers
from _servers import PATIENCE, Troupe, require
from server_e2e import check, installed


class Cli:
    """redis-cli, one process for each command."""

    def __init__(self, port, protocol):
        self.words = ["redis-cli", "-p", str(port), f"-{protocol}"]

    def __call__(self, *words):
        result = subprocess.run([*self.words, *words], capture_output=True,
                                text=True, timeout=PATIENCE, check=True)
        return result.stdout.strip().split("\n")


def require_match(pattern, text):
    require(re.fullmatch(pattern, text), f"{text!r} is not {pattern!r}")


def check_explanations(server, protocol):
    cli = Cli(server.port, protocol)
    key = f"k{protocol}"
    require(cli("FLUSHALL") == ["OK"], "no flush")
    lines = cli("EXPLAIN", key)
    require(lines[0] == "The key is missing.", lines)
    require_match(r"All keys of the region were removed .* ago\.", lines[1])
    cli("SET", key, "value", "EX", "100")
    lines = cli("EXPLAIN", key)
    require_match(r"The key is present \(version \d+, 5 bytes, charged \d+\); it "
                  r"expires in 1 min 39 s\.", lines[0])
    cli("DEL", key)
    lines = cli("EXPLAIN", key)
    require_match(r"It was erased .* ago \(sequence \d+\)\.", lines[1])
    cli("SET", key, "value")
    lines = cli("EXPLAIN", key)
    require("it does not expire." in lines[0], lines)
    require(lines[1] == "It was stored after the last recorded event.", lines)
    cli("RENAME", key, key + "b")
    require_match(r"It was renamed to another key .* ago \(sequence \d+\)\.",
                  cli("EXPLAIN", key)[1])
    cli("SET", key, "value", "PX", "1")

    def expired():
        lines = cli("EXPLAIN", key)
        return any(x.startswith("It expired ") for x in lines)

    servers.poll(expired, "the key to expire")
    return "6 states"


def check_refusals(server):
    cli = Cli(server.port, 2)
    for words in (("EXPLAIN",), ("EXPLAIN", "a", "b")):
        require("wrong number of arguments" in cli(*words)[0], words)
    require("explain" in "".join(cli("COMMAND", "DOCS", "explain")),
            "no COMMAND DOCS")
    return "2 forms"


def check_recorded_sets():
    server = Troupe("--no-console", "--record-sets=yes")
    cli = Cli(server.port, 2)
    cli("SET", "k", "1")
    cli("SET", "k", "2")
    lines = cli("EXPLAIN", "k")
    stored = [x for x in lines if x.startswith("It was stored ")]
    require(len(stored) == 2, lines)
    server.stop()
    return "2 sets"


def main():
    if not installed("redis-cli"):
        return
    server = Troupe("--no-console")
    for protocol in (2, 3):
        check(f"explanations in RESP{protocol}", check_explanations, server,
              protocol)
    check("refusals", check_refusals, server)
    check("recorded sets", check_recorded_sets)
    code, output = server.stop()
    require(code == 0, f"exit code {code}: {output!r}")


if __name__ == "__main__":
    servers.run(__doc__, main)
