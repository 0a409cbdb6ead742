"""Proves that each rule can fail, and that a good tree passes."""

from . import table
from .figures import figures
from .rules import check, check_table
from .tree import LIBRARY_ROOMS, SUFFIXES, Tree, room_of

PLAIN = ["actors/regions/region.cpp"]


def header(*includes):
    return "#pragma once\n" + source(*includes)


def source(*includes):
    return "".join(f"#include {include}\n" for include in includes)


GOOD = {
    "messages/types/error.hpp": header("<tl/expected.hpp>"),
    "messages/types/text/glob.hpp": header("<troupe/messages/types/error.hpp>"),
    "messages/fields.hpp": header("<troupe/messages/types/error.hpp>"),
    "messages/requests/topics.hpp": header("<troupe/messages/fields.hpp>"),
    "messages/caf/signatures.hpp": header("<caf/typed_actor.hpp>",
                                          "<troupe/messages/requests/topics.hpp>"),
    "messages/interfaces.hpp": header("<troupe/messages/caf/signatures.hpp>"),
    "messages/caf/type_ids.cpp": source("<caf/actor_system_config.hpp>",
                                        "<troupe/messages/interfaces.hpp>"),
    "backends/core/lane.hpp": header("<troupe/messages/types/error.hpp>"),
    "backends/provider.hpp": header("<troupe/messages/types/error.hpp>"),
    "backends/memory/space/slab.hpp": header("<troupe/backends/core/lane.hpp>"),
    "backends/memory/space/chunk_pool.hpp": header(),
    "backends/memory/entries/entry.hpp": header("<troupe/backends/memory/space/slab.hpp>"),
    "backends/memory/index/index.hpp": header("<troupe/backends/memory/entries/entry.hpp>"),
    "backends/memory/limits/evictor.hpp": header("<troupe/backends/memory/index/index.hpp>"),
    "backends/memory/tags/registry.hpp": header("<troupe/backends/memory/limits/evictor.hpp>"),
    "backends/memory/table/detail/steps.hpp": header(),
    "backends/memory/table/table.hpp": header("<troupe/backends/memory/tags/registry.hpp>"),
    "backends/memory/table/table.cpp": source("<troupe/backends/memory/table/table.hpp>",
                                              "<troupe/backends/memory/table/detail/steps.hpp>"),
    "backends/memory/store/store.hpp": header("<troupe/backends/memory/table/table.hpp>"),
    "backends/memory/shards/shard.hpp": header("<troupe/backends/memory/store/store.hpp>",
                                               "<troupe/backends/provider.hpp>"),
    "backends/memory/memory_provider.hpp": header("<troupe/backends/memory/shards/shard.hpp>"),
    "actors/shell/lane_actor.hpp": header("<caf/local_actor.hpp>"),
    "actors/shell/detail/door.cpp": source("<caf/io/middleman.hpp>"),
    "actors/supervision/supervisor.hpp": header("<troupe/backends/core/lane.hpp>"),
    "actors/loads/load.hpp": header("<troupe/actors/supervision/supervisor.hpp>"),
    "actors/topics/topic.hpp": header("<troupe/actors/supervision/supervisor.hpp>"),
    "actors/regions/region.hpp": header("<troupe/backends/memory/memory_provider.hpp>",
                                        "<troupe/actors/loads/load.hpp>"),
    "actors/regions/region.cpp": source("<troupe/actors/regions/region.hpp>"),
    "actors/regions/region_actor.hpp": header("<caf/fwd.hpp>",
                                              "<troupe/actors/shell/lane_actor.hpp>",
                                              "<troupe/messages/interfaces.hpp>"),
    "actors/cache/handle.hpp": header("<troupe/actors/regions/region.hpp>"),
    "actors/cache.hpp": header("<troupe/actors/cache/handle.hpp>"),
    "actors/runtime.hpp": header("<troupe/actors/regions/region.hpp>"),
    "actors/detail/runtime.cpp": source("<troupe/actors/runtime.hpp>",
                                        "<troupe/actors/regions/region_actor.hpp>"),
    "actors/troupe.hpp": header("<troupe/actors/runtime.hpp>"),
    "apps/net/buffer.hpp": header("<troupe/messages/types/error.hpp>"),
    "apps/resp/parser.hpp": header('"apps/net/buffer.hpp"'),
    "apps/settings/options.hpp": header('"apps/resp/parser.hpp"'),
    "apps/server/state/server_state.hpp": header('"apps/settings/options.hpp"'),
    "apps/server/commands/get.hpp": header('"apps/server/state/server_state.hpp"'),
    "apps/server/commands/get.cpp": source('"apps/server/commands/get.hpp"'),
    "apps/server/main.cpp": source("<caf/actor_system.hpp>", "<troupe/troupe.hpp>",
                                   '"state/server_state.hpp"'),
    "apps/console/session.cpp": source("<troupe/troupe.hpp>"),
    "apps/bench/trace/engine.cpp": source("<troupe/backends/memory/table/table.hpp>"),
    "apps/examples/embed.cpp": source("<caf/actor_system.hpp>", "<troupe/troupe.hpp>"),
    "tests/catch.hpp": header(),
    "tests/backends/table.cpp": source('"catch.hpp"',
                                       "<troupe/backends/memory/table/table.hpp>"),
    "tests/actors/cache.cpp": source("<caf/scoped_actor.hpp>",
                                     "<troupe/backends/memory/shards/shard.hpp>",
                                     "<apps/server/state/server_state.hpp>"),
}

