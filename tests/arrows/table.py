"""The rules as data: a new folder, an exception or a limit is an edit here.

A row of ARROWS says what a place may include besides itself. A place is a folder
with its detail/ and all in it. A name that ends with /** stands for the folder and
all below it. A name that ends with .* is a unit, a header and its source: a place
of its own, apart from its folder. A row's list may also name a single header.
"""


def tower(folder, rooms, ground):
    """Rows for the rooms of a folder and, on top of them, for the folder itself.

    Each may include the ground and what is below it in the tower."""
    names = [f"{folder}/{room}" for room in rooms] + [folder]
    return {name: ground + names[:i] for i, name in enumerate(names)}


VOCABULARY = ["messages/types", "messages/types/text", "messages/types/metrics",
              "messages/types/settings", "messages/types/events"]
# "backends" itself holds the contract that every provider implements.
CONTRACT = [*VOCABULARY, "backends/core", "backends"]
SHELL = [*CONTRACT, "messages/**", "actors/shell"]
# What a coordinator actor stands on, and those that there are.
GROUND = [*SHELL, "actors/supervision", "actors/services"]
SERVICES = ["actors/loads/breakers", "actors/loads", "actors/topics"]
REGIONS = [*GROUND, *SERVICES, "actors/gate", "actors/regions"]
LIBRARY = [*REGIONS, "actors/cache", "actors"]
WIRE = ["apps/net", "apps/resp", "apps/settings"]

ARROWS = {
    "messages/types": [],
    "messages/types/text": ["messages/types"],
    "messages/types/metrics": ["messages/types"],
    "messages/types/settings": ["messages/types", "messages/types/text"],
    "messages/types/events": ["messages/types", "messages/types/text"],
    "messages": VOCABULARY,
    "messages/requests": [*VOCABULARY, "messages"],
    "messages/caf": [*VOCABULARY, "messages", "messages/requests"],
    "messages/interfaces.*": [*VOCABULARY, "messages", "messages/requests",
                            "messages/caf"],
    # They list what the interfaces say.
    "messages/interface_forms.*": ["messages", "messages/caf", "messages/interfaces.*"],
    "messages/caf/type_ids.*": ["messages", "messages/caf", "messages/interfaces.*"],

    "backends/core": VOCABULARY,
    "backends": [*VOCABULARY, "backends/core"],
    **tower("backends/memory",
            ["space", "entries", "index", "limits", "tags", "events", "table", "store", "shards",
             "turns"],
            ground=CONTRACT),

    "actors/shell": SHELL,
    "actors/supervision": SHELL,
    "actors/services": [*SHELL, "actors/supervision"],
    **{service: GROUND for service in SERVICES},
    "actors/loads": [*GROUND, "actors/loads/breakers"],
    "actors/gate": [*SHELL, "actors/supervision"],
    "actors/regions": [*REGIONS, "backends/memory/memory_provider.hpp"],
    "actors/cache": REGIONS,
    "actors/testing": [*REGIONS, "actors/cache",
                       "backends/memory/memory_provider.hpp"],
    "actors": [*REGIONS, "actors/cache", "backends/memory/memory_provider.hpp"],

    "apps/net": [*VOCABULARY, "backends/core"],
    "apps/resp": [*CONTRACT, "apps/net"],
    "apps/settings": [*LIBRARY, "apps/net", "apps/resp"],
    **tower("apps/server", ["leases", "state", "options", "clients", "calls", "commands",
                           "connections"],
            ground=LIBRARY + WIRE),
    **tower("apps/console", ["text", "peer", "views"], ground=LIBRARY),
    "apps/bench/**": [*LIBRARY, "backends/memory/**"],
    "apps/examples": [*LIBRARY, "actors/testing"],

    "tests/**": ["messages/**", "backends/**", "actors/**", "apps/**"],
}

# Includes against the table: (a file or a folder, what it includes, why).
EXCEPTIONS = [
    ("actors", "backends/memory/common_limit.hpp",
     "the runtime owns the limit that all regions share"),
    ("actors/regions", "backends/memory/space/value_buffer.hpp",
     "a large value is gathered in memory that becomes its entry's"),
    ("actors/regions", "backends/memory/shards/direct_reads.hpp",
     "a region holds the way of the inlined hit, without the memory provider's header"),
    ("actors/regions", "backends/memory/shards/inline_reads.hpp", "the inlined hit"),
    ("apps/server/clients", "backends/memory/space/value_buffer.hpp",
     "it is gathered while it arrives"),
    ("apps/server/connections", "backends/memory/space/value_buffer.hpp",
     "it is gathered while it arrives"),
    ("apps/resp", "backends/memory/entries/held_value.hpp",
     "a large value is sent from its entry"),
    ("apps/server/calls", "backends/memory/turns/change_gate.hpp",
     "a command that reads several keys sees each change of several keys as a whole"),
    ("apps/server/commands", "backends/memory/turns/change_gate.hpp", "the same"),
    ("apps/server/calls", "backends/memory/turns/joint_turn.hpp",
     "transactions hold the shards of their keys (joint_turn_ability)"),
    ("apps/server/calls", "backends/memory/turns/turn_plan.hpp", "the same"),
    ("apps/server/commands", "backends/memory/turns/turn_plan.hpp",
     "a command says what it will store"),
]

# Where CAF may be included (patterns of paths; * also matches /), and why.
CAF = [
    ("messages/caf/*", "what CAF's version spells"),
    ("actors/shell/*", "the shell that makes a plain class an actor"),
    ("*_actor.hpp", "a thin actor around a plain class"),
    ("*_actor.cpp", "a thin actor around a plain class"),
    ("actors/gate/remote.hpp", "connect takes the caller's actor_system"),
    ("actors/config.hpp", "it is a caf::actor_system_config"),
    ("actors/runtime.hpp", "it is made of the caller's actor_system"),
    ("apps/bench/*", "CAF is a peer, and is measured by itself"),
    ("apps/examples/*", "they show how a user of CAF embeds Troupe"),
    ("apps/server/main.cpp", "it owns the actor_system"),
    ("tests/*", "tests may include anything"),
]

# Limits of the library and the apps. Tests have none.
HEADER_LINES = 300
SOURCE_LINES = 400
FOLDER_FILES = 25

# What an installed header may ask the preprocessor. The first two come from the
# library's own targets (cmake/sanitizers.cmake). SSE2 is part of x86-64, and
# the code without it has the same result. The last two ask for a builtin of the
# compiler that clears padding.
FIXED_MACROS = {
    "defined",
    "TROUPE_THREAD_SANITIZER", "TROUPE_ADDRESS_SANITIZER",
    "__SSE2__", "TROUPE_BUCKET_SSE2",
    "__has_builtin", "__builtin_clear_padding",
}

# The tests of the part without CAF; tests/CMakeLists.txt draws the same line.
PLAIN_TESTS = ["tests/messages/types", "tests/backends", "tests/actors/plain",
               "tests/conformance/cases", "tests/histories"]
