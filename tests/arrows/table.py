"""The rules as data: a new folder, an exception or a limit is an edit here.

A row of ARROWS says what a folder may include besides itself. A folder's detail/
counts as the folder. A name that ends with /** stands for the folder and all
below it. A row or an entry may also be a single file; a file's own row wins over
its folder's.
"""


def tower(ground, folder, rooms):
    """Rows for rooms of a folder: each may include the ground and the earlier rooms."""
    names = [f"{folder}/{room}" for room in rooms]
    return {name: ground + names[:i] for i, name in enumerate(names)}


VOCABULARY = ["messages/types", "messages/types/text"]
MESSAGES = ["messages/requests", "messages", "messages/caf"]
# "backends" itself holds the contract that every provider implements.
CONTRACT = VOCABULARY + ["backends/core", "backends"]
MEMORY = tower(CONTRACT, "backends/memory",
               ["space", "entries", "index", "limits", "tags", "table", "store",
                "shards"])
SERVICES = ["actors/loads", "actors/topics", "actors/gate"]
INNER_ACTORS = ["actors/shell", "actors/supervision", *SERVICES]
LIBRARY = CONTRACT + MESSAGES + INNER_ACTORS + ["actors/regions", "actors"]

ARROWS = {
    "messages/types": [],
    "messages/types/text": ["messages/types"],
    "messages/requests": VOCABULARY,
    "messages": VOCABULARY + MESSAGES[:1],
    "messages/caf": VOCABULARY + MESSAGES[:2],

    "backends/core": VOCABULARY,
    "backends": VOCABULARY,
    **MEMORY,
    "backends/memory": CONTRACT + list(MEMORY),

    "actors/shell": CONTRACT + MESSAGES,
    "actors/supervision": CONTRACT + MESSAGES + INNER_ACTORS[:1],
    **{service: CONTRACT + MESSAGES + INNER_ACTORS[:2]
       for service in SERVICES},
    "actors/regions": CONTRACT + MESSAGES + INNER_ACTORS
                      + ["backends/memory/memory_provider.hpp"],
    "actors": LIBRARY + ["backends/memory/memory_provider.hpp"],

    "apps/net": VOCABULARY + ["backends/core"],
    "apps/resp": CONTRACT + ["apps/net"],
    "apps/settings": LIBRARY + ["apps/net", "apps/resp"],
    "apps/server/**": LIBRARY + ["apps/net", "apps/resp", "apps/settings"],
    "apps/console": LIBRARY,
    "apps/bench/**": LIBRARY + ["backends/memory/**"],
    "apps/examples": LIBRARY,

    "tests/**": ["messages/**", "backends/**", "actors/**", "apps/**"],
}

# Includes against the table: (a file or a folder, what it includes, why).
EXCEPTIONS = [
    ("actors", "backends/memory/space/chunk_pool.hpp",
     "the runtime reports the chunks that all regions share"),
]

# Where CAF may be included (patterns of paths; * also matches /), and why.
CAF = [
    ("messages/caf/*", "what CAF's version spells"),
    ("messages/interfaces.hpp", "typed_actor: every interface on one page"),
    ("actors/shell/*", "the shell that makes a plain class an actor"),
    ("*_actor.hpp", "a thin actor around a plain class"),
    ("*_actor.cpp", "a thin actor around a plain class"),
    ("actors/config.*", "Troupe's options are CAF's"),
    ("actors/runtime.*", "it gets the actor_system and starts the actors in it"),
    ("actors/detail/runtime*", "it gets the actor_system and starts the actors in it"),
    ("apps/bench/*", "CAF is a peer, and is measured by itself"),
    ("apps/examples/*", "they show how a user of CAF embeds Troupe"),
    ("apps/server/main.cpp", "it owns the actor_system"),
    ("apps/server/server_config.*", "the server's options are CAF's"),
    ("apps/console/connection.cpp", "the console speaks to actors of another process"),
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
               "tests/histories"]
