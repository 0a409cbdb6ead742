#!/usr/bin/env python3
"""Clients that people use, unchanged, against troupe-server: ioredis, node-redis,
connect-redis with express-session, and redis-py. See _clients.py.

usage: clients_e2e.py DIRECTORY-OF-THE-PROGRAMS
"""

import _clients as clients
import _servers as servers
from _servers import Troupe


def main():
    guarded = Troupe("--no-console", TROUPE_PASSWORD=clients.PASSWORD)
    clients.run_all(Troupe("--no-console").port, guarded.port)


servers.run(__doc__, main)
