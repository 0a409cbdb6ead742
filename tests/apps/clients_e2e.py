#!/usr/bin/env python3
"""Clients that people use, unchanged, against troupe-server: ioredis, node-redis,
connect-redis with express-session, and redis-py.

usage: clients_e2e.py DIRECTORY-OF-THE-PROGRAMS

Installs the npm packages named in clients/package.json beside the programs, once.
Starts its servers on free ports of the loopback interface.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import _servers as servers
from _servers import PATIENCE, Troupe, fail

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
PASSWORD = "pass word of the clients' tests"

# npm asks a registry, which may be slow, or refuse once.
INSTALL_PATIENCE = 300.0
INSTALL_ATTEMPTS = 3

# Packages that do not run on a Node older than this.
LEAST_NODE = {"ioredis6": 20, "redis6": 20}


def install():
    """Returns a directory with the packages and the tests."""
    place = os.path.join(os.path.dirname(servers.BIN), "clients")
    os.makedirs(place, exist_ok=True)
    wanted = os.path.join(HERE, "package.json")
    for name in os.listdir(HERE):
        if name != "package.json":
            shutil.copy(os.path.join(HERE, name), place)
    done = os.path.join(place, "installed.json")
    with open(wanted, encoding="utf-8") as file:
        packages = json.load(file)
    if os.path.exists(done):
        with open(done, encoding="utf-8") as file:
            if json.load(file) == packages:
                return place
    shutil.copy(wanted, place)
    for attempt in range(1, INSTALL_ATTEMPTS + 1):
        try:
            subprocess.run(
                ["npm", "install", "--no-package-lock", "--no-audit",
                 "--no-fund", "--ignore-scripts", "--loglevel=error"],
                cwd=place, timeout=INSTALL_PATIENCE, capture_output=True,
                text=True, check=True)
            break
        except subprocess.SubprocessError as problem:
            print(f"npm install, attempt {attempt}: {problem}\n"
                  f"{problem.stdout}{problem.stderr}", flush=True)
            if attempt == INSTALL_ATTEMPTS:
                fail("npm install failed")
    shutil.copy(wanted, done)
    return place


def node_version():
    text = subprocess.run(["node", "--version"], capture_output=True, text=True,
                          check=True).stdout
    return int(re.match(r"v(\d+)", text)[1])


def python_with_redis():
    """This interpreter may be another than the one Debian's packages are for."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([candidate, "-c", "import redis"],
                          capture_output=True, check=False).returncode == 0:
            return candidate
    sys.exit("no python3 has redis-py (Debian: python3-redis)")


def main():
    place = install()
    environment = {
        **os.environ,
        "TROUPE_PORT": str(Troupe("--no-console").port),
        "TROUPE_GUARDED_PORT": str(
            Troupe("--no-console", TROUPE_PASSWORD=PASSWORD).port),
        "TROUPE_TEST_PASSWORD": PASSWORD,
    }
    runs = [["node", "ioredis.js", "ioredis5"],
            ["node", "ioredis.js", "ioredis6"],
            ["node", "node_redis.js", "redis4"],
            ["node", "node_redis.js", "redis5"],
            ["node", "node_redis.js", "redis6"],
            ["node", "session.js"],
            [python_with_redis(), "-B", "redis_py.py"]]
    node = node_version()
    failed = 0
    for run in runs:
        least = LEAST_NODE.get(run[-1], 0)
        if node < least:
            print(f"{run[-1]}: left out, it needs Node {least} and this is "
                  f"{node}", flush=True)
            continue
        code = subprocess.run(run, cwd=place, env=environment,
                              timeout=4 * PATIENCE, check=False).returncode
        failed += code != 0
    if failed:
        fail(f"{failed} of {len(runs)} clients")


servers.run(__doc__, main)
