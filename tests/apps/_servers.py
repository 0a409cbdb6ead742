"""The servers of the end-to-end tests: troupe-server and redis-server on free
ports of the loopback interface, started, watched and stopped by process id.

A script hands its main function to run(), which knows the directory of the
programs (BIN), makes an empty one to work in (SCRATCH), stops what was started,
and prints what the servers said when something failed.

The tests run beside each other on machines that may be slow, so nothing here
waits for less than PATIENCE, and no port is known before a server has it.
"""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Seconds until something that should happen counts as not happening. Far more
# than needed: the machine may be busy and the program instrumented.
PATIENCE = 120.0

# How much of a server's output is shown.
SHOWN = 4000

# How often redis-server is given another port.
MOST_PORTS = 20

BIN = ""
SCRATCH = ""
started = []


class Failure(Exception):
    pass


def fail(text):
    raise Failure(text)


def require(condition, text):
    if not condition:
        fail(text)


def poll(condition, what):
    """Waits until condition() holds and returns what it returned."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        require(time.monotonic() < deadline, f"waited in vain for: {what}")
        time.sleep(0.01)


def keeps_freed_memory():
    """AddressSanitizer does, for a while: what is resident says nothing."""
    libraries = subprocess.run(["ldd", os.path.join(BIN, "troupe-server")],
                               capture_output=True, text=True, check=True)
    return "libasan" in libraries.stdout


def environment(**changes):
    """That of this process, without what servers and clients would listen to."""
    result = {name: value for name, value in os.environ.items()
              if not name.startswith(("TROUPE_PASSWORD", "TROUPE_TLS",
                                      "TROUPE_CONSOLE"))
              and name != "REDISCLI_AUTH"}
    # The sockets of these servers are among themselves.
    return {**result, "XDG_RUNTIME_DIR": os.path.join(SCRATCH, "run"),
            **changes}


def command_of(*options):
    return [os.path.join(BIN, "troupe-server"), *options]


def refused(*options, **changes):
    """Starts a server that should not start; its exit code and output."""
    done = subprocess.run(command_of(*options), cwd=SCRATCH,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE,
                          env=environment(**changes), check=False)
    return done.returncode, done.stdout.decode()


class Program:
    """A process whose output is read all the time, so that it never waits for
    us."""

    def __init__(self, command, **changes):
        self.command = command
        self.output = b""
        self.child = subprocess.Popen(
            command, cwd=SCRATCH, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment(**changes))
        self.pid = self.child.pid
        started.append(self)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while data := os.read(self.child.stdout.fileno(), 65536):
            self.output += data

    def ended(self):
        return self.child.poll() is not None

    def wait_for(self, pattern):
        """What matches in the output; None when the process ends without it."""
        def look():
            # In this order: what it prints last counts.
            over = self.ended() and not self.reader.is_alive()
            found = re.search(pattern, self.output)
            return (found, over) if found or over else None
        return poll(look, f"{self.command[0]} to print {pattern!r}, not "
                    f"{self.output!r}")[0]

    def send_signal(self, which):
        self.child.send_signal(which)

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns its exit code and all it printed."""
        self.send_signal(how)
        return self.wait()

    def wait(self):
        """The same for one that ends by itself."""
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            fail(f"process {self.pid} does not end")
        self.reader.join(PATIENCE)
        return self.child.returncode, self.output

    def kill(self):
        if not self.ended():
            self.child.kill()
        self.child.wait()

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


class Troupe(Program):
    """A troupe-server that has said that it is ready."""

    READY = re.compile(
        rb"troupe-server (?P<version>\S+) ready(?: on \S+:(?P<port>\d+))? "
        rb"\(pid (?P<pid>\d+), \d+ shards\)"
        rb"(?:; TLS on \S+:(?P<tls>\d+))?"
        rb"(?:; console on (?P<socket>/[^;\s]+?)?(?:, )?"
        rb"(?:[^/\s]\S*:(?P<console>\d+))?)?(?P<more>(?:; [^\n]*)?)\n")

    def __init__(self, *options, before=(), **changes):
        """`before` is a command that runs the server in its own process."""
        super().__init__([*before, *command_of("--port=0", *options)], **changes)
        ready = self.wait_for(self.READY)
        require(ready, f"troupe-server ended: {self.output!r}")
        self.port, self.tls_port, self.console_port = (
            int(x) if x else None for x in ready.group("port", "tls", "console"))
        self.console_socket = (ready["socket"] or b"").decode()
        require(int(ready["pid"]) == self.pid, "it prints another process id")


class Redis(Program):
    """A redis-server that is ready and keeps nothing."""

    def __init__(self, *options):
        for _ in range(MOST_PORTS):
            self.port = free_port()
            super().__init__(
                ["redis-server", "--port", str(self.port), "--bind",
                 "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--daemonize", "no", *options])
            if self.wait_for(rb"eady to accept connections"):
                return
            # Somebody else took the port meanwhile: it cannot choose one.
            require(b"in use" in self.output,
                    f"redis-server ended: {self.output!r}")
        fail("redis-server gets no port")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def print_logs():
    for program in started:
        code = program.child.poll()
        print(f"-- {' '.join(program.command)} (pid {program.pid}, "
              f"{'runs' if code is None else f'exit code {code}'}):\n"
              f"{program.output[-SHOWN:].decode(errors='replace')}",
              flush=True)


@atexit.register
def stop_all():
    for program in started:
        program.kill()
    if SCRATCH:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def prepare(document):
    """Finds the programs, from the script's only argument."""
    global BIN, SCRATCH
    if len(sys.argv) != 2:
        sys.exit(document)
    BIN = os.path.abspath(sys.argv[1])
    # Empty: no configuration file is picked up by accident.
    SCRATCH = tempfile.mkdtemp(prefix="troupe-test-")
    os.mkdir(os.path.join(SCRATCH, "run"), 0o700)


def run(document, main):
    """Runs a script; ends with 1, and with the servers' output, at the first
    check that fails."""
    prepare(document)
    try:
        main()
    except (Failure, OSError, subprocess.SubprocessError) as problem:
        print(f"FAILED: {type(problem).__name__}: {problem}", flush=True)
        print_logs()
        sys.exit(1)
    except SystemExit as end:
        if end.code:
            print_logs()
        raise
    except BaseException:
        print_logs()
        raise
