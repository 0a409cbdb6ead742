#!/usr/bin/env python3
"""Asks troupe-server and a real redis-server the same things and compares the
bytes of their replies, in RESP2 and in RESP3.

usage: conformance.py DIRECTORY-OF-THE-PROGRAMS

What must differ is listed in docs/commands.md, and nowhere else: an entry there
that does not differ (any more) fails, too, as does a command that is missing
from the table of commands there.
"""

import os
import re

import _servers as servers
import server_e2e as e2e
from _servers import Redis, Troupe, fail, require
from server_e2e import Client, check, parse

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../docs/commands.md")

# One line is one session, on a new connection and in an empty database. Commands
# are separated by " | ", words by blanks; "~" is the empty word, and escapes are
# those of Python. A command begins with "?" when its reply is a number that
# depends on the time: a little apart is equal then.
SESSIONS = r"""
config resetstat | config resetstat 1 | config rewrite | config rewrite 1 | config get client-output-buffer-limit
config set client-output-buffer-limit foo | config set client-output-buffer-limit ~ | config set client-output-buffer-limit foo\x201\x202\x203
config set client-output-buffer-limit pubsub\x201mb\x20x\x203 | config set client-output-buffer-limit pubsub\x201\x201\x20-1 | config get client-output-buffer-limit
config set client-output-buffer-limit pubsub\x2064mb\x2016m\x2030 | config get client-output-* | config set client-output-buffer-limit replica\x201gb\x201kb\x202\x20normal\x200\x200\x200
config get client-output-buffer-limit | config set client-output-buffer-limit slave\x20256mb\x2064mb\x2060\x20pubsub\x2032mb\x208mb\x2060 | config get client-output-buffer-limit
config set timeout 7 client-output-buffer-limit pubsub\x201 | config get timeout | config set client-output-buffer-limit
memory | memory foo | memory usage | memory usage n | memory help x | memory usage n samples | memory usage n samples x | memory usage n samples 3
memory usage n samples -1 | memory usage n samples 0 | memory usage n foo | memory usage n samples 3 samples 4 | MEMORY USAGE n SAMPLES 1 | memory usage n samples 3 foo
shutdown foo | shutdown abort | shutdown save nosave | shutdown abort now | multi | shutdown abort | exec | SHUTDOWN ABORT ABORT
getset | getset k | getset k 1 2 | getset k v | getset k w | get k
set k v ex 100 | getset k w | ttl k | GETSET k ~ | getset ~ a | getset ~ b
setex k 100 v | getset k v | persist k | getset k \x00\xff | getset k x
getdel | getdel k | getdel k k | set k v | getdel k | getdel k | exists k
set k v ex 100 | GetDel k | ttl k | set ~ ~ | getdel ~ | getdel ~
getex | getex k | set k v | getex k | ttl k | getex k ex 100 | ?ttl k | get k
set k v | getex k px 100000 | ?pttl k | getex k | ?ttl k | getex k persist | ttl k
set k v | getex k exat 4000000000 | expiretime k | getex k pxat 4000000000123 | pexpiretime k
set k v | getex k exat 1 | get k | set k v | getex k pxat 1 | exists k
getex k ex 0 | set k v | getex k ex 0 | getex k ex -1 | getex k px 0 | getex k exat 0 | getex k pxat -1
getex k ex a | set k v | getex k ex a | getex k ex 1.5 | getex k ex ~ | getex k px 99999999999999999999
set k v | getex k ex 9223372036854775807 | getex k px 9223372036854775807 | getex k ex 9223372036854776 | ttl k
getex k ex | getex k ex 10 px 10 | getex k ex 10 persist | getex k persist ex 10 | getex k foo
getex k persist persist | set k v | getex k persist persist | getex k ex 10 ex 20 | ?ttl k
getex k nx | getex k keepttl | getex k get | getex k 10 | getex k ex 10 foo | getex k persist 1
getex n ex a | getex n ex 10 | exists n | getex n persist | getex n exat 1
set k v | getex k PX 100000 | ?pttl k | getex k PERSIST | ttl k | getex k EXAT 4000000000 | expiretime k
append | append k | append k a b | append k ab | append k cd | get k | strlen k
append k ~ | exists k | get k | append k a | append k ~ | get k
set k v ex 100 | append k w | ?ttl k | get k | append k \x00\xff\r\n | get k | strlen k
append ~ x | append ~ y | get ~ | incr n | append n 0 | incr n | append n x | incr n
getrange | getrange k | getrange k 0 | getrange k 0 1 2 | getrange k 0 -1 | getrange k a 1
set k 0123456789 | getrange k 0 -1 | getrange k 0 0 | getrange k 3 5 | getrange k -3 -1 | getrange k 5 3
set k 0123456789 | getrange k -1 -5 | getrange k -100 2 | getrange k 8 100 | getrange k 10 20 | getrange k -100 -50
set k 0123456789 | getrange k 0 -100 | getrange k -10 0 | getrange k 9 9 | getrange k 0 9223372036854775807
set k 0123456789 | getrange k -9223372036854775808 9223372036854775807 | getrange k 9223372036854775807 -1
set k 0123456789 | getrange k -9223372036854775808 -9223372036854775808 | getrange k 2 -9223372036854775808
set k abc | getrange k 0 a | getrange k 1.5 2 | getrange k 0 9223372036854775808 | getrange k ~ 1 | getrange k +1 2
set k ~ | getrange k 0 -1 | getrange k 0 0 | getrange k -1 -1 | set k a\x00b\xff | getrange k 1 2 | getrange k -1 -1
substr | substr k 0 | substr k 0 1 2 | substr k 0 -1 | set k hello | substr k 1 3 | substr k -3 -2 | substr k x 1
setrange | setrange k | setrange k 0 | setrange k 0 a b | setrange k 0 ~ | exists k | setrange k 3 abc | get k
set k hello | setrange k 0 J | get k | setrange k 5 ! | get k | setrange k 10 x | get k | strlen k
set k hello | setrange k 1 ~ | get k | setrange k 100 ~ | strlen k | setrange k 4 oooo | get k
setrange k -1 a | setrange k a b | setrange k 1.5 b | setrange k ~ b | setrange k -1 ~ | setrange k 99999999999999999999 b
setrange k 536870912 a | setrange k 536870911 ab | setrange k 9223372036854775807 a | exists k | set k v | setrange k 536870912 a
setrange k 536870912 ~ | set k v | setrange k 9223372036854775807 ~ | setrange k 9223372036854775807 abc | get k
set k v ex 100 | setrange k 1 w | ?ttl k | setrange k 0 \xff\x00 | get k | setrange n 0 a | ttl n
incrbyfloat | incrbyfloat k | incrbyfloat k 1 2 | incrbyfloat k 1 | incrbyfloat k 1.5 | get k | incrbyfloat k -2.5
incrbyfloat k 0.1 | incrbyfloat k 0.2 | incrbyfloat k 1e3 | incrbyfloat k 1E-3 | incrbyfloat k .5 | incrbyfloat k 5.
incrbyfloat k 3.0e3 | get k | incrbyfloat k -3000 | get k | incrbyfloat k -0.0 | incrbyfloat k 1e-20 | get k
set k -0 | incrbyfloat k 0 | set k -1 | incrbyfloat k 1 | set k -0.0 | incrbyfloat k -0.0 | get k
incrbyfloat k 1e300 | incrbyfloat k 1e4000 | set k 0 | incrbyfloat k 1e4931 | strlen k | incrbyfloat k 1e4931 | incrbyfloat k 1e9999
incrbyfloat k inf | incrbyfloat k -inf | incrbyfloat k Infinity | incrbyfloat k nan | exists k | set k inf | incrbyfloat k 1 | incrbyfloat k -inf
incrbyfloat k a | incrbyfloat k ~ | incrbyfloat k 1x | incrbyfloat k 1.1.1 | incrbyfloat k +1 | incrbyfloat k 0x10 | incrbyfloat k 1e
incrbyfloat k \x201 | incrbyfloat k 1\x20 | incrbyfloat k 1\x00 | incrbyfloat k \t1 | incrbyfloat k 1\n | incrbyfloat k \xff
set k abc | incrbyfloat k 1 | set k ~ | incrbyfloat k 1 | set k 1\x00 | incrbyfloat k 1 | set k 0x1p4 | incrbyfloat k 1
set k 10.5 ex 100 | incrbyfloat k 0.1 | ?ttl k | incrbyfloat k 9007199254740993 | incrbyfloat k 0.00000000000000001 | get k
set k 9223372036854775807 | incrbyfloat k 1 | incr k | set k 12345678901234567890.123456789 | incrbyfloat k 1 | get k
set k 3 | incrbyfloat k 0.5 | incr k | incrbyfloat k 0.5 | incr k | get k | incrbyfloat k 1e18 | incr k
incrbyfloat k 1e-400 | incrbyfloat k 1e-5000 | incrbyfloat k 1e-4940 | incrbyfloat k 1.00000000000000000000001
expiretime | expiretime k | expiretime k k | set k v | expiretime k | expireat k 4000000000 | expiretime k | pexpiretime k
pexpiretime | pexpiretime k | pexpiretime k k | set k v | pexpiretime k | pexpireat k 4000000000123 | pexpiretime k | expiretime k
set k v pxat 4000000000499 | expiretime k | set k v pxat 4000000000500 | expiretime k | pexpiretime k | set k v pxat 4000000000999 | pexpiretime k
set k v exat 4000000000 | pexpiretime k | append k w | pexpiretime k | set k x keepttl | pexpiretime k | set k y | pexpiretime k
set k v pxat 3999999999999 get | pexpiretime k | incr n | pexpireat n 3999999999998 | incr n | pexpiretime n | setrange k 0 x | pexpiretime k
set k v ex 100 | ?expiretime k | ?pexpiretime k | persist k | pexpiretime k | psetex k 100000 v | ?pexpiretime k
set k 1 pxat 4000000000123 | incrbyfloat k 1.5 | pexpiretime k | incr n | expireat n 1 | expiretime n | getset k v | pexpiretime k
touch | touch k | set a 1 | set b 2 | touch a | touch a b c | touch a a | TOUCH ~ | touch b a
randomkey | randomkey k | set k v | randomkey | RANDOMKEY | del k | randomkey | set \x00 1 | randomkey
keys | keys a b | keys * | mset one 1 two 2 three 3 | keys * | keys t* | keys o* | keys t[hw]* | keys ? | keys ~ | keys ???
mset a 1 A 2 | keys a | keys A | keys [A-Z] | keys [a-z] | keys [A-z] | keys [^a] | keys \\a | keys [\\a]
mset a] 1 a 2 - 3 | keys a] | keys [a-] | keys [a | keys [- | keys [a-]] | keys []a] | keys [^b] | keys [b-a] | keys [-a]
mset ~ 0 a 1 | keys * | keys ~ | keys ** | keys ? | keys a* | keys *a | keys a** | keys ?*
mset h*llo 1 hello 2 hllo 3 heeeello 4 | keys h\\*llo | keys h*llo | keys h[e]llo | keys h[^e]llo | keys h?llo | keys *e*e*
mset \xff 1 \x80 2 \x00 3 | keys \xff | keys [\x80-\xff] | keys \x00 | keys [\x00-\x01] | keys [^\x00-\x7f]
mset a\\b 1 ab 2 | keys a\\\\b | keys a\\b | keys a\\ | keys \\ | keys *\\* | keys [\\]
scan | scan a | scan 1x | scan 0x1 | scan 1.0 | scan \x200 | scan 0\x20 | scan 99999999999999999999 | scan -99999999999999999999 | scan -
scan 0 | scan ~ | scan -0 | scan 00 | scan +0 | scan 0\x00abc | scan 0 count 10
scan 0 foo | scan 0 match | scan 0 count | scan 0 type | scan 0 count 0 | scan 0 count -1 | scan 0 count a | scan 0 count 1.5 | scan 0 count ~
scan 0 match * count | scan 0 foo bar | scan 0 count 10 foo | scan 0 match a match | scan a foo | scan 0 count a foo | scan 0 count 99999999999999999999
mset a 1 b 2 c 3 | scan 0 | scan 0 match * | scan 0 match [ab] | scan 0 match c | scan 0 match d | scan 0 COUNT 1000 | scan 0 count 100 match ?
mset a 1 b 2 | scan 0 type string | scan 0 TYPE STRING | scan 0 type hash | scan 0 type foo | scan 0 type ~ | scan 0 type none
mset a 1 b 2 A 3 | scan 0 match A | scan 0 match [a-z] | scan 0 match a match b | scan 0 type hash type string | scan 0 match ~
set k v | scan 0 count 9223372036854775807 | scan 0 count 100000 type string match k
mset a 1 b 2 c 3 | set gone 1 pxat 1 | set gone 1 exat 1 | keys * | scan 0 | dbsize | exists gone
expire k 100 | set k v | expire k 100 | ?ttl k | ?pttl k | expire k 200 nx | ?ttl k | expire k 200 xx | ?ttl k | expire k 100 gt | expire k 300 gt | ?ttl k
set k v | expire k 100 lt | ?ttl k | expire k 200 lt | expire k 50 lt | ?ttl k | expire k 100 xx gt | ?ttl k | persist k | expire k 10 gt | expire k 10 xx | ttl k
set k v | expire k -1 gt | expire k -1 xx | expire k -1 nx | exists k | set k v ex 100 | expire k -1 gt | expire k -1 nx | expire k -1 lt | exists k
set k v pxat 4000000000000 | pexpireat k 4000000000000 gt | pexpireat k 4000000000000 lt | pexpireat k 4000000000001 gt | pexpireat k 4000000000000 lt | pexpiretime k
expire k 10 foo | expire k a foo | expire k a nx xx | expire k 10 gt lt | expire n 10 nx gt | pexpire k 10 nx lt | expireat k 10 xx foo | pexpireat k 1 ~
persist | persist k | persist a b | set k v | persist k | expire k 100 | persist k | ttl k | persist k | get k
set k v get ex 100 | ?ttl k | set k w get keepttl | ?ttl k | set k x get | ttl k | set k y nx get | set n y nx get | get n | set m y xx get
set k v exat 4000000000 nx | expiretime k | set k w exat 4100000000 nx | set k w exat 4100000000 xx | expiretime k | set j w pxat 4000000000001 xx | exists j
set k v get exat 4000000000 | set k w get pxat 4000000000123 | pexpiretime k | set k x get exat 1 | exists k | set k x get ex 0 | set k x nx xx get
setex k 100 \x00\x01 | get k | ?ttl k | ?pttl k | psetex k 100000 \xff | get k | ?pttl k | setnx k v | setnx \xff \xfe | get \xff
mset \x00 \x01 \xff \xfe | mget \x00 \xff \x01 | strlen \x00 | exists \x00 \xff | del \x00 | unlink \xff | mget \x00 \xff
incr k | type k | strlen k | append k 5 | incr k | decrby k 10 | getrange k 0 0 | setrange k 0 9 | incrby k 5 | getset k 0 | incr k | getdel k
multi | exec | discard | multi x | exec x | discard x | multi | multi | exec | exec | discard | multi | exec x | exec | multi | discard x | exec
multi | set k 1 | incr k | get k | exec | get k | multi | exec | multi | set k 9 | discard | get k
multi | foo | exec | multi | get | exec | get k | multi | set k a | incr k | get k | exec | get k
multi | set k 1 ex a | getex k foo | append k x | setrange k 0 y | exec | get k | multi | ping | echo x | exec
multi | keys * | scan 0 | randomkey | dbsize | exec | set k v | multi | keys * | scan 0 | randomkey | dbsize | flushall | dbsize | exec
multi | getset k 1 | getdel k | getex k | incrbyfloat k 1.5 | expire k 100 nx | persist k | expiretime k | touch k | exec
publish c x | publish c | publish c x y | spublish c x | spublish c | pubsub channels | pubsub channels * | pubsub channels a b
pubsub numsub | pubsub numsub a b | pubsub numpat | pubsub numpat x | pubsub shardchannels | pubsub shardchannels * x | pubsub shardnumsub a
pubsub | pubsub foo | pubsub channels a b c | multi | publish c x | pubsub numpat | exec
watch | watch k | multi | set k 1 | exec | watch k | set k 2 | multi | set k 3 | exec | get k | unwatch | unwatch x
watch k | append k x | multi | get k | exec | watch k | expire k 100 | multi | get k | exec | watch k | getex k persist | multi | get k | exec
watch k | getdel k | multi | ping | exec | watch k | persist k | touch k | multi | ping | exec | watch k | setrange k 0 ~ | multi | ping | exec
set k v | watch k | getex k | get k | expire k 10 xx | multi | ping | exec | watch k | set k v | multi | ping | exec | watch k | getset k v | multi | ping | exec
watch k | multi | watch k | unwatch | exec | watch a b | set b 1 | unwatch | multi | ping | exec | watch a | del a | multi | ping | exec
msetnx | msetnx a | msetnx a 1 b | msetnx a 1 b 2 | msetnx b 3 c 4 | mget a b c | msetnx c 1 c 2 | get c
rename | rename a | rename a b c | rename a b | set a 1 | rename a b | get b | exists a | rename b b | rename n n
renamenx | renamenx a | renamenx a b c | renamenx a b | mset a 1 b 2 | renamenx a b | renamenx a c | get c | renamenx c c
set a 1 ex 100 | rename a b | ?ttl b | set c 2 | rename c b | ttl b | set d 3 ex 100 | renamenx d e | ?ttl e
copy | copy a | copy a b | set a 1 | copy a b | copy a b | copy a b replace | get b | copy a a | copy a b foo | copy n b | copy n n
set a 1 ex 100 | copy a b | ?ttl b | ?ttl a | set c 2 | copy c b REPLACE | ttl b | get b | copy a c x
set a 0 | select 1 | keys * | scan 0 | randomkey | set b 1 | keys * | randomkey | getdel a | touch a b | dbsize | select 0 | keys * | dbsize
multi | set a 0 | select 3 | append a 3 | getset a 4 | select 0 | getrange a 0 -1 | exec | get a | select 3 | get a | keys a
set a 1 pxat 4000000000123 | rename a b | pexpiretime b | copy b c | pexpiretime c | renamenx c d | pexpiretime d | set e 5 | copy d e replace | pexpiretime e
set a 1 ex 100 | copy a b db 1 | exists b | select 1 | get b | ?ttl b | copy b b db 1 | copy b a db 0 | copy b a db 0 replace | copy b b db 0 | select 0 | keys *
copy a b db | copy a b db x | copy a b db -1 | copy a b db 16 | copy a b db 2147483648 | copy a b db -2147483649 | copy a b db 99999999999999999999 | copy a b db 1 db | copy a a db 0 | copy a a db 1 | copy a b db 1 foo
set a 1 | multi | copy a a db 2 | select 2 | get a | copy a c db 0 | set a 9 | exec | select 0 | mget a c | copy a a DB 1 db 0 | copy a d REPLACE DB 1 | select 1 | get d
ping a\x00b | echo \xff\xfe | echo ~ | ping ~ | set a\r\nb c\r\nd | get a\r\nb | keys a* | foo\r\nbar a\r\nb
strlen \xff | set \xff \xff\xff | strlen \xff | type \xff | foo \xff | \xff
"""

