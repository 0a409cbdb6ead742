#!/usr/bin/env python3
"""Tries to get past the gate in front of the console: with recorded sessions whose
bytes are changed, random openings, silence, wrong passwords and other users.

usage: gate_e2e.py DIRECTORY-OF-THE-PROGRAMS

Set TROUPE_SEED to repeat a run; it is printed when a check fails.
"""

import contextlib
import glob
import os
import random
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import _servers as servers
from _servers import PATIENCE, Troupe, poll, require

SEED = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
SESSIONS = 1500  # Recorded ones with changed bytes, and as many random openings.
SILENT = 1100
DESCRIPTORS = 512  # Of the server that the silent ones starve.

PASSWORD = "the console's own"
MESSAGE = 40  # Bytes of each message before CAF's protocol.
BEGINNING = b"TROUPE\1"
HELLO, CHALLENGE, PROOF, WELCOME, REFUSAL = range(1, 6)
WRONG_USER = 2  # The reason in a refusal.
NOBODY = 65534

# Without a handshake, these 32 bytes ended a process whose port was CAF's own; the
# second ones announce 4 GiB.
KNOWN = [b"\1" + bytes(31), b"\0" * 8 + b"\xff" * 4 + b"\0" * 20,
         b"\4\0\0\0\xff\xff\xff\xff" + bytes(24)]


def console(*arguments, **changes):
    """Exit code, standard output, standard error."""
    changes = {"HOME": servers.SCRATCH, "TERM": "dumb", "LC_ALL": "C", **changes}
    ended = subprocess.run(
        [os.path.join(servers.BIN, "troupe-console"), f"--timeout={PATIENCE:g}",
         *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=4 * PATIENCE, cwd=servers.SCRATCH,
        env=servers.environment(**changes), check=False)
    return ended.returncode, ended.stdout, ended.stderr


def check_alive(server, *how, **changes):
    """The process lives, RESP answers, and the console of a trusted user works."""
    require(not server.ended(), f"the server has ended: {server.output!r}")
    require(ping(server), "RESP does not answer")
    code, out, err = console(*how, "-c", "set k v; get k", **changes)
    require((code, out) == (0, 'ok\n"v"\n'), f"{how}: {code}, {out!r}, {err!r}")


def ping(server):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"PING\r\n")
        return client.recv(100) == b"+PONG\r\n"


def knock(where):
    """Connects to a port or to a Unix socket."""
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), PATIENCE)
    result = socket.socket(socket.AF_UNIX)
    # Only one that blocks waits for a place in the backlog.
    result.connect(where)
    result.settimeout(PATIENCE)
    return result


def hear(client):
    """All that comes until the other side closes."""
    result = b""
    with contextlib.suppress(ConnectionError):
        while data := client.recv(4096):
            result += data
    return result


def kinds(answer):
    """The kinds of the messages in an answer, which has nothing else."""
    require(len(answer) % MESSAGE == 0, f"half a message: {answer!r}")
    result = []
    for i in range(0, len(answer), MESSAGE):
        require(answer[i:i + 7] == BEGINNING, f"it said {answer!r}")
        result.append(answer[i + 7])
    return result


def say(where, data):
    """What is answered to one who says this, and no more."""
    with knock(where) as client:
        # The gate may have closed already; what it said can be read.
        with contextlib.suppress(OSError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        return kinds(hear(client))


class Recorder:
    """Stands between a console and the server, and keeps what the console says."""

    def __init__(self, port):
        self.said = b""
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        near, _ = self.listener.accept()
        far = knock(self.target)
        back = threading.Thread(target=self.pump, args=(far, near, False))
        back.start()
        self.pump(near, far, True)
        back.join()

    def pump(self, source, to, keep):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if keep:
                    self.said += data
                to.sendall(data)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_WR)


def changed(session, chance):
    """A recorded session with some bytes changed, left out or repeated."""
    data = bytearray(session)
    for _ in range(chance.randint(0, 8)):
        at = chance.randrange(len(data))
        how = chance.randrange(4)
        if how == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            data[at] = chance.randrange(256)
        elif how == 2:
            del data[at]
        else:
            data[at:at] = data[at:at + chance.randint(1, 60)]
    return bytes(data[:chance.randint(1, len(data))])


def opening(chance):
    """Any bytes; sometimes they begin as a console's, or as CAF's protocol."""
    begin = chance.choice([b"", b"", BEGINNING, BEGINNING + bytes([HELLO]),
                           BEGINNING + bytes([PROOF]), *KNOWN,
                           *(bytes([x]) for x in range(8))])
    return begin + chance.randbytes(chance.choice([0, 1, 31, 32, 33, 40, 80, 300]))


