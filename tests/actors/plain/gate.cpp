#include <troupe/actors/detail/gate/listener.hpp>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/actors/console_address.hpp>
#include <troupe/actors/detail/gate/folder.hpp>
#include <troupe/actors/detail/gate/protocol.hpp>
#include <troupe/actors/detail/gate/sockets.hpp>

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

TEST_CASE("silent strangers neither stay nor keep a console out", "[gate]") {
  house inside;
  const limits most{.waiting = 4, .patience = 300ms};
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
  CHECK(inside.size() == 0);
  CHECK(enter(where, patience));
}
