#!/usr/bin/env python3
"""TLS of troupe-server: with redis-cli, with the libraries that people use, and
with clients that no server should fall for. After each attack the server answers
PING and a sentinel key is as it was.

usage: tls_e2e.py DIRECTORY-OF-THE-PROGRAMS

Makes its certificates itself, with openssl. The npm packages are those of
clients_e2e.py.
"""

import os
import re
import select
import signal
import socket
import ssl
import subprocess
import threading

import _servers as servers
import _clients as clients
from _servers import (PATIENCE, Failure, Troupe, fail, keeps_freed_memory, poll,
                      refused, require)
from server_e2e import (Client, bulk, check, encode, installed, parse,
                        require_equal, run_tool)

PASSWORD = "the key's own password"
SENTINEL = b"\x00 what must stay \xff" * 1000

# Handshakes that are begun and left.
HALF_OPEN = 200


# -- certificates --------------------------------------------------------------------


def path(name):
    return os.path.join(servers.SCRATCH, name)


def openssl(*words):
    run_tool("openssl", *words)


def make_authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            f"/CN={name}", "-keyout", path(f"{name}.key"), "-out",
            path(f"{name}.crt"))


def make_certificate(name, authority, serial):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-subj", f"/CN={name}", "-keyout", path(f"{name}.key"),
            "-out", path(f"{name}.csr"))
    with open(path("names"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", path(f"{name}.csr"), "-CA",
            path(f"{authority}.crt"), "-CAkey", path(f"{authority}.key"),
            "-set_serial", str(serial), "-days", "2", "-extfile", path("names"),
            "-out", path(f"{name}.crt"))


def make_certificates():
    make_authority("authority")
    make_authority("stranger")
    make_certificate("server", "authority", 1)
    make_certificate("renewed", "authority", 2)
    make_certificate("client", "authority", 3)
    make_certificate("intruder", "stranger", 4)
    openssl("ec", "-in", path("server.key"), "-aes256", "-passout",
            f"pass:{PASSWORD}", "-out", path("locked.key"))
    with open(path("garbage"), "w", encoding="ascii") as file:
        file.write("no certificate\n")


def options(**changes):
    """Options of a server with TLS; names with _ for -, None leaves one out."""
    chosen = {"tls_port": 0, "tls_cert_file": path("server.crt"),
              "tls_key_file": path("server.key"), "tls_auth_clients": "no",
              **changes}
    return ["--no-console", *(f"--{name.replace('_', '-')}={value}"
                              for name, value in chosen.items()
                              if value is not None)]


# -- clients -------------------------------------------------------------------------


def context_of(name=None, version=None):
    context = ssl.create_default_context(cafile=path("authority.crt"))
    if name is not None:
        context.load_cert_chain(path(f"{name}.crt"), path(f"{name}.key"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def raw(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


class TlsClient(Client):
    def __init__(self, server, name=None, version=None):
        super().__init__(server.tls_port)
        try:
            self.socket = context_of(name, version).wrap_socket(
                self.socket, server_hostname="127.0.0.1")
        except BaseException:
            self.socket.close()
            raise

    def serial(self):
        return int(self.socket.getpeercert()["serialNumber"], 16)


def require_refused(connect, what):
    """A handshake fails; in TLS 1.3, what the client thinks of it comes with the
    first reply."""
    try:
        with connect() as client:
            client.ask("PING")
    except (Failure, OSError):
        return
    fail(f"{what} was let in")


def check_alive(server, what):
    require(not server.ended(), f"{what}: the server has ended")
    with TlsClient(server) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", what)
        require_equal(client.ask("GET", "sentinel"), bulk(SENTINEL), what)


def info(client, field):
    text = parse(client.ask("INFO")).decode()
    found = re.search(rf"\r\n{field}:(\S+)\r\n", text)
    require(found, f"INFO has no {field}")
    return found[1]


# -- checks: the start ---------------------------------------------------------------


def check_bad_options():
    missing, garbage = path("missing"), path("garbage")
    for changes, *words in [
            ({"tls_cert_file": None}, "--tls-cert-file"),
            ({"tls_key_file": None}, "--tls-key-file"),
            ({"tls_cert_file": missing}, missing, "No such file"),
            ({"tls_key_file": missing}, missing, "No such file"),
            ({"tls_cert_file": servers.SCRATCH}, "tls-cert-file"),
            ({"tls_cert_file": garbage}, garbage, "tls-cert-file"),
            ({"tls_key_file": garbage}, garbage, "tls-key-file"),
            ({"tls_key_file": path("client.key")}, "does not belong"),
            ({"tls_key_file": path("locked.key")}, "TROUPE_TLS_KEY_FILE_PASS"),
            ({"tls_auth_clients": "yes"}, "--tls-ca-cert-file"),
            ({"tls_auth_clients": "maybe"}, "maybe", "optional"),
            ({"tls_auth_clients": "yes", "tls_ca_cert_file": garbage}, garbage,
             "tls-ca-cert-file"),
            ({"tls_protocols": "TLSv1.1"}, "TLSv1.1", "TLSv1.2"),
            ({"tls_ciphers": "nonsense"}, "--tls-ciphers=nonsense"),
            ({"tls_ciphersuites": "nonsense"}, "--tls-ciphersuites=nonsense"),
            ({"tls_handshake_timeout": "0s"}, "--tls-handshake-timeout"),
            ({"tls_port": 65536}, "--tls-port=65536"),
            ({"bind": "0.0.0.0"}, "without authentication")]:
        code, output = refused("--port=0", *options(**changes))
        require(code == 2 and all(word in output for word in words),
                f"{changes}: exit code {code}, {output!r}")
    code, output = refused("--no-plain")
    require(code == 2 and "--tls-port" in output, output)
    wrong = "another password"
    code, output = refused("--port=0", *options(tls_key_file=path("locked.key")),
                           TROUPE_TLS_KEY_FILE_PASS=wrong)
    require(code == 2 and "password" in output and wrong not in output, output)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output = refused("--port=0", *options(tls_port=port))
        require(code == 1 and f"port {port}" in output
                and "--tls-port=" in output, output)


def check_locked_key():
    server = Troupe(*options(tls_key_file=path("locked.key")),
                    TROUPE_TLS_KEY_FILE_PASS=PASSWORD)
    with TlsClient(server) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING")
    code, output = server.stop()
    require(code == 0 and PASSWORD.encode() not in output, repr(output))


def check_only_tls():
    """Without a plain port, with certificates instead of a password."""
    server = Troupe("--no-plain", *options(
        bind="0.0.0.0", tls_auth_clients="yes",
        tls_ca_cert_file=path("authority.crt")))
    require_equal(server.port, None, "the plain port")
    with TlsClient(server, "client") as client:
        require_equal(client.ask("SET", "k", "v"), b"+OK\r\n", "SET")
        require_equal(info(client, "tcp_port"), str(server.tls_port), "tcp_port")
        require_equal(info(client, "listener0"),
                      f"name=tls,bind=0.0.0.0,port={server.tls_port}", "INFO")
        require_equal(parse(client.ask("CONFIG", "GET", "port")),
                      [b"port", b"0"], "CONFIG GET port")
        require_equal(client.ask("CONFIG", "SET", "requirepass", ""), b"+OK\r\n",
                      "no password")
    require_refused(lambda: TlsClient(server), "a client without a certificate")
    require_refused(lambda: TlsClient(server, "intruder"), "a stranger's")
    require_equal(server.stop()[0], 0, "the exit code")


def check_optional_certificates():
    server = Troupe(*options(tls_auth_clients="optional",
                             tls_ca_cert_file=path("authority.crt")))
    for name in (None, "client"):
        with TlsClient(server, name) as client:
            require_equal(client.ask("PING"), b"+PONG\r\n", f"{name}")
    require_refused(lambda: TlsClient(server, "intruder"), "a stranger's")
    server.stop()


def check_versions():
    v2, v3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    for spoken, right, wrong in (("TLSv1.2", v2, v3), ("TLSv1.3", v3, v2)):
        server = Troupe(*options(tls_protocols=spoken))
        with TlsClient(server, version=right) as client:
            require_equal(client.ask("PING"), b"+PONG\r\n", spoken)
            require_equal(client.socket.version(), spoken, "the version")
        require_refused(lambda s=server, v=wrong: TlsClient(s, version=v),
                        f"{wrong} where {spoken} is spoken")
        server.stop()
    server = Troupe(*options())
    for version in (v2, v3):
        with TlsClient(server, version=version) as client:
            require_equal(client.ask("PING"), b"+PONG\r\n", f"{version}")
    server.stop()


# -- checks: clients that are welcome --------------------------------------------------


def check_redis_cli(server):
    def cli(*words):
        return run_tool("redis-cli", "--tls", "--cacert", path("authority.crt"),
                        "-p", str(server.tls_port), *words)
    require_equal(cli("SET", "greeting", "hello"), "OK\n", "SET")
    require_equal(cli("GET", "greeting"), "hello\n", "GET")
    require("listener1:name=tls" in cli("INFO", "server"), "INFO")
    # What one port stores the other one knows.
    require_equal(run_tool("redis-cli", "-p", str(server.port), "DEL",
                           "greeting"), "1\n", "DEL without TLS")


def check_redis_benchmark(server):
    output = run_tool("redis-benchmark", "--tls", "--cacert",
                      path("authority.crt"), "-p", str(server.tls_port), "-q",
                      "-n", "20000", "-P", "16", "-t", "get,set", "-d", "1000")
    for test in ("SET", "GET"):
        require(re.search(test + r": [\d.]+ requests per second", output),
                f"redis-benchmark: {output!r}")


def check_libraries():
    guarded = Troupe(*options(), TROUPE_PASSWORD=clients.PASSWORD)
    server = Troupe(*options())
    clients.run_all(server.tls_port, guarded.tls_port,
                    TROUPE_TEST_CA=path("authority.crt"))
    for x in (server, guarded):
        require_equal(x.stop()[0], 0, "the exit code")


def exchange(peer, data, size):
    """Sends data, in records of every size, while it reads so many bytes. One
    thread does both: Python's TLS does not bear two."""
    got, have, begin, step = [], 0, 0, 1
    peer.setblocking(False)
    while have < size:
        readable, writable, _ = select.select(
            [peer], [peer] if begin < len(data) else [], [], PATIENCE)
        require(readable or writable, "neither reading nor writing gets on")
        if writable:
            try:
                # After a refusal the same piece is offered again.
                begin += peer.send(data[begin:begin + step])
                step = step % 70_000 + 997
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        try:
            while piece := peer.recv(1 << 16):
                got.append(piece)
                have += len(piece)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            continue
        fail(f"the server closed after {have} of {size} bytes")
    return b"".join(got)


def check_pipeline(server):
    """Megabytes of small commands, in records of every size."""
    count = 50_000
    with TlsClient(server) as client:
        data = b"".join(encode("SET", f"pipeline:{i % 500}", i)
                        + encode("GET", f"pipeline:{i % 500}")
                        for i in range(count))
        wanted = b"".join(b"+OK\r\n" + bulk(b"%d" % i) for i in range(count))

        got = exchange(client.socket, data, len(wanted))
        require(got == wanted, "pipelined replies differ")
    return f"{2 * count} commands"


def check_large_values(server):
    value = os.urandom(1 << 20)
    with TlsClient(server) as client:
        for i in range(8):
            require_equal(client.ask("SET", f"large:{i}", value), b"+OK\r\n",
                          "SET of 1 MiB")
        names = [f"large:{i}" for i in range(8)]
        require(client.ask("MGET", *names) == b"*8\r\n" + bulk(value) * 8,
                "MGET of 8 MiB")
        # Several reads of the server's end in one record, and the other way.
        client.send(encode("GET", "large:0") * 50)
        for _ in range(50):
            require(client.exactly(len(bulk(value))) == bulk(value), "GET")
        require_equal(client.ask("DEL", *names), b":8\r\n", "DEL")


def check_publish(server):
    with TlsClient(server) as reader, TlsClient(server) as writer:
        reader.ask("SUBSCRIBE", "c")
        for i in range(1000):
            require_equal(writer.ask("PUBLISH", "c", f"{i}"), b":1\r\n",
                          "PUBLISH")
        for i in range(1000):
            require_equal(parse(reader.reply()),
                          [b"message", b"c", b"%d" % i], "a message")


def check_goodbye(server):
    """QUIT ends the session as TLS wants it: without an end that was cut off."""
    with TlsClient(server) as client:
        client.send(encode("PING") + encode("QUIT"))
        require_equal(client.rest(), b"+PONG\r\n+OK\r\n", "QUIT")
    with TlsClient(server) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING")
        # Fails when the server's goodbye does not come.
        client.socket.unwrap().close()
    with TlsClient(server) as client:
        own = int(client.ask("CLIENT", "ID")[1:])
        require_equal(client.ask("CLIENT", "KILL", "ID", own, "SKIPME", "no"),
                      b":1\r\n", "CLIENT KILL of itself")
        require_equal(client.rest(), b"", "after that")


def check_client_list(server):
    with TlsClient(server) as client:
        own = "%s:%d" % client.socket.getsockname()
        text = parse(client.ask("CLIENT", "LIST")).decode()
        require(f" addr={own} laddr=127.0.0.1:{server.tls_port} " in text, text)
        require_equal(parse(client.ask("CONFIG", "GET", "tls-port")),
                      [b"tls-port", b"%d" % server.tls_port], "CONFIG GET")
        require_equal(parse(client.ask("CONFIG", "GET", "tls-auth-clients")),
                      [b"tls-auth-clients", b"no"], "CONFIG GET")


# -- checks: new certificates ----------------------------------------------------------


def serial_of(server):
    with TlsClient(server) as client:
        require_equal(client.ask("PING"), b"+PONG\r\n", "PING")
        return client.serial()


def check_config_set():
    server = Troupe(*options())

    def config(*words):
        return client.ask("CONFIG", "SET", *words)

    with TlsClient(server) as client:
        require_equal(client.serial(), 1, "the first certificate")
        for words, reason in [
                (("tls-cert-file", path("renewed.crt")), b"does not belong"),
                (("tls-key-file", path("missing")), b"No such file"),
                (("tls-cert-file", path("garbage"), "timeout", 7),
                 b"no certificate"),
                (("tls-port", 1), b"immutable")]:
            reply = config(*words)
            require(reply.startswith(b"-ERR CONFIG SET failed")
                    and reason in reply and words[0].encode() in reply,
                    f"{words}: {reply!r}")
        require_equal(serial_of(server), 1, "after refusals")
        require_equal(parse(client.ask("CONFIG", "GET", "timeout")),
                      [b"timeout", b"0"], "the rest of a refused CONFIG SET")
        require_equal(config("tls-cert-file", path("renewed.crt"),
                             "tls-key-file", path("renewed.key")), b"+OK\r\n",
                      "CONFIG SET")
        require_equal(serial_of(server), 2, "the new certificate")
        require_equal(parse(client.ask("CONFIG", "GET", "tls-cert-file")),
                      [b"tls-cert-file", path("renewed.crt").encode()],
                      "CONFIG GET")
        require_equal(client.ask("PING"), b"+PONG\r\n", "an older session")
    server.stop()
    server = Troupe("--no-console")
    with Client(server.port) as client:
        reply = config("tls-cert-file", path("server.crt"))
        require(b"--tls-port" in reply, repr(reply))
    server.stop()


def copy(name, to):
    for kind in ("crt", "key"):
        with open(path(f"{name}.{kind}"), "rb") as file:
            data = file.read()
        # In one step, as who renews certificates should.
        with open(path("new"), "wb") as file:
            file.write(data)
        os.rename(path("new"), path(f"{to}.{kind}"))


def check_hangup():
    copy("server", "current")
    server = Troupe(*options(tls_cert_file=path("current.crt"),
                             tls_key_file=path("current.key")))
    require_equal(serial_of(server), 1, "the first certificate")
    copy("renewed", "current")
    server.send_signal(signal.SIGHUP)
    require(server.wait_for(rb"read the certificate anew"), "SIGHUP")
    require_equal(serial_of(server), 2, "the new certificate")
    os.rename(path("garbage"), path("current.crt"))
    server.send_signal(signal.SIGHUP)
    require(server.wait_for(rb"stays as it was: .*current\.crt"), "SIGHUP")
    require_equal(serial_of(server), 2, "after a bad file")
    # Nobody writes to it: to open it would take for ever.
    os.unlink(path("current.crt"))
    os.mkfifo(path("current.crt"))
    server.send_signal(signal.SIGHUP)
    require(server.wait_for(rb"stays as it was: .*it is a FIFO, not a regular"),
            "SIGHUP with a FIFO")
    require_equal(serial_of(server), 2, "after a FIFO")
    code, output = refused(*options(tls_cert_file=path("current.crt"),
                                    tls_key_file=path("current.key")))
    require(code == 2 and "it is a FIFO" in output, repr(output))
    require_equal(server.stop()[0], 0, "the exit code")


# -- checks: clients that are not ------------------------------------------------------


def read_all(peer):
    result = b""
    try:
        while data := peer.recv(1 << 16):
            result += data
    except ConnectionResetError:
        pass
    return result


def hello():
    """The first message of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context_of().wrap_bio(incoming, outgoing,
                                    server_hostname="127.0.0.1")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def garbage(server):
    first = hello()
    for data in (b"\x00", b"\xff" * 100, b"PING\r\n", encode("PING"),
                 b"GET / HTTP/1.1\r\n\r\n", os.urandom(100_000),
                 b"\x16\x03\x01\xff\xff" + os.urandom(70_000),
                 first[:5] + os.urandom(len(first) - 5),
                 first + os.urandom(1000), first + first,
                 b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x01x"):
        with raw(server.tls_port) as peer:
            try:
                peer.sendall(data)
                peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # The server had enough of it.
            got = read_all(peer)
            require(b"PONG" not in got, f"{data[:20]!r} was answered")


def truncated_handshakes(server):
    first = hello()
    for size in [*range(1, 20), *range(20, len(first), 37)]:
        with raw(server.tls_port) as peer:
            peer.sendall(first[:size])
            peer.shutdown(socket.SHUT_WR)
            read_all(peer)


def handshakes_byte_by_byte(server):
    with raw(server.tls_port) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello():
            peer.sendall(bytes([byte]))
        require(peer.recv(3)[:1] == b"\x16", "no answer to a slow hello")


def half_open_handshakes(server):
    first = hello()
    peers = [raw(server.tls_port) for _ in range(HALF_OPEN)]
    for i, peer in enumerate(peers):
        peer.sendall(first[:i % len(first)])
    check_alive(server, "beside half-open handshakes")
    for peer in peers:
        peer.close()


def ends_without_goodbye(server):
    """A cut connection: whole commands count, half of one does not."""
    client = TlsClient(server)
    client.send(encode("SET", "cut", "1"))
    client.reply()
    client.send(encode("SET", "cut", "2") + encode("SET", "cut", "3")[:-4])
    bare = client.socket.detach()
    socket.socket(fileno=bare).close()
    with TlsClient(server) as other:
        poll(lambda: other.ask("GET", "cut") == bulk(b"2"),
             "what came before the cut")
    # The same from the other end: records that were damaged on their way.
    bare = raw(server.tls_port)
    with context_of().wrap_socket(bare, server_hostname="127.0.0.1") as client:
        client.sendall(encode("PING"))
        require_equal(client.recv(100), b"+PONG\r\n", "PING")
        os.write(client.fileno(), b"\x17\x03\x03\x00\x20" + b"z" * 32)
        try:
            require_equal(client.recv(100), b"", "after a damaged record")
        except OSError:
            pass


def plain_clients(server):
    with raw(server.tls_port) as peer:
        peer.sendall(encode("PING"))
        require(b"PONG" not in read_all(peer), "TLS is not needed")


def tls_clients_on_the_plain_port(server):
    try:
        with socket.create_connection(("127.0.0.1", server.port),
                                      PATIENCE) as peer:
            context_of().wrap_socket(peer, server_hostname="127.0.0.1")
        fail("the plain port speaks TLS")
    except ssl.SSLError:
        pass
    with Client(server.port) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
        require_equal(client.rest(), b"-ERR Protocol error: this port speaks no "
                      b"TLS\r\n", "a handshake at the plain port")


def renegotiation(server):
    """The openssl tool asks for it when a line is R; TLS 1.2 only."""
    with subprocess.Popen(
            ["openssl", "s_client", "-tls1_2", "-CAfile", path("authority.crt"),
             "-connect", f"127.0.0.1:{server.tls_port}"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tool:
        # With its input open, it ends only when it is refused.
        patience = threading.Timer(PATIENCE, tool.kill)
        patience.start()
        tool.stdin.write(b"R\n")
        tool.stdin.flush()
        output = tool.stdout.read()
        patience.cancel()
    require(b"no renegotiation" in output, f"renegotiation: {output[-300:]!r}")


def who_never_reads(server):
    with TlsClient(server) as client:
        client.ask("SET", "large", b"x" * (1 << 20))
    before = server.resident_bytes()
    peers = []
    for _ in range(20):
        peer = TlsClient(server).socket
        peer.setblocking(False)
        try:
            # Together they ask for gigabytes.
            for _ in range(1000):
                peer.send(encode("GET", "large") * 100)
        except (ssl.SSLWantWriteError, BlockingIOError):
            pass
        peers.append(peer)
    check_alive(server, "beside clients that never read")
    grown = server.resident_bytes() - before
    require(keeps_freed_memory() or grown < 400 << 20,
            f"the server grew by {grown >> 20} MiB")
    for peer in peers:
        peer.close()
    with TlsClient(server) as client:
        require_equal(client.ask("DEL", "large"), b":1\r\n", "DEL")


def check_slow_handshakes():
    """Who does not finish the handshake is cut off and leaves its place."""
    server = Troupe("--max-connections=3",
                    *options(tls_handshake_timeout="2s"))
    peers = [raw(server.tls_port) for _ in range(3)]
    for peer in peers:
        try:
            peer.sendall(hello()[:50])
        except OSError:
            pass  # It took us too long already.
    for peer in peers:
        require_equal(read_all(peer), b"", "a handshake that takes too long")

    def admitted():
        try:
            with TlsClient(server) as client:
                return client.ask("PING") == b"+PONG\r\n"
        except (Failure, OSError):
            return False  # Too slow ourselves, or no place is free yet.

    poll(admitted, "a place to become free")
    require_equal(server.stop()[0], 0, "the exit code")


def check_connection_limit():
    """Half-open handshakes count."""
    server = Troupe("--max-connections=3",
                    *options(tls_handshake_timeout="1h"))
    peers = [raw(server.tls_port) for _ in range(3)]
    for peer in peers:
        peer.sendall(hello())
        require_equal(peer.recv(1), b"\x16", "the server's half of it")
    with Client(server.port) as client:
        require_equal(client.rest(), b"-ERR max number of clients reached\r\n",
                      "a fourth client, without TLS")
    with raw(server.tls_port) as peer:
        require_equal(read_all(peer), b"", "a fourth client, with TLS")
    # A stop does not wait for them.
    code, output = server.stop()
    require(code == 0 and b"cut off" not in output, repr(output))
    for peer in peers:
        peer.close()


def check_drain():
    server = Troupe(*options(drain_timeout=f"{PATIENCE:g}s"))
    value = b"d" * (1 << 20)
    with TlsClient(server) as idle, TlsClient(server) as busy:
        require_equal(idle.ask("PING"), b"+PONG\r\n", "PING")
        busy.ask("SET", "k", value)
        busy.send(encode("GET", "k") * 50)
        busy.exactly(len(bulk(value)))
        server.send_signal(signal.SIGTERM)
        got = busy.rest()
        require(got == bulk(value) * 49, f"{len(got)} bytes came in the drain")
        require_equal(idle.rest(), b"", "an idle client")
    code, output = server.wait()
    require(code == 0 and b"cut off" not in output, repr(output))


def check_attacks():
    server = Troupe("--threads=2", *options())
    with TlsClient(server) as client:
        require_equal(client.ask("SET", "sentinel", SENTINEL), b"+OK\r\n", "SET")
    for attack in (garbage, truncated_handshakes, handshakes_byte_by_byte,
                   half_open_handshakes, ends_without_goodbye, plain_clients,
                   tls_clients_on_the_plain_port, renegotiation,
                   who_never_reads):
        check(attack.__name__.replace("_", " "), attack, server)
        check_alive(server, attack.__name__)
    with TlsClient(server) as client:
        require(int(info(client, "tls_handshakes_failed")) > 10, "INFO")
    require_equal(server.stop()[0], 0, "the exit code")


def main():
    require(installed("openssl"), "openssl is needed (Debian: openssl)")
    make_certificates()
    check("options that do not fit are named", check_bad_options)
    check("a key with a password", check_locked_key)
    check("TLS alone, with certificates of clients", check_only_tls)
    check("optional certificates", check_optional_certificates)
    check("versions", check_versions)
    server = Troupe("--threads=2", *options())
    if installed("redis-cli", "redis-benchmark"):
        check("redis-cli", check_redis_cli, server)
        check("redis-benchmark", check_redis_benchmark, server)
    check("pipelines", check_pipeline, server)
    check("values of a megabyte", check_large_values, server)
    check("messages", check_publish, server)
    check("goodbyes", check_goodbye, server)
    check("CLIENT LIST and CONFIG GET", check_client_list, server)
    require_equal(server.stop()[0], 0, "the exit code")
    check("the attacks", check_attacks)
    check("handshakes that take too long", check_slow_handshakes)
    check("the limit of connections", check_connection_limit)
    check("a drain", check_drain)
    check("new certificates by CONFIG SET", check_config_set)
    check("new certificates by SIGHUP", check_hangup)
    if installed("node", "npm"):
        check("libraries", check_libraries)


if __name__ == "__main__":
    servers.run(__doc__, main)