# Seconds, or milliseconds for commands with a "p", that two replies may be apart.
TOLERANCE = {"ttl": 2, "expiretime": 2, "pttl": 2000, "pexpiretime": 2000}

# Commands of which one asks for several replies, or for none.
PUSHING = {b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe",
           b"ssubscribe", b"sunsubscribe"}

# Their lists are in no particular order.
UNORDERED = {b"keys", b"scan"}


def words_of(text):
    """The words of a command, as bytes."""
    def word(w):
        if w == "~":
            return b""
        return w.encode().decode("unicode_escape").encode("latin1")
    return [word(w) for w in text.split()]


def commands_of(line, separator="|"):
    """Pairs of whether the time counts, and the words of a command."""
    result = []
    for text in line.split(f" {separator} "):
        text = text.strip()
        result.append((text.startswith("?"), words_of(text.removeprefix("?"))))
    return result


def near(ours, theirs, tolerance):
    if not (ours.startswith(b":") and theirs.startswith(b":")):
        return ours == theirs
    ours, theirs = int(ours[1:]), int(theirs[1:])
    return (ours == theirs or ours > 0 and theirs > 0
            and abs(ours - theirs) <= tolerance)


def sorted_value(value):
    if not isinstance(value, list):
        return value
    return sorted((sorted_value(x) for x in value), key=repr)


