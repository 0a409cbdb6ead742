#!/usr/bin/env python3
"""Checks that includes follow the arrows of the house.

    apps -> actors -> {messages, backends} -> messages/types

Checks also that installed headers depend on no macro that their includer may
set: what such a header says must be the same as when the library was built.

usage: arrows.py [--plain FILE]... ROOT
       arrows.py --self-test

ROOT is the top of the source tree. Each --plain names a source of the part
that ThreadSanitizer judges (the plain tests are added by themselves): nothing
those include, directly or not, may know CAF.

Exit code: 0 when all is well, 1 when an include is not, 2 when there was
nothing to check or the call was wrong.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

ROOMS = ("messages", "backends", "actors", "apps", "tests")
SUFFIXES = (".hpp", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')

# Which of our rooms each room may include, and whether it may know CAF.
# "types" is the vocabulary in messages/types.
ALLOWED = {
    "types": ({"types"}, False),
    "messages": ({"types", "messages"}, True),
    "backends": ({"types", "backends"}, False),
    "actors": ({"types", "messages", "backends", "actors"}, True),
    "apps": ({"types", "messages", "backends", "actors", "apps"}, True),
    "tests": ({"types", "messages", "backends", "actors", "apps", "tests"}, True),
}
LIBRARY_ROOMS = ("types", "messages", "backends", "actors")

# What an installed header may ask the preprocessor. The first two come from the
# library's own targets (cmake/sanitizers.cmake). SSE2 is part of x86-64, and
# the code without it has the same result. The last two ask for a builtin of the
# compiler that clears padding.
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
INCLUDER_MACRO = re.compile(r"\bNDEBUG\b|\bassert\s*\(|\b_GLIBCXX_\w+")
FIXED_MACROS = {
    "defined",
    "TROUPE_THREAD_SANITIZER", "TROUPE_ADDRESS_SANITIZER",
    "__SSE2__", "TROUPE_BUCKET_SSE2",
    "__has_builtin", "__builtin_clear_padding",
}
PLAIN_TESTS = ("messages/types", "backends", "actors/plain", "histories")


def room_of(path):
    """The room of a path relative to the root."""
    parts = Path(path).parts
    if parts[:2] == ("messages", "types"):
        return "types"
    return parts[0]


def is_private(path):
    """Private headers live in detail/ and are not installed."""
    return "detail" in Path(path).parts


class Tree:
    """The sources under a root, with their includes."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = {}  # path relative to the root -> [(line, include)]
        self.pragma = set()
        self.macros = {}  # path -> [(line, macro that an includer may set)]
        for room in ROOMS:
            for directory, _, names in os.walk(self.root / room):
                for name in sorted(names):
                    if name.endswith(SUFFIXES):
                        path = Path(directory, name).relative_to(self.root)
                        self.read(path.as_posix())

    def read(self, path):
        text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        # Comments go, their line breaks stay.
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text,
                      flags=re.DOTALL)
        found = []
        macros = self.macros[path] = []
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            condition = CONDITION.match(code)
            if condition:
                macros += [(number, word)
                           for word in re.findall(r"[A-Za-z_]\w*", condition.group(1))
                           if word not in FIXED_MACROS]
            elif INCLUDER_MACRO.search(code) and "static_assert" not in code:
                macros.append((number, INCLUDER_MACRO.search(code).group()))
            if re.match(r"\s*#\s*pragma\s+once\b", line):
                self.pragma.add(path)
            match = INCLUDE.match(line)
            if match:
                found.append((number, match.group(1), match.group(2)))
        self.files[path] = found

    def resolve(self, path, angled, quoted):
        """Our file behind an include, as a path relative to the root, or None.

        A <troupe/...> name resolves whether or not the file exists."""
        name = angled or quoted
        if name == "troupe/troupe.hpp":
            return "actors/troupe.hpp"
        if name.startswith("troupe/"):
            return os.path.normpath(name[len("troupe/"):])
        candidates = [name, os.path.join("tests", name)]
        if quoted:
            candidates.insert(0, os.path.join(os.path.dirname(path), name))
        for candidate in map(os.path.normpath, candidates):
            if candidate in self.files:
                return candidate
        return None


def knows_caf(angled, quoted, target):
    """Whether an include is CAF itself or a room that builds on it."""
    name = angled or quoted
    return name.startswith("caf/") or (target and room_of(target) == "messages")