# What is appended to which file, and what must be said about it.
BAD_LINES = [
    # The arrows of the table, from the bottom of the house to its top.
    ("messages/types/error.hpp", "#include <troupe/messages/types/text/glob.hpp>",
     "messages/types must not include messages/types/text"),
    ("messages/types/error.hpp", "#include <troupe/messages/requests/topics.hpp>",
     "messages/types must not include messages/requests"),
    ("messages/types/text/glob.hpp", '#include "apps/net/buffer.hpp"',
     "messages/types/text must not include apps/net"),
    ("messages/fields.hpp", "#include <troupe/messages/requests/topics.hpp>",
     "messages must not include messages/requests"),
    ("messages/requests/topics.hpp", "#include <troupe/messages/caf/signatures.hpp>",
     "messages/requests must not include messages/caf"),
    ("messages/caf/signatures.hpp", "#include <troupe/messages/interfaces.hpp>",
     "messages/caf must not include messages/interfaces.*"),
    ("messages/interfaces.hpp", "#include <troupe/messages/caf/type_ids.hpp>",
     "messages/interfaces.* must not include messages/caf/type_ids.*"),
    ("messages/interfaces.hpp", "#include <troupe/backends/provider.hpp>",
     "messages/interfaces.* must not include backends"),
    ("messages/interfaces.hpp", "#include <troupe/troupe.hpp>",
     "messages/interfaces.* must not include actors"),
    ("backends/core/lane.hpp", "#include <troupe/backends/provider.hpp>",
     "backends/core must not include backends "),
    ("backends/core/lane.hpp", "#include <troupe/actors/shell/lane_actor.hpp>",
     "backends/core must not include actors/shell"),
    ("backends/provider.hpp", "#include <troupe/backends/memory/space/slab.hpp>",
     "backends must not include backends/memory/space"),
    ("backends/provider.hpp", "#include <troupe/backends/memory/memory_provider.hpp>",
     "backends must not include backends/memory"),
    ("backends/provider.hpp", "#include <troupe/messages/interfaces.hpp>",
     "backends must not include messages/interfaces"),
    ("backends/memory/space/slab.hpp", "#include <troupe/backends/memory/entries/entry.hpp>",
     "backends/memory/space must not include backends/memory/entries"),
    ("backends/memory/entries/entry.hpp", "#include <troupe/backends/memory/index/index.hpp>",
     "backends/memory/entries must not include backends/memory/index"),
    ("backends/memory/index/index.hpp", "#include <troupe/backends/memory/limits/evictor.hpp>",
     "backends/memory/index must not include backends/memory/limits"),
    ("backends/memory/limits/evictor.hpp", "#include <troupe/backends/memory/tags/registry.hpp>",
     "backends/memory/limits must not include backends/memory/tags"),
    ("backends/memory/tags/registry.hpp", "#include <troupe/backends/memory/table/table.hpp>",
     "backends/memory/tags must not include backends/memory/table"),
    ("backends/memory/table/table.cpp", "#include <troupe/backends/memory/store/store.hpp>",
     "backends/memory/table must not include backends/memory/store"),
    ("backends/memory/table/detail/steps.hpp",
     "  #  include <troupe/backends/memory/store/store.hpp>",
     "backends/memory/table must not include backends/memory/store"),
    ("backends/memory/table/detail/steps/first.hpp",
     "#include <troupe/backends/memory/store/store.hpp>",
     "backends/memory/table must not include backends/memory/store"),
    ("backends/memory/store/store.hpp", "#include <troupe/backends/memory/shards/shard.hpp>",
     "backends/memory/store must not include backends/memory/shards"),
    ("backends/memory/shards/shard.hpp",
     "#include <troupe/backends/memory/memory_provider.hpp>",
     "backends/memory/shards must not include backends/memory "),
    ("backends/memory/shards/shard.hpp", '#include "../../../actors/regions/region.hpp"',
     "backends/memory/shards must not include actors/regions"),
    ("actors/shell/lane_actor.hpp", "#include <troupe/actors/supervision/supervisor.hpp>",
     "actors/shell must not include actors/supervision"),
    ("actors/supervision/supervisor.hpp", "#include <troupe/actors/loads/load.hpp>",
     "actors/supervision must not include actors/loads"),
    ("actors/loads/load.hpp", "#include <troupe/actors/topics/topic.hpp>",
     "actors/loads must not include actors/topics"),
    ("actors/loads/load.hpp", "#include <troupe/actors/regions/region.hpp>",
     "actors/loads must not include actors/regions"),
    ("actors/loads/load.hpp", "#include <troupe/backends/memory/memory_provider.hpp>",
     "actors/loads must not include backends/memory"),
    ("actors/regions/region.hpp", "#include <troupe/actors/runtime.hpp>",
     "actors/regions must not include actors "),
    ("actors/regions/region.hpp", "#include <troupe/backends/memory/shards/shard.hpp>",
     "actors/regions must not include backends/memory/shards"),
    ("actors/regions/region.hpp", "#include <troupe/backends/memory/other.hpp>",
     "actors/regions must not include backends/memory "),
    ("actors/regions/region.hpp", "#include <troupe/actors/cache/handle.hpp>",
     "actors/regions must not include actors/cache"),
    ("actors/cache/handle.hpp", "#include <troupe/actors/cache.hpp>",
     "actors/cache must not include actors "),
    ("actors/cache/handle.hpp", "#include <troupe/backends/memory/memory_provider.hpp>",
     "actors/cache must not include backends/memory"),
    ("actors/detail/runtime.cpp", "#include <troupe/backends/memory/store/store.hpp>",
     "actors must not include backends/memory/store"),
    ("actors/troupe.hpp", "#include <apps/net/buffer.hpp>",
     "actors must not include apps/net"),
    ("apps/net/buffer.hpp", '#include "apps/resp/parser.hpp"',
     "apps/net must not include apps/resp"),
    ("apps/net/buffer.hpp", "#include <troupe/troupe.hpp>",
     "apps/net must not include actors"),
    ("apps/resp/parser.hpp", '#include "../settings/options.hpp"',
     "apps/resp must not include apps/settings"),
    ("apps/settings/options.hpp", '#include "apps/server/state/server_state.hpp"',
     "apps/settings must not include apps/server"),
    ("apps/server/commands/get.cpp", "#include <troupe/backends/memory/memory_provider.hpp>",
     "apps/server/commands must not include backends/memory"),
    ("apps/server/main.cpp", '#include "../../tests/catch.hpp"',
     "apps/server must not include tests"),
    ("apps/server/state/server_state.hpp", '#include "apps/server/commands/get.hpp"',
     "apps/server/state must not include apps/server/commands"),
    ("apps/console/session.cpp", '#include "apps/server/state/server_state.hpp"',
     "apps/console must not include apps/server"),
    ("apps/bench/trace/engine.cpp", '#include "apps/server/state/server_state.hpp"',
     "apps/bench/trace must not include apps/server"),
    ("apps/examples/embed.cpp", '#include "apps/net/buffer.hpp"',
     "apps/examples must not include apps/net"),
    ("backends/redis/pool.hpp", "#pragma once", "backends/redis has no row"),
    ("backends/provider.hpp", "#include <troupe/backends/redis/pool.hpp>",
     "backends must not include backends/redis"),
    # Sizes.
    ("apps/net/buffer.hpp", "\n" * table.HEADER_LINES, "a header has at most"),
    ("backends/memory/table/table.cpp", "\n" * table.SOURCE_LINES, "a source has at most"),
    # CAF.
    ("messages/types/error.hpp", "#include <caf/error.hpp>", "must not know CAF"),
    ("messages/requests/topics.hpp", "#include <caf/fwd.hpp>", "must not know CAF"),
    ("backends/memory/table/table.cpp", "#include <caf/actor.hpp>", "must not know CAF"),
    ("actors/topics/topic.hpp", "#include <caf/fwd.hpp>", "must not know CAF (caf/fwd"),
    ("apps/server/commands/get.cpp", "#include <caf/fwd.hpp>", "must not know CAF"),
    ("apps/server/main.cpp", "#include <caf/all.hpp>", "not all of it"),
    ("tests/actors/cache.cpp", '#include "caf/all.hpp"', "not all of it"),
    # The plain part.
    ("actors/regions/region.cpp", "#include <caf/actor.hpp>",
     "the plain part must not know CAF"),
    ("actors/regions/region.cpp", "#include <troupe/messages/interfaces.hpp>",
     "the plain part must not know CAF"),
    ("actors/regions/region.hpp", "#include <troupe/actors/regions/region_actor.hpp>",
     "reached by actors/regions/region_actor.hpp <- actors/regions/region.hpp"),
    ("tests/backends/table.cpp", "#include <troupe/actors/regions/region_actor.hpp>",
     "<- tests/backends/table.cpp"),
    # Headers.
    ("backends/memory/store/store.cpp", '#include "store.hpp"', "write <troupe/"),
    ("backends/memory/table/table.hpp",
     "#include <troupe/backends/memory/table/detail/steps.hpp>",
     "must not include a private one"),
    ("apps/server/other.hpp", "#include <vector>", "no #pragma once"),
    ("backends/provider.hpp", "#ifndef NDEBUG", "must not depend on NDEBUG"),
    ("backends/provider.hpp", "  assert(true);", "must not depend on assert"),
    ("backends/provider.hpp", "#if defined(__SANITIZE_ADDRESS__)",
     "must not depend on __SANITIZE_ADDRESS__"),
    ("messages/interfaces.hpp", "#  elif __has_feature(thread_sanitizer)",
     "must not depend on __has_feature"),
    ("actors/regions/region.hpp", "#ifdef TROUPE_CHECKS", "must not depend on TROUPE_CHECKS"),
]