def same(timed, words, ours, theirs):
    if timed:
        return near(ours, theirs, TOLERANCE[words[0].decode().lower()])
    if words[0].lower() in UNORDERED and ours[:1] == theirs[:1] == b"*":
        return sorted_value(parse(ours)) == sorted_value(parse(theirs))
    return ours == theirs


class Pair:
    """A client of each server, with the same past."""

    def __init__(self, server, redis, protocol):
        self.clients = [Client(server.port), Client(redis.port)]
        for client in self.clients:
            client.ask("HELLO", protocol)
            client.ask("FLUSHALL")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.socket.close()

    def ask(self, words):
        return [client.ask(*words) for client in self.clients]


def check_session(server, redis, protocol, line):
    commands = commands_of(line)
    with Pair(server, redis, protocol) as pair:
        for timed, words in commands:
            ours, theirs = pair.ask(words)
            if not same(timed, words, ours, theirs):
                fail(f"{words} in: {line}\n"
                     f"  Redis: {e2e.shorten(theirs)}\n"
                     f"  ours:  {e2e.shorten(ours)}")
    return len(commands)


def check_sessions(server, redis, protocol):
    compared = 0
    for line in SESSIONS.strip().splitlines():
        compared += e2e.soon(
            lambda x=line: check_session(server, redis, protocol, x))
    require(compared >= 250, f"only {compared} commands in the table")
    return f"{compared} commands"