def check_sessions(server):
    """Without the password nothing that was ever said is let in again."""
    recorder = Recorder(server.console_port)
    code, out, err = console(f"--port={recorder.port}", "-c",
                             "stat; ls; set a b; get a; send db0 get a",
                             TROUPE_CONSOLE_PASSWORD=PASSWORD)
    require(code == 0, f"the recorded console: {out!r}, {err!r}")
    session = recorder.said
    require(session[7] == HELLO and session[MESSAGE + 7] == PROOF
            and len(session) > 500, f"it recorded {session[:100]!r}")
    chance = random.Random(SEED)
    heard = {}
    for _ in range(SESSIONS):
        answer = tuple(say(server.console_port, changed(session, chance)))
        require(WELCOME not in answer, f"a changed session was let in: {answer}")
        heard[answer] = heard.get(answer, 0) + 1
    # The whole session, as it was: a proof is good for one connection.
    require(say(server.console_port, session) == [CHALLENGE, REFUSAL],
            "a session that is sent again")
    # Both the hello and the proof have been tried, broken and whole.
    for answer in ((), (CHALLENGE,), (CHALLENGE, REFUSAL)):
        require(heard.get(answer), f"nobody heard {answer}: {heard}")
    check_alive(server, f"--port={server.console_port}",
                TROUPE_CONSOLE_PASSWORD=PASSWORD)


def check_openings(server):
    chance = random.Random(SEED + 1)
    for data in KNOWN:
        require(say(server.console_port, data) == [], "the port answers")
        require(say(server.console_socket, data) == [], "the socket answers")
    for i in range(SESSIONS):
        where = server.console_port if i % 3 else server.console_socket
        data = opening(chance)
        # On the Unix socket a whole hello of this user is let in, as it should.
        if i % 3 == 0 and data.startswith(BEGINNING + bytes([HELLO])):
            continue
        require(WELCOME not in say(where, data), f"{data!r} was let in")
    check_alive(server, f"--socket={server.console_socket}")
    check_alive(server, f"--port={server.console_port}",
                TROUPE_CONSOLE_PASSWORD=PASSWORD)


def processor_seconds(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_silence():
    """Silent connections cost the others neither descriptors nor a core."""
    server = Troupe("--console-port=0",
                    before=["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"],
                    TROUPE_CONSOLE_PASSWORD=PASSWORD)
    before = len(os.listdir(f"/proc/{server.pid}/fd"))
    silent = []
    for i in range(SILENT):
        silent.append(knock(server.console_port if i % 2
                            else server.console_socket))
        if i % 2:
            # Half of them begin well, and go no further.
            with contextlib.suppress(ConnectionError):
                silent[-1].sendall((BEGINNING + bytes([HELLO]) + bytes(32))[:39])
    count = len(os.listdir(f"/proc/{server.pid}/fd"))
    require(count <= before + 40, f"{before} descriptors have become {count}")
    require(all(ping(server) for _ in range(100)), "RESP does not answer")
    begin = processor_seconds(server)
    time.sleep(1)
    used = processor_seconds(server) - begin
    require(used < 0.5, f"{used} s of a processor in a second without a word")
    check_alive(server, f"--socket={server.console_socket}")
    check_alive(server, f"--port={server.console_port}",
                TROUPE_CONSOLE_PASSWORD=PASSWORD)
    # The last ones had their time, and nobody has to ask.
    poll(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) <= before + 8,
         "the silent ones to be closed")
    for client in silent:
        client.close()
    require(server.stop()[0] == 0, "the exit code")


def check_passwords(server):
    port = f"--port={server.console_port}"
    code, _, err = console(port, "-c", "ls", TROUPE_CONSOLE_PASSWORD="a guess")
    require(code == 3 and "the password is wrong" in err, f"{code}, {err!r}")
    code, _, err = console(port, "-c", "ls")
    require(code == 2 and "TROUPE_CONSOLE_PASSWORD" in err, f"{code}, {err!r}")
    path = os.path.join(servers.SCRATCH, "password")
    with open(path, "w", encoding="ascii") as file:
        file.write(PASSWORD + "\n")
    code, out, err = console(port, f"--password-file={path}", "-c", "get none")
    require((code, out) == (0, "(nil)\n"), f"{code}, {err!r}")
    code, output = servers.refused("--port=0", "--console-port=0")
    require(code == 2 and "without a password" in output, f"{code}, {output!r}")
    require(PASSWORD.encode() not in server.output, "the password is printed")


def answers(path):
    """Whether a program listens on a socket; a dead one is in nobody's way."""
    try:
        knock(path).close()
        return True
    except OSError:
        return False