# Files that are bad together, and what must be said about them.
BAD_FILES = [
    ({"backends/memory/index/a.hpp": header("<troupe/backends/memory/index/b.hpp>"),
      "backends/memory/index/b.hpp": header(),
      "backends/memory/index/b.cpp": source("<troupe/backends/memory/index/a.hpp>")},
     "a circle of units: backends/memory/index/a (backends/memory/index/a.hpp:2) -> "
     "backends/memory/index/b (backends/memory/index/b.cpp:1) -> backends/memory/index/a"),
    ({"apps/bench/detail/a.hpp": header('"apps/bench/b.hpp"'),
      "apps/bench/b.hpp": header('"apps/bench/c.hpp"'),
      "apps/bench/c.hpp": header('"apps/bench/detail/a.hpp"')},
     "a circle of units: apps/bench/b"),
    ({"apps/bench/a.hpp": header('"apps/bench/trace/b.hpp"'),
      "apps/bench/trace/b.hpp": header(),
      "apps/bench/trace/c.hpp": header('"apps/bench/d.hpp"'),
      "apps/bench/d.hpp": header()},
     "a circle of folders: apps/bench (apps/bench/a.hpp:2) -> apps/bench/trace"),
    ({f"apps/console/view_{i}.cpp": "" for i in range(table.FOLDER_FILES)},
     f"apps/console:1: {table.FOLDER_FILES + 1} files"),
]