def check_files(tree):
    """What each file says by itself."""
    for path, includes in tree.files.items():
        room = room_of(path)
        rooms, caf = ALLOWED[room]
        if path.endswith(".hpp") and path not in tree.pragma:
            yield f"{path}:1: no #pragma once"
        if room in LIBRARY_ROOMS and path.endswith(".hpp") and not is_private(path):
            for line, macro in tree.macros[path]:
                yield (f"{path}:{line}: an installed header must not depend on "
                       f"{macro}, which its includer may set")
        for line, angled, quoted in includes:
            name = angled or quoted
            target = tree.resolve(path, angled, quoted)
            if name == "caf/all.hpp":
                yield f"{path}:{line}: include what you use of CAF, not all of it"
            elif name.startswith("caf/") and not caf:
                yield f"{path}:{line}: {room} must not know CAF ({name})"
            if target is None:
                continue
            other = room_of(target)
            if other not in rooms:
                yield f"{path}:{line}: {room} must not include {other} ({name})"
            if room in LIBRARY_ROOMS and quoted:
                yield f"{path}:{line}: write <troupe/{target}>, not \"{quoted}\""
            if (room in LIBRARY_ROOMS and path.endswith(".hpp")
                    and not is_private(path) and is_private(target)):
                yield (f"{path}:{line}: an installed header must not include a "
                       f"private one ({name})")


def check_plain(tree, plain):
    """What the plain part reaches, over any number of includes."""
    roots = list(plain)
    roots += [p[:-len(".cpp")] + ".hpp" for p in plain if p.endswith(".cpp")]
    for path in tree.files:
        inside = path[len("tests/"):] if path.startswith("tests/") else ""
        if inside.startswith(tuple(d + "/" for d in PLAIN_TESTS)):
            roots.append(path)
    came_from = {path: None for path in roots if path in tree.files}
    queue = list(came_from)
    while queue:
        path = queue.pop(0)
        for line, angled, quoted in tree.files[path]:
            target = tree.resolve(path, angled, quoted)
            if knows_caf(angled, quoted, target):
                chain, at = [], path
                while at is not None:
                    chain.append(at)
                    at = came_from[at]
                yield (f"{path}:{line}: the plain part must not know CAF "
                       f"({angled or quoted}); reached by {' <- '.join(chain)}")
            elif target in tree.files and target not in came_from:
                came_from[target] = path
                queue.append(target)


def check(root, plain):
    """All violations under a root, in the order of the files."""
    tree = Tree(root)
    for path in plain:
        if path not in tree.files:
            yield f"{path}:1: no such source, but listed as plain"
    yield from check_files(tree)
    yield from check_plain(tree, plain)


