#!/usr/bin/env python3
"""Checks that a program's flags do not change how Troupe's types lie in memory.

usage: layouts.py COMPILER INCLUDE_DIR

Has the compiler (GCC or Clang) print the layout of every class that the headers
under INCLUDE_DIR/troupe define or use, once as it is and once with each flag
that a program may be built with and an installation was not, all at once.
They must be the same: size, alignment, bases, virtual functions, and (Clang)
the place of each member.

Exit code: 0 when they are, 1 when one differs, 2 when the compiler failed.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What an outside program may say otherwise. (_GLIBCXX_DEBUG makes other types of
# the standard library's, so nothing compiled without it can be linked.)
OTHER = ["-fsanitize=address", "-O0", "-g", "-DNDEBUG", "-D_GLIBCXX_ASSERTIONS"]
# A sanitizer that excludes the one above.
THREAD = ["-fsanitize=thread", "-O2"]


def is_clang(compiler):
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return "clang" in said.stdout


def dump(compiler, clang, include, flags, directory):
    """The compiler's own words on all classes, as one text."""
    source = Path(directory, "headers.cpp")
    headers = sorted(p.relative_to(include).as_posix()
                     for p in Path(include, "troupe").rglob("*.hpp"))
    source.write_text("".join(f"#include <{x}>\n" for x in headers))
    command = [compiler, "-std=c++20", f"-I{include}", *flags]
    if clang:
        command += ["-fsyntax-only", "-Xclang", "-fdump-record-layouts"]
    else:
        command += ["-S", "-o", "/dev/null", "-fdump-lang-class=classes.txt"]
    said = subprocess.run([*command, source], capture_output=True, text=True,
                          cwd=directory)
    if said.returncode != 0:
        print(f"layouts: {' '.join(command)} failed:\n{said.stderr}", file=sys.stderr)
        sys.exit(2)
    return said.stdout if clang else Path(directory, "classes.txt").read_text()


def layouts(text):
    """Of each class in namespace troupe, what is said about it."""
    found = {}
    for block in text.replace("*** Dumping", "\n\n*** Dumping").split("\n\n"):
        lines = [x for x in block.splitlines() if x and not x.startswith("***")]
        if not lines:
            continue
        head = lines[0].split("|", 1)[-1].strip()
        if "troupe::" not in head:
            continue
        # GCC names trees by their address.
        rows = [x.split(" (0x")[0] for x in lines]
        found[head.split(" (0x")[0]] = "\n".join(rows)
    return found


def is_ours(head):
    """Whether a class is Troupe's own, not a template of another library."""
    return re.sub(r"^(class|struct|union)\s+", "", head, flags=re.I).startswith("troupe::")


def compared(plain, other):
    """The classes that must be equal. A template of the standard library may be used in
    one variant only, for example by an assertion; Troupe's own classes are in both."""
    either = plain.keys() | other.keys()
    return sorted(x for x in either if is_ours(x) or (x in plain and x in other))


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    compiler, include = sys.argv[1], sys.argv[2]
    clang = is_clang(compiler)
    # The layouts that Clang prints include the place of each member; there, an
    # other instrumentation costs little more.
    variants = [OTHER, THREAD] if clang else [OTHER]
    different = 0
    with tempfile.TemporaryDirectory() as directory:
        plain = layouts(dump(compiler, clang, include, ["-O2"], directory))
        if len(plain) < 100:
            print(f"layouts: only {len(plain)} classes seen; the compiler's "
                  "output is not understood", file=sys.stderr)
            return 2
        for flags in variants:
            other = layouts(dump(compiler, clang, include, flags, directory))
            for name in compared(plain, other):
                if plain.get(name) != other.get(name):
                    different += 1
                    print(f"{name} differs with {' '.join(flags)}:\n"
                          f"{plain.get(name)}\n-- and --\n{other.get(name)}")
    print(f"{len(plain)} classes, {different} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
