"""The clients that people use, unchanged: ioredis, node-redis, connect-redis with
express-session, and redis-py.

Installs the npm packages named in clients/package.json beside the programs, once.
"""

import fcntl
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys

import _servers as servers
from _servers import PATIENCE, fail

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
PASSWORD = "pass word of the clients' tests"

# npm asks a registry, which may be slow, or refuse once.
INSTALL_PATIENCE = 300.0
INSTALL_ATTEMPTS = 3

# Packages that do not run on a Node older than this.
LEAST_NODE = {"ioredis6": 20, "redis6": 20}


def install():
    """Returns a directory with the packages and the tests. Scripts that run at
    the same time share it."""
    place = os.path.join(os.path.dirname(servers.BIN), "clients")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy_tests(place)
        install_packages(place)
    return place


def copy_tests(place):
    for name in os.listdir(HERE):
        source, target = os.path.join(HERE, name), os.path.join(place, name)
        if name == "package.json" or (
                os.path.exists(target)
                and filecmp.cmp(source, target, shallow=False)):
            continue
        # In one step: another script may be reading it.
        shutil.copy(source, target + ".new")
        os.rename(target + ".new", target)


def install_packages(place):
    wanted = os.path.join(HERE, "package.json")
    done = os.path.join(place, "installed.json")
    with open(wanted, encoding="utf-8") as file:
        packages = json.load(file)
    if os.path.exists(done):
        with open(done, encoding="utf-8") as file:
            if json.load(file) == packages:
                return
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
    fail("no python3 has redis-py (Debian: python3-redis)")


def run_all(port, guarded_port, **more):
    """Runs all clients' tests against two servers, of which one asks for
    PASSWORD."""
    place = install()
    environment = servers.environment(
        TROUPE_PORT=str(port), TROUPE_GUARDED_PORT=str(guarded_port),
        TROUPE_TEST_PASSWORD=PASSWORD, **more)
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
