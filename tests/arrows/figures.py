"""How entangled the library and the apps are, in a few numbers."""

from collections import Counter

from .graph import circles, edges_between, reachable
from .rules import may_include_caf, place_of
from .tree import directory_of, folder_of, unit_of

SMALL_SOURCE_LINES = 60


def closures(tree):
    """(lines, headers, path) of what each small source includes of ours."""
    edges = edges_between(tree, lambda path: path)
    for path in tree.product():
        if path.endswith(".cpp") and tree.lines[path] < SMALL_SOURCE_LINES:
            headers = reachable(edges, path)
            yield sum(tree.lines[x] for x in headers), len(headers), path


def figures(tree):
    """The figures as lines of text."""
    for kind, name_of in ("unit", unit_of), ("folder", place_of):
        groups = circles(edges_between(tree, name_of))
        yield f"{kind} circles: {len(groups)}"
        yield from (f"  {' '.join(group)}" for group in groups)
    lines, headers, path = max(closures(tree), default=(0, 0, "none"))
    yield (f"biggest closure of a source under {SMALL_SOURCE_LINES} lines: "
           f"{lines} lines in {headers} headers, {path}")
    yield "files per folder (the five biggest):"
    files = Counter(map(directory_of, tree.product()))
    yield from (f"  {count} {folder}" for folder, count in files.most_common(5))
    caf = [path for path in tree.product()
           if any(include.is_caf for include in tree.includes[path])]
    outside = [path for path in caf if not may_include_caf(path)]
    yield f"files that include CAF: {len(caf)}, where they may not: {len(outside)}"
    yield from (f"  {count} {folder}"
                for folder, count in sorted(Counter(map(folder_of, caf)).items()))