COMMENTS = """\
// #include <caf/actor.hpp>
// assert(true) // #ifdef NDEBUG
static_assert(true);
/*
#include <caf/actor.hpp>
*/
"""


def everything_allowed():
    """GOOD, and a file in each folder of the table that includes all that it may."""
    def file_of(name):
        if name.endswith(".*"):
            return name.replace(".*", ".hpp")
        return name if name.endswith(SUFFIXES) else name.removesuffix("/**") + "/room.hpp"

    def spelled(path):
        return f"<troupe/{path}>" if room_of(path) in LIBRARY_ROOMS else f'"{path}"'

    tree = GOOD | {file_of(row): header() for row in table.ARROWS}
    for row, allowed in table.ARROWS.items():
        tree[file_of(row)] += source(*(spelled(file_of(name)) for name in allowed
                                       if file_of(name) in tree))
    for includer, target, _ in table.EXCEPTIONS:
        tree.setdefault(target, header())
        includer = file_of(includer)
        tree[includer] = tree.get(includer, "") + source(spelled(target))
    return tree


class SelfTest:
    """Counts what is not as it must be, and says it."""

    def __init__(self):
        self.mistakes = 0

    def expect(self, is_well, what, found):
        if not is_well:
            self.mistakes += 1
            print(what, *found, sep="\n  ")

    def expect_good(self, what, files):
        found = list(check(Tree(files), PLAIN))
        self.expect(not found, f"{what} was refused:", found)

    def expect_bad(self, what, files, expected,
                   rule=lambda tree: check(tree, PLAIN)):
        found = list(rule(Tree(files)))
        self.expect(any(expected in text for text in found), f"not found: {what}", found)

    def good_trees(self):
        self.expect_good("a good tree", GOOD)
        self.expect_good("a tree with all that the table allows",
                         everything_allowed())
        commented = dict(GOOD)
        commented["backends/provider.hpp"] += COMMENTS
        self.expect_good("a comment", commented)

    def bad_trees(self):
        for path, line, expected in BAD_LINES:
            files = GOOD | {path: GOOD.get(path, "") + line + "\n"}
            self.expect_bad(f"{path} with {line.strip()}", files, expected)
        for files, expected in BAD_FILES:
            self.expect_bad(expected, GOOD | files, expected)
        self.expect_bad("a source that is listed, but not there",
                        {x: GOOD[x] for x in GOOD if x not in PLAIN},
                        "no such source, but listed as plain")

    def stale_tables(self):
        files = everything_allowed()
        stale = list(check_table(Tree(files)))
        self.expect(not any(" row " in x or " exception " in x for x in stale),
                    "a table was called stale:", stale)
        self.expect_bad("a row without a folder",
                        {x: files[x] for x in files if not x.startswith("apps/net/")},
                        "the row of apps/net", check_table)
        self.expect_bad("a place for CAF without CAF",
                        files | {"messages/caf/signatures.hpp": header(),
                                 "messages/caf/type_ids.cpp": source()},
                        "messages/caf/* among the files", check_table)
        for includer, target, _ in table.EXCEPTIONS:
            self.expect_bad(f"an exception for {target} that nothing needs", GOOD,
                            f"the exception of {includer} for {target}", check_table)

    def numbers(self):
        files = GOOD | BAD_FILES[0][0] | {
            "apps/net/long.hpp": header() + "\n" * 1000,
            "apps/net/short.cpp": source('"apps/net/long.hpp"')}
        found = list(figures(Tree(files)))
        for expected in ("unit circles: 1", "folder circles: 0",
                         "1001 lines in 1 headers, apps/net/short.cpp",
                         "files that include CAF: 7, where they may not: 0"):
            self.expect(any(expected in text for text in found),
                        f"not among the figures: {expected}", found)


def self_test():
    test = SelfTest()
    test.good_trees()
    test.bad_trees()
    test.stale_tables()
    test.numbers()
    print(f"{len(BAD_LINES) + len(BAD_FILES)} violations tried, "
          f"{test.mistakes} mistakes")
    return 1 if test.mistakes else 0