def collect_scan(client, *options):
    """All keys that a scan finds, and the number of calls it took."""
    found, cursor, calls = [], b"0", 0
    while True:
        cursor, keys = parse(client.ask("SCAN", cursor, *options))
        require(0 <= int(cursor) < 1 << 53,
                f"JavaScript cannot hold the cursor {cursor}")
        found += keys
        calls += 1
        if cursor == b"0":
            return found, calls


def check_scans(server, redis):
    """Scans of many keys find the same keys as those of Redis."""
    names = [b"key:%d" % i for i in range(5000)]
    words = [x for name in names for x in (name, b"v")]
    with Pair(server, redis, 2) as pair:
        pair.ask([b"MSET", *words])
        for options in [(), ("COUNT", 1), ("COUNT", 1000), ("COUNT", 100000),
                        ("MATCH", "key:1*", "COUNT", 100),
                        ("TYPE", "string", "COUNT", 500), ("TYPE", "hash")]:
            ours, theirs = [collect_scan(client, *options)
                            for client in pair.clients]
            require(set(ours[0]) == set(theirs[0]), f"SCAN {options}: "
                    f"{len(set(ours[0]))} keys, not {len(set(theirs[0]))}")
            require(len(ours[0]) == len(set(ours[0])),
                    f"SCAN {options} of a table at rest repeats keys")
        ours, theirs = [sorted(parse(x)) for x in pair.ask([b"KEYS", b"*7"])]
        require(ours == theirs, "KEYS of many keys")
        ours = pair.clients[0]
        drawn = {parse(ours.ask("RANDOMKEY")) for _ in range(200)}
        require(len(drawn) > 100 and drawn <= set(names), "RANDOMKEY")


