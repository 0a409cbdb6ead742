#include <troupe/actors/gate/detail/listener.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/gate/detail/entering.hpp>
#include <troupe/actors/gate/detail/folder.hpp>
#include <troupe/actors/gate/detail/protocol.hpp>
#include <troupe/actors/gate/detail/reaching.hpp>
#include <troupe/actors/gate/find_consoles.hpp>

#include "catch.hpp"
#include "progress.hpp"
#include "scratch_folder.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::gate;

namespace {

constexpr auto patience = 20s;

/// What a doorkeeper says to a whole message.
struct decision {
  doorkeeper::verdict verdict;
  std::optional<wire_message> reply;
};

decision tell(doorkeeper& keeper, const wire_message& x) {
  decision result{};
  result.verdict = keeper.take(x, result.reply);
  return result;
}

/// Takes in whoever comes, and keeps them.
struct house {
  void operator()(guest x) {
    std::lock_guard guard{mutex};
    guests.push_back(std::move(x));
  }

  [[nodiscard]] std::size_t size() {
    std::lock_guard guard{mutex};
    return guests.size();
  }

  [[nodiscard]] listener::taker door() {
    return [this](guest x) { (*this)(std::move(x)); };
  }

  std::mutex mutex;
  std::vector<guest> guests;
};

/// Whether the other side has closed.
bool is_closed(const unique_descriptor& x) {
  char byte = 0;
  const auto count = ::recv(x.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return count == 0 || (count < 0 && errno != EAGAIN);
}

} // namespace

// -- the protocol --------------------------------------------------------------------

TEST_CASE("a console that knows the password is let in, and knows the runtime",
          "[gate]") {
  const salt with{1, 2, 3};
  const auto key = secret::derive("secret", with).value();
  doorkeeper keeper{&key, with};
  visitor console{"secret"};
  auto first = tell(keeper, console.hello());
  CHECK(first.verdict == doorkeeper::verdict::waits);
  auto proof = console.take(first.reply.value());
  REQUIRE(proof);
  CHECK_FALSE(proof->is_in);
  auto second = tell(keeper, proof->reply.value());
  CHECK(second.verdict == doorkeeper::verdict::let_in);
  CHECK(console.take(second.reply.value())->is_in);
}

TEST_CASE("a console with a wrong password is refused and told so", "[gate]") {
  const salt with{};
  const auto key = secret::derive("secret", with).value();
  for (const std::string guess : {"", "Secret", "secret\n", "secretsecret"}) {
    doorkeeper keeper{&key, with};
    visitor console{guess};
    auto proof = console.take(tell(keeper, console.hello()).reply.value());
    auto last = tell(keeper, proof->reply.value());
    CHECK(last.verdict == doorkeeper::verdict::turned_away);
    auto heard = console.take(last.reply.value());
    CHECK(heard.error() == errc::invalid_argument);
    CHECK(heard.error().text() == "the password is wrong");
  }
}

TEST_CASE("no byte of a password is on the wire, and no proof counts twice",
          "[gate]") {
  const salt with{9};
  const auto key = secret::derive("secret", with).value();
  visitor console{"secret"};
  const auto hello = console.hello();
  doorkeeper first{&key, with};
  const auto proof
    = console.take(tell(first, hello).reply.value())->reply.value();
  CHECK(std::string{proof.begin(), proof.end()}.find("secret")
        == std::string::npos);
  // The same hello and the same proof, to the next connection.
  doorkeeper second{&key, with};
  tell(second, hello);
  CHECK(tell(second, proof).verdict == doorkeeper::verdict::turned_away);
}

TEST_CASE("a runtime that does not know the password is not believed",
          "[gate]") {
  const salt with{};
  const auto other = secret::derive("other", with).value();
  visitor console{"secret"};
  static_cast<void>(console.hello());
  // It lets in at once,
  message welcome{kind::welcome, {}};
  CHECK(console.take(encode(welcome)).error().text()
        == "it does not ask for the password");
  // or says that any proof is good,
  message challenge{kind::challenge, {1, 2, 3}};
  const auto proof = console.take(encode(challenge));
  REQUIRE(proof);
  CHECK(console.take(encode(welcome)).error().text()
        == "it does not know the password itself");
  // or sends the console's own proof back.
  const auto sent = decode(*proof->reply).value();
  welcome.content = sent.content;
  CHECK(console.take(encode(welcome)).error() == errc::invalid_argument);
  // A second challenge is no answer.
  CHECK(console.take(encode(challenge)).error() == errc::system_error);
}

TEST_CASE("a known user needs no password, and no other message", "[gate]") {
  doorkeeper keeper;
  visitor console;
  auto only = tell(keeper, console.hello());
  CHECK(only.verdict == doorkeeper::verdict::let_in);
  CHECK(console.take(only.reply.value())->is_in);
  // One who is asked for a password has none to send.
  CHECK(console.take(encode(message{kind::challenge, {}})).error()
        == errc::invalid_argument);
  for (auto x : {kind::challenge, kind::proof, kind::welcome, kind::refusal}) {
    doorkeeper strict;
    CHECK(tell(strict, encode(message{x, {}})).verdict
          == doorkeeper::verdict::turned_away);
  }
}

TEST_CASE("what speaks another language is turned away at its first byte",
          "[gate]") {
  for (const auto& begin :
       {std::string{"\1", 1}, std::string{"\0", 1}, std::string{"GET / HTTP"},
        std::string{"TROUPF"}, std::string{"TROUPE\2", 7},
        std::string{"TROUPE\1\6", 8}, std::string{"TROUPE\1\0", 8}}) {
    doorkeeper keeper;
    std::optional<wire_message> reply;
    const std::vector<std::uint8_t> bytes{begin.begin(), begin.end()};
    CHECK(keeper.take(bytes, reply) == doorkeeper::verdict::turned_away);
    CHECK_FALSE(reply);
  }
}

TEST_CASE("a message may come byte by byte, and no byte beyond it is read",
          "[gate]") {
  doorkeeper keeper;
  visitor console;
  const auto hello = console.hello();
  std::optional<wire_message> reply;
  for (std::size_t i = 0; i < hello.size(); ++i) {
    CHECK(keeper.wanted() == message_size - i);
    CHECK(keeper.take({&hello[i], 1}, reply)
          == (i + 1 == hello.size() ? doorkeeper::verdict::let_in
                                    : doorkeeper::verdict::waits));
  }
  CHECK(reply);
}

TEST_CASE("no change of a bit of a proof is let in", "[gate]") {
  const salt with{4};
  const auto key = secret::derive("secret", with).value();
  const auto try_with = [&](auto change) {
    doorkeeper keeper{&key, with};
    const message hello{kind::hello, {7, 7}};
    const auto challenge
      = decode(tell(keeper, encode(hello)).reply.value()).value();
    auto proof = encode(
      message{kind::proof,
              key.sign("troupe console 1", challenge.content, hello.content)});
    change(proof);
    return tell(keeper, proof).verdict;
  };
  CHECK(try_with([](wire_message&) {}) == doorkeeper::verdict::let_in);
  for (std::size_t bit = 0; bit < message_size * 8; ++bit)
    CHECK(try_with([&](wire_message& x) {
            x[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
          })
          == doorkeeper::verdict::turned_away);
}

// -- the folder ----------------------------------------------------------------------

TEST_CASE("a run-time folder that others may enter or have made is refused",
          "[gate]") {
  scratch_folder scratch;
  CHECK(check_folder(scratch.path));
  CHECK(check_folder(scratch.path + "/none").error() == errc::system_error);
  REQUIRE(::chmod(scratch.path.c_str(), 0750) == 0);
  CHECK(check_folder(scratch.path).error().text().find("chmod 700")
        != std::string::npos);
  REQUIRE(::chmod(scratch.path.c_str(), 0700) == 0);
  const auto link = scratch.path + "/link";
  REQUIRE(::symlink("/tmp", link.c_str()) == 0);
  CHECK(check_folder(link).error().text().find("not a directory")
        != std::string::npos);
  if (::geteuid() == 0) {
    REQUIRE(::chown(scratch.path.c_str(), 4711, 4711) == 0);
    CHECK(check_folder(scratch.path).error().text().find("4711")
          != std::string::npos);
    REQUIRE(::chown(scratch.path.c_str(), 0, 0) == 0);
  }
}

TEST_CASE(
  "a socket is for its user, replaces a dead one, and goes with its owner",
  "[gate]") {
  scratch_folder scratch;
  const auto path = scratch.path + "/a.sock";
  {
    auto uut = socket_file::listen(path);
    REQUIRE(uut);
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600);
    CHECK(socket_file::listen(path).error().text().find("another program")
          != std::string::npos);
    // As after kill -9: the name stays, nobody listens.
    uut->descriptor().close();
    auto next = socket_file::listen(path);
    REQUIRE(next);
    CHECK(connect_to(console_socket{path}, patience));
    // The first one leaves the name to the second.
    auto gone = std::move(uut);
    gone = tl::unexpected{error{}};
    CHECK(::access(path.c_str(), F_OK) == 0);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
  // What is no socket stays.
  std::ofstream{path} << "mine";
  CHECK(socket_file::listen(path).error().text().find("something else")
        != std::string::npos);
  CHECK(socket_file::listen("").error() == errc::invalid_argument);
  CHECK(socket_file::listen(scratch.path + "/none/a.sock").error()
        == errc::system_error);
}

// -- the listener --------------------------------------------------------------------

TEST_CASE("a listener hands on whom it knows, and says who that is", "[gate]") {
  scratch_folder scratch;
  house inside;
  auto by_file
    = listener::open(console_socket{scratch.path + "/a.sock"}, inside.door());
  REQUIRE(by_file);
  const console_port knowing{0, "127.0.0.1", "secret"};
  auto by_port = listener::open(knowing, inside.door());
  REQUIRE(by_port);
  auto first = enter(console_socket{(*by_file)->path()}, patience);
  REQUIRE(first);
  auto second
    = enter(console_port{(*by_port)->port(), "127.0.0.1", "secret"}, patience);
  REQUIRE(second);
  eventually([&] { return inside.size() == 2; });
  CHECK(inside.guests[0].from
        == "unix socket, user " + std::to_string(::geteuid()) + ", process "
             + std::to_string(::getpid()));
  CHECK(inside.guests[1].from.empty());
  // They speak to each other now: nothing was read or written beyond the protocol.
  REQUIRE(::send(first->get(), "x", 1, 0) == 1);
  char byte = 0;
  eventually([&] {
    return ::recv(inside.guests[0].descriptor.get(), &byte, 1, MSG_DONTWAIT)
           == 1;
  });
  CHECK(byte == 'x');
  auto refused
    = enter(console_port{(*by_port)->port(), "127.0.0.1", "guess"}, patience);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text() == "the password is wrong");
  CHECK(inside.size() == 2);
}

TEST_CASE("no console is let in beyond the limit until one has gone",
          "[gate]") {
  scratch_folder scratch;
  house inside;
  const console_socket where{scratch.path + "/a.sock"};
  auto uut = listener::open(where, inside.door(), {.inside = 2});
  REQUIRE(uut);
  auto first = enter(where, patience);
  auto second = enter(where, patience);
  REQUIRE((first && second));
  auto third = enter(where, patience);
  REQUIRE_FALSE(third);
  CHECK(third.error().text().find("as many consoles") != std::string::npos);
  eventually([&] { return inside.size() == 2; });
  {
    std::lock_guard guard{inside.mutex};
    inside.guests.clear();
  }
  CHECK(enter(where, patience));
}

TEST_CASE("strangers that say hello do not keep a console out", "[gate]") {
  house inside;
  auto uut
    = listener::open(console_port{0, "127.0.0.1", "secret"}, inside.door());
  REQUIRE(uut);
  const console_port where{(*uut)->port(), "127.0.0.1", "secret"};
  std::atomic<bool> over{false};
  std::atomic<int> knocks{0};
  std::thread strangers{[&] {
    const auto hello = visitor{}.hello();
    std::deque<unique_descriptor> open;
    while (!over) {
      auto made = connect_to(where, patience);
      if (!made)
        continue;
      static_cast<void>(
        ::send(made->get(), hello.data(), hello.size(), MSG_NOSIGNAL));
      open.push_back(std::move(*made));
      if (open.size() > 100)
        open.pop_front();
      ++knocks;
    }
  }};
  eventually([&] { return knocks > 100; });
  // While a console makes its key, there are more of them than may wait.
  for (int i = 0; i < 5; ++i) {
    const auto console = enter(where, patience);
    CHECK((console ? "" : console.error().text()) == "");
  }
  over = true;
  strangers.join();
}

TEST_CASE("a console whose connection was closed may say hello again",
          "[gate]") {
  const salt with{5};
  const auto key = secret::derive("secret", with).value();
  visitor console{"secret"};
  for (int i = 0; i < 2; ++i) {
    doorkeeper keeper{&key, with};
    auto proof = console.take(tell(keeper, console.hello()).reply.value());
    REQUIRE(proof);
    auto last = tell(keeper, proof->reply.value());
    CHECK(last.verdict == doorkeeper::verdict::let_in);
    CHECK(console.take(last.reply.value())->is_in);
  }
}

TEST_CASE("an exception that one connection causes closes that one", "[gate]") {
  scratch_folder scratch;
  const console_socket where{scratch.path + "/a.sock"};
  std::atomic<int> taken{0};
  auto uut = listener::open(where, [&](guest) {
    if (++taken == 1)
      throw std::bad_alloc{};
  });
  REQUIRE(uut);
  for (int i = 1; i <= 2; ++i) {
    const auto console = enter(where, patience);
    REQUIRE(console);
    eventually([&] { return taken == i; });
    eventually([&] { return is_closed(*console); });
  }
}

TEST_CASE("a TCP console that has been let in is looked after", "[gate]") {
  house inside;
  auto uut
    = listener::open(console_port{0, "127.0.0.1", "secret"}, inside.door());
  REQUIRE(uut);
  const auto console
    = enter(console_port{(*uut)->port(), "127.0.0.1", "secret"}, patience);
  REQUIRE(console);
  eventually([&] { return inside.size() == 1; });
  int on = 0;
  socklen_t size = sizeof(on);
  REQUIRE(::getsockopt(inside.guests[0].descriptor.get(), SOL_SOCKET,
                       SO_KEEPALIVE, &on, &size)
          == 0);
  CHECK(on == 1);
}

TEST_CASE("localhost is 127.0.0.1 before it is ::1", "[gate]") {
  const auto uut = listen_on("localhost", 0);
  REQUIRE(uut);
  CHECK(connect_to(console_port{uut->port, "127.0.0.1", ""}, patience));
  // A stranger has the same port of ::1, where this machine has one.
  const auto stranger = listen_on("::1", uut->port);
  const auto made
    = connect_to(console_port{uut->port, "localhost", ""}, patience);
  REQUIRE(made);
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  REQUIRE(::getpeername(made->get(), reinterpret_cast<sockaddr*>(&peer), &size)
          == 0);
  CHECK(peer.ss_family == AF_INET);
}

TEST_CASE("a socket that another user listens on is not believed", "[gate]") {
  if (::geteuid() != 0)
    return;
  constexpr uid_t stranger = 4711;
  constexpr uid_t nobody = 65534;
  scratch_folder scratch;
  REQUIRE(::chmod(scratch.path.c_str(), 0777) == 0);
  const console_socket where{scratch.path + "/a.sock"};
  // The system notes whose socket it is when it listens.
  REQUIRE(::seteuid(stranger) == 0);
  auto uut = socket_file::listen(where.path);
  REQUIRE(::seteuid(0) == 0);
  REQUIRE(uut);
  REQUIRE(::chmod(where.path.c_str(), 0666) == 0);
  const auto ask = [&](uid_t user) {
    REQUIRE(::seteuid(user) == 0);
    auto result = connect_to(where, patience);
    REQUIRE(::seteuid(0) == 0);
    return result;
  };
  for (const auto user : {uid_t{0}, nobody}) {
    const auto refused = ask(user);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().text().find("4711") != std::string::npos);
  }
  CHECK(ask(stranger));
  // Root looks into the folder of another user, which that user alone can write.
  REQUIRE(::chown(scratch.path.c_str(), stranger, stranger) == 0);
  REQUIRE(::chmod(scratch.path.c_str(), 0755) == 0);
  CHECK(ask(0));
  CHECK_FALSE(ask(nobody));
  REQUIRE(::chown(scratch.path.c_str(), 0, 0) == 0);
  // Anybody believes a socket of root's.
  REQUIRE(::chmod(scratch.path.c_str(), 0755) == 0);
  const console_socket of_root{scratch.path + "/b.sock"};
  auto trusted = socket_file::listen(of_root.path);
  REQUIRE(trusted);
  REQUIRE(::chmod(of_root.path.c_str(), 0666) == 0);
  REQUIRE(::seteuid(nobody) == 0);
  const auto made = connect_to(of_root, patience);
  REQUIRE(::seteuid(0) == 0);
  CHECK(made);
}

