#!/usr/bin/env python3
"""Clients that people use, unchanged, against troupe-server: ioredis, node-redis,
connect-redis with express-session, and redis-py.

usage: clients_e2e.py DIRECTORY-OF-THE-PROGRAMS

Installs the npm packages named in clients/package.json beside the programs, once.
Starts its servers on free ports of the loopback interface.
"""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
BIN = os.path.abspath(sys.argv[1])
PASSWORD = "pass word of the clients' tests"

# Seconds. npm asks a registry, and the machine may be busy.
INSTALL_PATIENCE = 240
CLIENT_PATIENCE = 240

# Packages that do not run on a Node older than this.
LEAST_NODE = {"ioredis6": 20, "redis6": 20}

children = []


@atexit.register
def stop_children():
    for child in children:
        if child.poll() is None:
            child.terminate()
        child.wait()


def install():
    """Returns a directory with the packages and the tests."""
    place = os.path.join(os.path.dirname(BIN), "clients")
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
    result = subprocess.run(
        ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund",
         "--ignore-scripts", "--loglevel=error"],
        cwd=place, timeout=INSTALL_PATIENCE, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"npm install failed:\n{result.stdout}{result.stderr}")
    shutil.copy(wanted, done)
    return place


def start_server(scratch, *options):
    """Returns the port of a server that is ready."""
    environment = {**os.environ, "TROUPE_PASSWORD": ""}
    child = subprocess.Popen(
        [os.path.join(BIN, "troupe-server"), "--port=0", "--no-console",
         *options], cwd=scratch, stdout=subprocess.PIPE, text=True,
        env=environment)
    children.append(child)
    for line in child.stdout:
        ready = re.search(r" ready on \S+:(\d+) ", line)
        if ready:
            return ready[1]
    sys.exit("troupe-server did not start")


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
    scratch = tempfile.mkdtemp(prefix="troupe-clients-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    environment = {
        **os.environ,
        "TROUPE_PORT": start_server(scratch),
        "TROUPE_GUARDED_PORT": start_server(scratch, f"--password={PASSWORD}"),
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
                              timeout=CLIENT_PATIENCE, check=False).returncode
        failed += code != 0
    sys.exit(1 if failed else 0)


main()