def check_sockets():
    """A console without arguments finds its server; several are told apart."""
    others = [x for x in glob.glob(f"/tmp/troupe-{os.geteuid()}/*.sock")
              if answers(x)]
    if others:
        print(f"   (not tried: this user has other servers, {others})")
        return
    code, _, err = console("-c", "ls")
    require(code == 3 and "no troupe server of this user" in err, f"{code}, {err!r}")
    first = Troupe()
    require(first.console_socket == os.path.join(
        servers.SCRATCH, "run", "troupe", f"{first.port}.sock"), first.console_socket)
    mode = os.stat(first.console_socket).st_mode
    require(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode))
    check_alive(first)
    code, out, err = console("--json", "-c", "nodes")
    require(code == 0 and f'"address":"unix socket, user {os.geteuid()}, process '
            in out, f"{out!r}, {err!r}")
    second = Troupe()
    code, _, err = console("-c", "ls")
    require(code == 3 and first.console_socket in err
            and second.console_socket in err and "--socket" in err, err)
    check_alive(second, f"--socket={second.console_socket}")
    # One that was killed leaves its name behind, which is not in the way.
    first.kill()
    require(os.path.exists(first.console_socket), "who removed it?")
    check_alive(second)
    third = Troupe(f"--console-socket={first.console_socket}")
    check_alive(third, f"--socket={first.console_socket}")
    code, output = servers.refused("--port=0",
                                   f"--console-socket={first.console_socket}")
    require(code == 1 and "another program listens there" in output, output)
    for server in (second, third):
        require(server.stop()[0] == 0, "the exit code")
        require(not os.path.exists(server.console_socket), "the socket stays")


def check_folder():
    """A folder that others may enter is not used; the server goes on without."""
    run = os.path.join(servers.SCRATCH, "open")
    os.makedirs(os.path.join(run, "troupe"))
    os.chmod(os.path.join(run, "troupe"), 0o755)
    server = Troupe(XDG_RUNTIME_DIR=run)
    require(server.console_socket == "" and b"chmod 700" in server.output,
            server.output)
    require(ping(server) and server.stop()[0] == 0, "it does not go on")


def check_dead_sockets():
    """What killed servers leave behind goes when another server starts."""
    run = os.path.join(servers.SCRATCH, "dead")
    os.mkdir(run, 0o700)
    killed = [Troupe(XDG_RUNTIME_DIR=run) for _ in range(2)]
    for server in killed:
        server.kill()
        require(os.path.exists(server.console_socket), "who removed it?")
    server = Troupe(XDG_RUNTIME_DIR=run)
    require(os.listdir(os.path.join(run, "troupe"))
            == [os.path.basename(server.console_socket)],
            str(os.listdir(os.path.join(run, "troupe"))))
    require(server.stop()[0] == 0, "the exit code")


def as_nobody(path):
    """What a process of another user hears there, or the name of its error."""
    near, far = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with knock(path) as client:
                far.sendall(hear(client))
        except BaseException as problem:  # pylint: disable=broad-except
            far.sendall(type(problem).__name__.encode())
        finally:
            os._exit(0)
    far.close()
    result = hear(near)
    os.waitpid(child, 0)
    return result


def check_users():
    """Another user is kept out by the mode, and by the id where the mode is wide."""
    if os.geteuid() != 0:
        print("   (not root: other users cannot be tried)")
        return
    folder = tempfile.mkdtemp(prefix="troupe-test-")
    os.chmod(folder, 0o755)
    try:
        path = os.path.join(folder, "a.sock")
        server = Troupe(f"--console-socket={path}")
        require(as_nobody(path) == b"PermissionError", "the mode lets in")
        os.chmod(path, 0o666)
        answer = as_nobody(path)
        require(kinds(answer) == [REFUSAL] and answer[8] == WRONG_USER,
                f"another user heard {answer!r}")
        check_alive(server, f"--socket={path}")
        require(server.stop()[0] == 0, "the exit code")
    finally:
        shutil.rmtree(folder)


def check(name, what, *arguments):
    begin = time.monotonic()
    what(*arguments)
    print(f"ok {name} ({time.monotonic() - begin:.1f} s)", flush=True)


def main():
    print(f"seed {SEED}", flush=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * SILENT), hard))
    check("sockets in the run-time folder", check_sockets)
    check("a run-time folder that is open to others", check_folder)
    check("dead sockets in the run-time folder", check_dead_sockets)
    check("other users", check_users)
    server = Troupe("--console-port=0", TROUPE_CONSOLE_PASSWORD=PASSWORD)
    check("passwords", check_passwords, server)
    check(f"{SESSIONS} changed sessions", check_sessions, server)
    check(f"{SESSIONS} random openings", check_openings, server)
    code, output = server.stop()
    require(code == 0, f"exit code {code}: {output!r}")
    check(f"{SILENT} silent connections", check_silence)


if __name__ == "__main__":
    servers.run(__doc__, main)
