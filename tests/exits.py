#!/usr/bin/env python3
"""Starts programs with a static runtime, and looks at how they end.

usage: exits.py SCENES [TIMES]

SCENES is built from tests/exits/. Each scene runs TIMES times (3).
Exit code: 0 when all ended well: in time, with exit code 0, and with nothing
else on stdout and stderr than was expected.
"""

import glob
import os
import subprocess
import sys
import tempfile

PATIENCE = 120  # Seconds for a program that takes less than one.

# The scene, what stdout is to contain in this order, and stderr.
SCENES = [
    ("nothing", [], ""),
    ("open", ["main ends"], ""),
    ("early-handle", ["main ends", "early: shutting_down"], ""),
    ("late-handle", ["main ends", "late: v"], ""),
    ("two-runtimes", ["main ends", "early: shutting_down"], ""),
    ("load-in-flight", ["main ends"], ""),
    ("stuck-loader", ["main ends"], "stuck at the end: load texts/slow"),
    ("messages", ["main ends"], ""),
    ("published", ["main ends"], ""),
    ("busy-threads", ["main ends"], ""),
    ("drained", ["main ends", "drained: 0 stuck"], ""),
    ("exit-in-main", [], ""),
    ("exit-in-thread", [], ""),
    ("exit-in-loader", [], "stuck at the end: load texts/slow"),
]


def run(command, scene, said, complaint, folder):
    """One program; what was wrong with its end, or None."""
    environment = dict(os.environ, TROUPE_SCENE=scene, XDG_RUNTIME_DIR=folder)
    try:
        ended = subprocess.run(command, env=environment, capture_output=True,
                               text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"did not end within {PATIENCE} s"
    if ended.returncode != 0:
        return f"exit code {ended.returncode}, stderr: {ended.stderr}"
    if ended.stdout.splitlines() != said:
        return f"said {ended.stdout!r}"
    lines = ended.stderr.splitlines()
    if complaint:
        if len(lines) != 1 or complaint not in lines[0]:
            return f"complained {ended.stderr!r}"
    elif lines:
        return f"complained {ended.stderr!r}"
    left = glob.glob(os.path.join(folder, "*", "*"))
    if left:
        return f"left {left} behind"
    return None


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    times = int(sys.argv[2]) if len(sys.argv) == 3 else 3
    failed = 0
    # Of the console's sockets.
    folder = tempfile.TemporaryDirectory(prefix="troupe-test-")
    for name, said, complaint in SCENES:
        for _ in range(times):
            wrong = run(sys.argv[1], name, said, complaint, folder.name)
            if wrong:
                failed += 1
                print(f"FAILED: {name}: {wrong}", flush=True)
                break
        else:
            print(f"ok: {name}", flush=True)
    folder.cleanup()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
