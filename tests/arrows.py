#!/usr/bin/env python3
"""Checks that the house is built as its plan says.

    types <- core <- memory provider <- actors <- apps

The plan is arrows/table.py: which folder may include which, where CAF may be
included, how big a file and a folder may be. Besides, units (a header and its
source) and folders must not include each other in a circle, and installed
headers must depend on no macro that their includer may set: what such a header
says must be the same as when the library was built.

usage: arrows.py [--figures] [--plain FILE]... ROOT
       arrows.py --self-test

ROOT is the top of the source tree. Each --plain names a source of the part
that ThreadSanitizer judges (the plain tests are added by themselves): nothing
those include, directly or not, may know CAF. --figures prints how entangled
the tree is, and checks nothing.

Exit code: 0 when all is well, 1 when an include is not, 2 when there was
nothing to check or the call was wrong.
"""

import argparse
import os
import sys
from pathlib import Path

from arrows.figures import figures
from arrows.rules import check, check_table
from arrows.self_test import self_test
from arrows.tree import Tree


def main():
    parser = argparse.ArgumentParser(
        description="Checks that the house is built as its plan says.")
    parser.add_argument("--self-test", action="store_true",
                        help="prove that the check can fail")
    parser.add_argument("--figures", action="store_true",
                        help="print how entangled the tree is")
    parser.add_argument("--plain", action="append", default=[], metavar="FILE",
                        help="a source of the part without CAF")
    parser.add_argument("root", nargs="?", metavar="ROOT")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if args.root is None:
        parser.error("ROOT is missing")
    root = Path(args.root).resolve()
    tree = Tree(root)
    if not tree.lines:
        print(f"arrows: no sources under {args.root}", file=sys.stderr)
        return 2
    if args.figures:
        print(*figures(tree), sep="\n")
        return 0
    plain = [Path(os.path.relpath(Path(p), root)).as_posix() for p in args.plain]
    violations = [*check(tree, plain), *check_table(tree)]
    for violation in violations:
        print(violation)
    print(f"{len(tree.lines)} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
