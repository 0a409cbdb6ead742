"""The sources under a root: what each says to the preprocessor, and what it means."""

import os
import re
from pathlib import Path

from .table import FIXED_MACROS

LIBRARY_ROOMS = ("messages", "backends", "actors")
ROOMS = (*LIBRARY_ROOMS, "apps", "tests")
SUFFIXES = (".hpp", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
INCLUDER_MACRO = re.compile(r"\bNDEBUG\b|\bassert\s*\(|\b_GLIBCXX_\w+")


def room_of(path):
    """The top folder of a path relative to the root."""
    return path.split("/", 1)[0]


def directory_of(path):
    return os.path.dirname(path)


def folder_of(path):
    """The folder that a path counts to: detail/, and all in it, counts to the folder
    around it."""
    return re.sub(r"(^|/)detail(/.*)?$", "", directory_of(path))


def unit_of(path):
    """A header and its source are one unit."""
    return os.path.splitext(path)[0]


def is_private(path):
    """Private headers live in detail/ and are not installed."""
    return "detail" in Path(path).parts


def is_installed(path):
    return (room_of(path) in LIBRARY_ROOMS and path.endswith(".hpp")
            and not is_private(path))


class Include:
    """One include line. target is our file behind it, or None."""

    def __init__(self, line, name, quoted, target):
        self.line = line
        self.name = name
        self.quoted = quoted
        self.target = target

    @property
    def is_caf(self):
        return self.name.startswith("caf/")


class Tree:
    """The sources under a root, by their paths relative to it."""

    def __init__(self, root):
        self.root = Path(root)
        self.lines = {}  # path -> number of lines
        self.pragma = set()
        self.macros = {}  # path -> [(line, macro that an includer may set)]
        self.includes = {}  # path -> [Include]
        spelled = {}
        for room in ROOMS:
            for directory, _, names in sorted(os.walk(self.root / room)):
                for name in sorted(names):
                    if name.endswith(SUFFIXES):
                        path = Path(directory, name).relative_to(self.root).as_posix()
                        spelled[path] = self._read(path)
        for path, found in spelled.items():
            self.includes[path] = [
                Include(line, angled or quoted, bool(quoted),
                        self._resolve(path, angled, quoted))
                for line, angled, quoted in found]

    def files(self, rooms=ROOMS):
        return [path for path in self.lines if room_of(path) in rooms]

    def product(self):
        """The files of the library and the apps."""
        return self.files((*LIBRARY_ROOMS, "apps"))

    def _read(self, path):
        text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        self.lines[path] = len(text.splitlines())
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
        return found

    def _resolve(self, path, angled, quoted):
        """Our file behind an include, or None.

        A <troupe/...> name resolves whether or not the file exists."""
        name = angled or quoted
        if name == "troupe/troupe.hpp":
            return "actors/troupe.hpp"
        if name.startswith("troupe/"):
            return os.path.normpath(name[len("troupe/"):])
        candidates = [name, os.path.join("tests", name)]
        if quoted:
            candidates.insert(0, os.path.join(directory_of(path), name))
        for candidate in map(os.path.normpath, candidates):
            if candidate in self.lines:
                return candidate
        return None