def check_growing_scan(server):
    """What is there all the time is found while keys are added and removed."""
    with Client(server.port) as client:
        client.ask("FLUSHALL")
        stay = [b"stay:%d" % i for i in range(500)]
        client.ask("MSET", *[x for name in stay for x in (name, b"v")])
        found, cursor, added = set(), b"0", 0
        while True:
            cursor, keys = parse(client.ask("SCAN", cursor, "COUNT", 20))
            found.update(keys)
            if cursor == b"0":
                break
            fresh = range(added, added + 50)
            client.ask("MSET", *[x for i in fresh for x in (b"add:%d" % i, b"v")])
            client.ask("DEL", *[b"add:%d" % i for i in fresh if i % 3 == 0])
            added += 50
        require(found.issuperset(stay), "the scan missed keys")
        return f"{added} keys were added meanwhile"


# -- the documentation -------------------------------------------------------------


def table_below(title):
    """The cells of the rows of the first table below a title."""
    with open(DOCS, encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text,
                      re.MULTILINE | re.DOTALL)
    require(found, f"docs/commands.md has no section {title!r}")
    rows = [line for line in found.group(1).splitlines()
            if line.startswith("|")][2:]
    require(rows, f"docs/commands.md: {title} has no table")
    # "\\|" is a bar within a cell.
    return [[cell.strip().replace("\\|", "|")
             for cell in re.split(r"(?<!\\)\|", row.strip("|"))]
            for row in rows]