TEST_CASE("the lock of a stranger keeps no socket from its folder", "[gate]") {
  scratch_folder scratch;
  const auto path = scratch.path + "/a.sock";
  const unique_descriptor held{
    ::open(scratch.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(::flock(held.get(), LOCK_EX) == 0);
  // Others may enter: anybody may have locked it.
  REQUIRE(::chmod(scratch.path.c_str(), 0755) == 0);
  {
    auto uut = socket_file::listen(path);
    REQUIRE(uut);
    CHECK(socket_file::listen(path).error().text().find("another program")
          != std::string::npos);
    CHECK(connect_to(console_socket{path}, patience));
    // A dead one gives way here, too.
    uut->descriptor().close();
    auto next = socket_file::listen(path);
    REQUIRE(next);
    CHECK(connect_to(console_socket{path}, patience));
  }
  std::ofstream{path} << "mine";
  CHECK(socket_file::listen(path).error().text().find("something else")
        != std::string::npos);
  // Nothing else is left behind.
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& x :
       std::filesystem::directory_iterator{scratch.path})
    ++files;
  CHECK(files == 1);
  REQUIRE(::chmod(scratch.path.c_str(), 0700) == 0);
  // In a folder of this user's the lock is one of our own programs'.
  CHECK(socket_file::listen(scratch.path + "/b.sock")
          .error()
          .text()
          .find("has locked")
        != std::string::npos);
}

TEST_CASE("dead sockets leave the run-time folder when another is made",
          "[gate]") {
  scratch_folder scratch;
  const auto* before = std::getenv("XDG_RUNTIME_DIR");
  const std::string kept = before == nullptr ? "" : before;
  REQUIRE(::setenv("XDG_RUNTIME_DIR", scratch.path.c_str(), 1) == 0);
  const auto folder = runtime_folder();
  REQUIRE(folder);
  const auto dead = [&](const std::string& name) {
    auto made = socket_file::listen(*folder + "/new.sock");
    REQUIRE(made);
    const auto path = *folder + "/" + name;
    REQUIRE(::rename((*folder + "/new.sock").c_str(), path.c_str()) == 0);
    return path;
  };
  // Each is dead when the next is made, so that the first ones have gone by then.
  const std::vector<std::string> own{
    dead("6380.sock"), dead("pid-12.sock"), dead("pid-12-3.sock"),
    dead("6380.sock.4711"), dead("6380.sock.4711~")};
  const auto foreign = dead("mine.sock");
  auto uut = socket_file::listen(*folder + "/6381.sock");
  REQUIRE(uut);
  for (const auto& path : own) {
    INFO(path);
    CHECK(::access(path.c_str(), F_OK) != 0);
  }
  // It may be another program's, between its bind and its listen.
  CHECK(::access(foreign.c_str(), F_OK) == 0);
  // One that lives stays.
  auto next = socket_file::listen(*folder + "/6382.sock");
  REQUIRE(next);
  CHECK(::access(uut->path().c_str(), F_OK) == 0);
  if (before == nullptr)
    ::unsetenv("XDG_RUNTIME_DIR");
  else
    ::setenv("XDG_RUNTIME_DIR", kept.c_str(), 1);
}

TEST_CASE("silent strangers neither stay nor keep a console out", "[gate]") {
  house inside;
  // A console makes its key meanwhile, for 30 ms of a processor that may be busy.
  const limits most{.waiting = 4, .patience = 3s};
  auto uut = listener::open(console_port{0, "127.0.0.1", "secret"},
                            inside.door(), most);
  REQUIRE(uut);
  const console_port where{(*uut)->port(), "127.0.0.1", "secret"};
  std::vector<unique_descriptor> strangers;
  for (int i = 0; i < 40; ++i) {
    auto made = connect_to(where, patience);
    REQUIRE(made);
    strangers.push_back(std::move(*made));
  }
  // Each new one closes another at once, and the last ones have their time.
  eventually([&] {
    return std::count_if(strangers.begin(), strangers.end(), is_closed) >= 36;
  });
  CHECK(enter(where, patience));
  eventually(
    [&] { return std::all_of(strangers.begin(), strangers.end(), is_closed); });
  eventually([&] { return inside.size() == 1; });
}

TEST_CASE("random openings are all turned away", "[gate]") {
  std::mt19937 random{20260101};
  house inside;
  auto uut
    = listener::open(console_port{0, "127.0.0.1", "secret"}, inside.door());
  REQUIRE(uut);
  const console_port where{(*uut)->port(), "127.0.0.1", "secret"};
  for (int i = 0; i < 500; ++i) {
    auto made = connect_to(where, patience);
    REQUIRE(made);
    // Half of them begin as a console does.
    auto bytes = visitor{}.hello();
    std::string text{bytes.begin(), bytes.end()};
    if (i % 2 == 0)
      text.clear();
    for (auto left = random() % 100; left > 0; --left)
      text += static_cast<char>(random());
    static_cast<void>(
      ::send(made->get(), text.data(), text.size(), MSG_NOSIGNAL));
  }
  // What was sent before it has been read when the console is inside, or will be
  // refused all the same.
  CHECK(enter(where, patience));
  eventually([&] { return inside.size() >= 1; });
  CHECK(inside.size() == 1);
}
