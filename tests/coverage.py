#!/usr/bin/env python3
"""Reports how much of the library the tests ran: lines and branches of each room.

usage: coverage.py [--least PERCENT] BUILD ROOT

BUILD is a build with TROUPE_COVERAGE=ON whose tests have run. The counts are gcov's, read
by gcovr; branches that the compiler makes for exceptions are left out. With --least, the
exit code is 1 when messages, backends or actors ran fewer lines than that. Exit code 2:
there is nothing to count.
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

JUDGED = ("messages", "backends", "actors")
ROOMS = (*JUDGED, "apps")


def count_files(build, root):
    """Returns a dictionary for each source: gcovr's counts of lines and branches."""
    command = ["gcovr", "--root", str(root), "--json-summary", "--exclude-throw-branches",
               "--exclude-unreachable-branches", "-j", "2",
               *(option for room in ROOMS
                 for option in ("--filter", f"{root}/{room}/")), str(build)]
    result = subprocess.run(command, text=True, capture_output=True)
    if result.returncode != 0:
        print(f"coverage: gcovr failed: {result.stderr.strip()[-2000:]}", file=sys.stderr)
        sys.exit(2)
    return json.loads(result.stdout)["files"]


def room_of(path):
    """Returns the folder below the top folder, or the top folder for its own files."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def row(name, counts):
    lines, branches = counts["line_total"], counts["branch_total"]
    return (f"{name:<24}{lines:>8}{percent(counts['line_covered'], lines):>8.1f} %"
            f"{branches:>10}{percent(counts['branch_covered'], branches):>8.1f} %")


def main():
    parser = argparse.ArgumentParser(
        description="Tells how much of the library the tests ran.")
    parser.add_argument("--least", type=float, default=0, metavar="PERCENT",
                        help="of the lines of " + ", ".join(JUDGED) + " (0)")
    parser.add_argument("build", type=Path, metavar="BUILD")
    parser.add_argument("root", type=Path, metavar="ROOT")
    args = parser.parse_args()
    by_room, by_top = {}, {}
    for file in count_files(args.build.resolve(), args.root.resolve()):
        counts = {key: value for key, value in file.items() if isinstance(value, int)}
        # A header may be counted under the link by which it was included.
        name = re.sub(r"^build/[^/]+/include/troupe/", "", file["filename"])
        by_room.setdefault(room_of(name), Counter()).update(counts)
        by_top.setdefault(name.split("/")[0], Counter()).update(counts)
    if not by_top:
        print(f"coverage: {args.build} has no counts; did its tests run?",
              file=sys.stderr)
        return 2
    print(f"{'room':<24}{'lines':>8}{'ran':>10}{'branches':>10}{'ran':>10}")
    for name in sorted(by_room):
        print(row(name, by_room[name]))
    print()
    for name in sorted(by_top):
        print(row(name, by_top[name]))
    low = [name for name in JUDGED
           if percent(by_top.get(name, Counter())["line_covered"],
                      by_top.get(name, Counter())["line_total"]) < args.least]
    if low:
        print(f"coverage: less than {args.least:g} % of the lines ran in "
              + ", ".join(low), file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