def own_commands():
    """The commands that Redis does not have, in lower case."""
    return {name.lower().encode()
            for names, *_ in table_below("Commands of Troupe's own")
            for name in re.findall(r"`([A-Z]+)[^`]*`", names)}


def check_differences(server, redis):
    """Each difference that the documentation lists is there, and has a reason."""
    rows = table_below("Different replies")
    for example, reason in rows:
        require(len(reason) > 10, f"{example}: no reason is given")
        line = re.fullmatch(r"`(.*)`", example)
        require(line, f"not a row of commands: {example}")
        commands = commands_of(line.group(1), ";")
        for protocol in (2, 3):
            with Pair(server, redis, protocol) as pair:
                for _, words in commands[:-1]:
                    pair.ask(words)
                timed, words = commands[-1]
                ours, theirs = pair.ask(words)
                require(not same(timed, words, ours, theirs),
                        f"no difference in RESP{protocol}: {example}\n"
                        f"  both: {e2e.shorten(ours)}")
    return f"{len(rows)} differences"


def details_of(command):
    """What COMMAND INFO says of a command, by field, and of its subcommands."""
    name, arity, flags, first, last, step, categories = command[:7]
    fields = {"arity": arity, "flags": sorted(flags),
              "keys": (first, last, step), "categories": sorted(categories)}
    rows = {(name.decode(), field): value for field, value in fields.items()}
    for sub in command[9]:
        rows.update(details_of(sub))
    return rows


