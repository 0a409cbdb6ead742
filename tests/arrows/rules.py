"""The rules. Each yields its violations as "path:line: what is wrong"."""

from collections import Counter
from fnmatch import fnmatchcase

from . import table
from .graph import circles, edges_between, path_between
from .tree import (LIBRARY_ROOMS, directory_of, folder_of, is_installed, is_private,
                   room_of, unit_of)


def place_of(path):
    """What a file is part of: its folder, or its unit if that has a row of its own."""
    unit = unit_of(path) + ".*"
    return unit if unit in table.ARROWS else folder_of(path)


def row_of(path):
    """The name of a file's row in the table, or None: that of its place, or of the
    next folder around it that has one with /**."""
    parts = folder_of(path).split("/")
    around = ["/".join(parts[:n]) + "/**" for n in range(len(parts), 0, -1)]
    return next((x for x in (place_of(path), *around) if x in table.ARROWS), None)


def covers(name, path):
    """Whether a name of the table (a place, a folder/**, a file) means a path."""
    if name.endswith("/**"):
        return f"{folder_of(path)}/".startswith(name[:-2])
    return name in (path, place_of(path))


def exception_for(path, target):
    """The exception that allows a file an include, or None."""
    return next((x for x in table.EXCEPTIONS
                 if covers(x[0], path) and x[1] == target), None)


def is_allowed(path, target):
    """Whether the table's rows, without its exceptions, allow an include."""
    row = row_of(path)
    return any(covers(name, target) for name in (row, *table.ARROWS[row]))


def check_arrows(tree):
    """Includes follow the table."""
    for path, includes in tree.includes.items():
        if row_of(path) is None:
            yield f"{path}:1: {place_of(path)} has no row in tests/arrows/table.py"
            continue
        for include in includes:
            target = include.target
            if (target and not is_allowed(path, target)
                    and not exception_for(path, target)):
                yield (f"{path}:{include.line}: {place_of(path)} must not include "
                       f"{place_of(target)} ({include.name})")


def check_circles(tree):
    """Neither units nor folders include each other in a circle."""
    for kind, name_of in ("units", unit_of), ("folders", place_of):
        edges = edges_between(tree, name_of)
        for group in circles(edges):
            circle = min((path_between(edges, name, name) for name in group), key=len)
            steps = [f"{a} ({edges[a][b]})" for a, b in zip(circle, circle[1:])]
            rest = len(group) - len(steps)
            more = f", and {rest} more {kind} around it" if rest else ""
            yield (f"{edges[circle[0]][circle[1]]}: a circle of {kind}: "
                   f"{' -> '.join([*steps, circle[-1]])}{more}")


def check_sizes(tree):
    """Files and folders of the library and the apps stay readable."""
    for path in tree.product():
        kind, limit = (("header", table.HEADER_LINES) if path.endswith(".hpp")
                       else ("source", table.SOURCE_LINES))
        if tree.lines[path] > limit:
            yield (f"{path}:{limit + 1}: {tree.lines[path]} lines; "
                   f"a {kind} has at most {limit}")
    files = Counter(map(directory_of, tree.product()))
    for directory, count in sorted(files.items()):
        if count > table.FOLDER_FILES:
            yield (f"{directory}:1: {count} files; a folder has at most "
                   f"{table.FOLDER_FILES}")


def may_include_caf(path):
    return any(fnmatchcase(path, pattern) for pattern, _ in table.CAF)


def check_caf(tree):
    """CAF is spelled in few places, and never all of it."""
    for path, includes in tree.includes.items():
        caf = [include for include in includes if include.is_caf]
        if caf and not may_include_caf(path):
            yield (f"{path}:{caf[0].line}: this file must not know CAF "
                   f"({', '.join(include.name for include in caf)})")
        for include in caf:
            if include.name == "caf/all.hpp":
                yield (f"{path}:{include.line}: include what you use of CAF, "
                       "not all of it")


def check_headers(tree):
    """What a header, or an include, must look like by itself."""
    for path, includes in tree.includes.items():
        if path.endswith(".hpp") and path not in tree.pragma:
            yield f"{path}:1: no #pragma once"
        if is_installed(path):
            for line, macro in tree.macros[path]:
                yield (f"{path}:{line}: an installed header must not depend on "
                       f"{macro}, which its includer may set")
        for include in includes:
            if include.target is None:
                continue
            if room_of(path) in LIBRARY_ROOMS and include.quoted:
                yield (f"{path}:{include.line}: write <troupe/{include.target}>, "
                       f"not \"{include.name}\"")
            if is_installed(path) and is_private(include.target):
                yield (f"{path}:{include.line}: an installed header must not include "
                       f"a private one ({include.name})")


def needs_caf(include):
    """Whether an include is CAF itself or a folder that is built with it."""
    return include.is_caf or (include.target and room_of(include.target) == "messages"
                              and folder_of(include.target) not in table.VOCABULARY)


def check_plain(tree, plain):
    """What the plain part reaches, over any number of includes, knows no CAF."""
    for path in plain:
        if path not in tree.lines:
            yield f"{path}:1: no such source, but listed as plain"
    roots = [*plain, *(unit_of(path) + ".hpp" for path in plain)]
    roots += [path for path in tree.lines
              if path.startswith(tuple(x + "/" for x in table.PLAIN_TESTS))]
    came_from = {path: None for path in roots if path in tree.lines}
    queue = list(came_from)
    while queue:
        path = queue.pop(0)
        for include in tree.includes[path]:
            if needs_caf(include):
                chain, at = [], path
                while at is not None:
                    chain.append(at)
                    at = came_from[at]
                yield (f"{path}:{include.line}: the plain part must not know CAF "
                       f"({include.name}); reached by {' <- '.join(chain)}")
            elif include.target in tree.lines and include.target not in came_from:
                came_from[include.target] = path
                queue.append(include.target)


def check(tree, plain):
    """All violations in a tree, rule by rule."""
    for rule in (check_arrows, check_circles, check_sizes, check_caf, check_headers):
        yield from rule(tree)
    yield from check_plain(tree, plain)


def check_table(tree):
    """What the table says and the tree does not need."""
    def stale(what):
        return f"tests/arrows/table.py:1: no file needs {what}"

    rows = set(map(row_of, tree.lines))
    for row in table.ARROWS:
        if row not in rows:
            yield stale(f"the row of {row}")
    used = {exception_for(path, include.target)
            for path, includes in tree.includes.items() if row_of(path)
            for include in includes
            if include.target and not is_allowed(path, include.target)}
    for exception in table.EXCEPTIONS:
        if exception not in used:
            yield stale(f"the exception of {exception[0]} for {exception[1]}")
    caf = [path for path, includes in tree.includes.items()
           if any(include.is_caf for include in includes)]
    for pattern, _ in table.CAF:
        if not any(fnmatchcase(path, pattern) for path in caf):
            yield stale(f"{pattern} among the files that may include CAF")
