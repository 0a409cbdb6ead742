#!/usr/bin/env python3
"""Checks how the sources are written: their layout (clang-format) and what clang-tidy
says of those that changed of late.

usage: style.py format [--fix] ROOT
       style.py tidy [--commits N | --all] [--minutes M] [--build DIR] ROOT

format  names each source whose layout is not that of .clang-format, with the
        first line that differs; --fix rewrites them.
tidy    runs clang-tidy, with the checks that .clang-tidy names, on the sources that the
        last N commits changed (20), newest first, or on all of them. It starts no more
        files after M minutes (6; 0: no limit) and says how many are left. DIR is a
        build of the same tree (build/release), configured.

Exit code: 0 when there is nothing to say, 1 when there is, 2 when the call was wrong or
a tool is missing.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from arrows.tree import read_sources


def die(text):
    print(f"style: {text}", file=sys.stderr)
    sys.exit(2)


def git(root, *args):
    return subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, *args],
                          check=True, text=True, capture_output=True).stdout


def tool(name):
    if not shutil.which(name):
        die(f"{name} is not installed; cmake/setup.sh test installs it")
    return name


def workers():
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)


# -- layout ------------------------------------------------------------------------


def first_difference(path, before):
    """The number of the first line that clang-format would change, or None."""
    after = subprocess.run([tool("clang-format"), "--style=file", str(path)],
                           check=True, text=True, capture_output=True).stdout
    if before == after:
        return None
    pairs = itertools.zip_longest(before.splitlines(), after.splitlines())
    # No line differs: only the end of the last one does.
    return next((number for number, (old, new) in enumerate(pairs, 1) if old != new),
                len(before.splitlines()))


def check_format(root, fix):
    sources = read_sources(root)
    if not sources:
        die(f"no sources under {root}")
    with workers() as pool:
        lines = pool.map(lambda x: first_difference(root / x, sources[x]), sources)
        wrong = [(name, line) for name, line in zip(sources, lines) if line is not None]
    if fix and wrong:
        subprocess.run([tool("clang-format"), "--style=file", "-i",
                        *(str(root / name) for name, _ in wrong)], check=True)
    for name, line in wrong:
        print(f"{name}:{line}: {'rewritten' if fix else 'not as clang-format writes it'}")
    if wrong and not fix:
        print("tests/style.py format --fix . rewrites them")
    print(f"{len(sources)} sources, {len(wrong)} "
          + ("rewritten" if fix else "with another layout"))
    return 0 if fix or not wrong else 1


# -- clang-tidy --------------------------------------------------------------------


def changed(root, commits):
    """The sources of the last commits, those of the newest first, without doubles."""
    names = git(root, "log", f"-{commits}", "--name-only", "--format=")
    return list(dict.fromkeys(x for x in names.splitlines()
                              if x.endswith(".cpp") and (root / x).is_file()))


def compiled(build):
    """The sources that the build knows how to compile."""
    try:
        commands = json.loads((build / "compile_commands.json").read_text())
    except OSError as why:
        die(f"{why}; configure the build first: cmake --preset release")
    return {Path(x["file"]).resolve() for x in commands}


def tidy(root, name, build):
    result = subprocess.run(
        [tool("clang-tidy"), "-p", str(build), "--quiet", "--warnings-as-errors=*",
         str(root / name)], text=True, capture_output=True)
    return result.returncode, result.stdout.strip() or result.stderr.strip()


def check_tidy(root, names, build, minutes):
    known = compiled(build)
    names = [x for x in names if (root / x).resolve() in known]
    end = time.monotonic() + 60 * minutes if minutes else float("inf")

    def look(name):
        return name, tidy(root, name, build) if time.monotonic() < end else None

    wrong = left = 0
    with workers() as pool:
        for name, outcome in pool.map(look, names):
            if outcome is None:
                left += 1
            elif outcome[0] != 0:
                wrong += 1
                print(f"-- {name}\n{outcome[1]}", flush=True)
    print(f"{len(names) - left} sources, {wrong} that clang-tidy objects to"
          + (f"; {left} were left when the time was over" if left else ""))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    layout = commands.add_parser("format", help="the layout of the sources")
    layout.add_argument("--fix", action="store_true", help="rewrite them")
    checks = commands.add_parser("tidy", help="what clang-tidy says")
    which = checks.add_mutually_exclusive_group()
    which.add_argument("--commits", type=int, default=20, metavar="N",
                       help="the sources of the last N commits (20)")
    which.add_argument("--all", action="store_true", help="all sources")
    checks.add_argument("--minutes", type=float, default=6, metavar="M",
                        help="start no file after M minutes (6; 0: no limit)")
    checks.add_argument("--build", type=Path, metavar="DIR",
                        help="a configured build (build/release)")
    for command in layout, checks:
        command.add_argument("root", type=Path, metavar="ROOT",
                             help="the top of the source tree")
    args = parser.parse_args()
    root = args.root.resolve()
    if args.command == "format":
        return check_format(root, args.fix)
    if args.all:
        names = [x for x in read_sources(root) if x.endswith(".cpp")]
    else:
        names = changed(root, args.commits)
    return check_tidy(root, names, args.build or root / "build/release", args.minutes)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as why:
        die(f"{' '.join(map(str, why.cmd[:4]))} ...: {why.stderr.strip()}")