def check_details(server, redis):
    """COMMAND INFO is Redis's, but for what the documentation lists."""
    listed = {}
    for name, reason in table_below("Different details"):
        require(len(reason) > 10, f"{name}: no reason is given")
        listed[name.strip("`")] = reason
    ours, theirs = {}, {}
    alone = own_commands()
    with Client(server.port) as client, Client(redis.port) as other:
        for name in parse(client.ask("COMMAND", "LIST")):
            if name in alone:
                require(parse(other.ask("COMMAND", "INFO", name))[0] is None,
                        f"Redis has {name.decode()}, too")
                continue
            ours.update(details_of(
                parse(client.ask("COMMAND", "INFO", name))[0]))
            theirs.update(details_of(
                parse(other.ask("COMMAND", "INFO", name))[0]))
    different = set()
    for (name, field), value in ours.items():
        if value != theirs.get((name, field)):
            require(name in listed,
                    f"{field} of {name}: {value!r}, Redis has "
                    f"{theirs.get((name, field))!r}")
            different.add(name)
    require(different == set(listed),
            f"not different: {sorted(set(listed) - different)}")
    return f"{len(ours)} details"


def check_documented(server):
    """The documentation names exactly the commands that there are."""
    documented = set()
    for names, *_ in table_below("Commands"):
        documented.update(re.findall(r"`([A-Z]+)`", names))
    documented.update(name.decode().upper() for name in own_commands())
    with Client(server.port) as client:
        existing = {name.decode().upper()
                    for name in parse(client.ask("COMMAND", "LIST"))}
    require(existing <= documented,
            f"not in docs/commands.md: {sorted(existing - documented)}")
    require(documented <= existing,
            f"only in docs/commands.md: {sorted(documented - existing)}")
    return f"{len(existing)} commands"


def check_coverage(server):
    """Every command is asked for in the tables here and in server_e2e.py."""
    lines = (SESSIONS + e2e.SESSIONS).strip().splitlines()
    asked = {words[0].lower() for line in lines
             for _, words in commands_of(line) if words}
    with Client(server.port) as client:
        existing = set(parse(client.ask("COMMAND", "LIST")))
    # Other scripts test what Redis does not have.
    missing = existing - asked - PUSHING - own_commands()
    require(not missing, f"no row for {sorted(missing)}")


def main():
    server = Troupe("--no-console")
    check("docs/commands.md names every command", check_documented, server)
    check("there is a row for every command", check_coverage, server)
    check("a scan of a growing table", check_growing_scan, server)
    if not e2e.installed("redis-server"):
        return
    redis = Redis()
    for protocol in (2, 3):
        check(f"the replies of Redis in RESP{protocol}", check_sessions, server,
              redis, protocol)
    check("the scans of Redis", check_scans, server, redis)
    check("the details of commands", check_details, server, redis)
    check("the differences that docs/commands.md lists", check_differences,
          server, redis)
    code, output = server.stop()
    require(code == 0, f"exit code {code}: {output!r}")


if __name__ == "__main__":
    servers.run(__doc__, main)