def self_test():
    """Proves that each rule can fail, and that a good tree passes."""
    good = {
        "messages/types/error.hpp": "#pragma once\n#include <tl/expected.hpp>\n",
        "messages/requests.hpp": "#pragma once\n#include <caf/atom.hpp>\n"
                                 "#include <troupe/messages/types/error.hpp>\n",
        "backends/detail/slab.hpp": "#pragma once\n",
        "backends/table.hpp": "#pragma once\n"
                              "#include <troupe/messages/types/error.hpp>\n",
        "backends/table.cpp": "#include <troupe/backends/table.hpp>\n"
                              "#include <troupe/backends/detail/slab.hpp>\n",
        "actors/regions/region.hpp": "#pragma once\n#include <troupe/backends/table.hpp>\n",
        "actors/regions/region.cpp": "#include <troupe/actors/regions/region.hpp>\n",
        "actors/regions/shard_actor.hpp": "#pragma once\n"
                                  "#include <caf/typed_actor.hpp>\n"
                                  "#include <troupe/messages/requests.hpp>\n",
        "actors/regions/shard_actor.cpp": "#include <troupe/actors/regions/shard_actor.hpp>\n",
        "actors/troupe.hpp": "#pragma once\n"
                             "#include <troupe/actors/regions/shard_actor.hpp>\n",
        "apps/server/main.cpp": '#include <troupe/troupe.hpp>\n#include "listener.hpp"\n',
        "apps/server/listener.hpp": "#pragma once\n",
        "tests/catch.hpp": "#pragma once\n",
        "tests/backends/table.cpp": '#include "catch.hpp"\n'
                                    "#include <troupe/backends/table.hpp>\n",
        "tests/actors/shard_actor.cpp": "#include <troupe/actors/regions/shard_actor.hpp>\n",
    }
    plain = ["actors/regions/region.cpp"]
    # What is appended to which file, and what must be said about it.
    bad = [
        ("messages/types/error.hpp", "#include <caf/error.hpp>", "must not know CAF"),
        ("messages/types/error.hpp", "#include <troupe/messages/requests.hpp>",
         "types must not include messages"),
        ("messages/types/error.hpp", "#include <troupe/backends/table.hpp>",
         "types must not include backends"),
        ("messages/requests.hpp", "#include <troupe/backends/table.hpp>",
         "messages must not include backends"),
        ("messages/requests.hpp", "#include <troupe/troupe.hpp>",
         "messages must not include actors"),
        ("backends/table.cpp", "#include <caf/actor.hpp>", "must not know CAF"),
        ("backends/table.cpp", "  #  include <troupe/messages/requests.hpp>",
         "backends must not include messages"),
        ("backends/table.cpp", "#include <troupe/actors/regions/region.hpp>",
         "backends must not include actors"),
        ("backends/table.cpp", '#include "../actors/region.hpp"',
         "backends must not include actors"),
        ("backends/table.cpp", '#include "table.hpp"', "write <troupe/"),
        ("backends/table.hpp", "#include <troupe/backends/detail/slab.hpp>",
         "must not include a private one"),
        ("actors/regions/shard_actor.cpp", "#include <apps/server/listener.hpp>",
         "actors must not include apps"),
        ("actors/regions/region.cpp", "#include <caf/actor.hpp>",
         "the plain part must not know CAF"),
        ("actors/regions/region.cpp", "#include <troupe/messages/requests.hpp>",
         "the plain part must not know CAF"),
        ("actors/regions/region.hpp", "#include <troupe/actors/regions/shard_actor.hpp>",
         "reached by actors/regions/shard_actor.hpp <- actors/region"),
        ("tests/backends/table.cpp", "#include <troupe/troupe.hpp>",
         "<- tests/backends/table.cpp"),
        ("apps/server/main.cpp", '#include "../../tests/catch.hpp"',
         "apps must not include tests"),
        ("apps/server/main.cpp", "#include <caf/all.hpp>", "not all of it"),
        ("tests/actors/shard_actor.cpp", '#include "caf/all.hpp"', "not all of it"),
        ("apps/server/other.hpp", "#include <vector>", "no #pragma once"),
        ("backends/table.hpp", "#ifndef NDEBUG", "must not depend on NDEBUG"),
        ("backends/table.hpp", "  assert(true);", "must not depend on assert"),
        ("backends/table.hpp", "#if defined(__SANITIZE_ADDRESS__)",
         "must not depend on __SANITIZE_ADDRESS__"),
        ("messages/requests.hpp", "#  elif __has_feature(thread_sanitizer)",
         "must not depend on __has_feature"),
        ("actors/regions/region.hpp", "#ifdef TROUPE_CHECKS", "must not depend on TROUPE_CHECKS"),
    ]
    failures = 0

    def run(tree):
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return list(check(root, plain))

    found = run(good)
    if found:
        failures += 1
        print("a good tree was refused:", *found, sep="\n  ")
    for path, line, expected in bad:
        tree = dict(good)
        tree[path] = tree.get(path, "") + line + "\n"
        found = run(tree)
        if not any(expected in text for text in found):
            failures += 1
            print(f"not found: {path} with {line}", *found, sep="\n  ")
    commented = dict(good)
    commented["backends/table.hpp"] += ("// #include <caf/actor.hpp>\n"
                                        "// assert(true) // #ifdef NDEBUG\n"
                                        "static_assert(true);\n"
                                        "/*\n#include <caf/actor.hpp>\n*/\n")
    found = run(commented)
    if found:
        failures += 1
        print("a comment was taken for an include:", *found, sep="\n  ")
    print(f"{len(bad)} violations tried, {failures} mistakes")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(
        description="Checks that includes follow the arrows of the house.")
    parser.add_argument("--self-test", action="store_true",
                        help="prove that the check can fail")
    parser.add_argument("--plain", action="append", default=[], metavar="FILE",
                        help="a source of the part without CAF")
    parser.add_argument("root", nargs="?", metavar="ROOT")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if args.root is None:
        parser.error("ROOT is missing")
    root = Path(args.root).resolve()
    plain = [Path(os.path.relpath(Path(p), root)).as_posix() for p in args.plain]
    count = len(Tree(root).files)
    if count == 0:
        print(f"arrows: no sources under {args.root}", file=sys.stderr)
        return 2
    violations = list(check(root, plain))
    for violation in violations:
        print(violation)
    print(f"{count} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
