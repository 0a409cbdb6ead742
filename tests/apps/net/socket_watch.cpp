#include "apps/net/socket_watch.hpp"

#include <functional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"

using namespace troupe::net;

namespace {

// Two ends of a connection that do not block.
struct pair_of_sockets {
  pair_of_sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    near = ends[0];
    far = ends[1];
  }

  ~pair_of_sockets() {
    close(near);
    close(far);
  }

  pair_of_sockets(const pair_of_sockets&) = delete;

  static void close(int& end) {
    if (end >= 0)
      ::close(std::exchange(end, -1));
  }

  void speak() const {
    REQUIRE(::send(far, "x", 1, 0) == 1);
  }

  // Until the near end takes no more.
  void fill() const {
    std::vector<char> bytes(1 << 16);
    while (::send(near, bytes.data(), bytes.size(), 0) > 0)
      ;
  }

  void drain_far() const {
    std::vector<char> bytes(1 << 16);
    while (::recv(far, bytes.data(), bytes.size(), 0) > 0)
      ;
  }

  int near = -1;
  int far = -1;
};

struct listener final : socket_watch::owner {
  void on_ready() noexcept override {
    ++calls;
    if (then)
      then();
  }

  int calls = 0;
  std::function<void()> then;
};

struct fixture {
  fixture() {
    uut.start();
  }

  // What is ready now, and what follows from it.
  void run() {
    for (int i = 0; i < 10; ++i)
      context.poll();
  }

  boost::asio::io_context context{1};
  socket_watch uut{context};
};

} // namespace

TEST_CASE("a wait for input ends when there is some", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  f.run();
  CHECK(who.calls == 0);
  x.speak();
  f.run();
  CHECK(who.calls == 1);
  // What was not read counts for the next wait, and for that alone.
  f.run();
  CHECK(who.calls == 1);
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  f.run();
  CHECK(who.calls == 2);
}

TEST_CASE("a wait for output ends when there is room", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  x.fill();
  REQUIRE(f.uut.await(x.near, readiness::output, who));
  f.run();
  CHECK(who.calls == 0);
  x.drain_far();
  f.run();
  CHECK(who.calls == 1);
}

TEST_CASE("waits for input and output are two", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  x.fill();
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  REQUIRE(f.uut.await(x.near, readiness::output, who));
  x.speak();
  f.run();
  CHECK(who.calls == 1);
  // The input is still there, and nobody waits for it any more.
  x.drain_far();
  f.run();
  CHECK(who.calls == 2);
}

TEST_CASE("a wait ends when the other end goes", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  pair_of_sockets::close(x.far);
  f.run();
  CHECK(who.calls == 1);
  // It has failed for good, which does not keep the thread busy.
  while (f.context.poll() > 0)
    ;
  CHECK(who.calls == 1);
}

TEST_CASE("who waits again in its turn is told again", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  who.then = [&] {
    if (who.calls < 5)
      REQUIRE(f.uut.await(x.near, readiness::input, who));
  };
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  x.speak();
  f.run();
  CHECK(who.calls == 5);
}

TEST_CASE("a socket that was forgotten is not told of", "[watch]") {
  fixture f;
  pair_of_sockets x;
  pair_of_sockets y;
  listener first;
  listener second;
  // Both are ready in one round; whoever comes first ends the other.
  first.then = [&] { f.uut.forget(y.near); };
  second.then = [&] { f.uut.forget(x.near); };
  REQUIRE(f.uut.await(x.near, readiness::input, first));
  REQUIRE(f.uut.await(y.near, readiness::input, second));
  x.speak();
  y.speak();
  f.run();
  CHECK(first.calls + second.calls == 1);
}

TEST_CASE("a number that is used again is another socket", "[watch]") {
  fixture f;
  listener late;
  listener next;
  pair_of_sockets x;
  pair_of_sockets y;
  pair_of_sockets z;
  REQUIRE(f.uut.await(x.near, readiness::input, late));
  listener ender;
  // In the round in which the old socket is ready, too, another takes its number.
  ender.then = [&] {
    f.uut.forget(x.near);
    REQUIRE(::dup2(z.near, x.near) == x.near);
    REQUIRE(f.uut.await(x.near, readiness::input, next));
  };
  REQUIRE(f.uut.await(y.near, readiness::input, ender));
  y.speak();
  x.speak();
  f.run();
  CHECK(next.calls == 0);
  CHECK(late.calls + ender.calls >= 1);
  z.speak();
  f.run();
  CHECK(next.calls == 1);
}

TEST_CASE("many sockets are told of, each once", "[watch]") {
  fixture f;
  constexpr std::size_t count = 400; // More than one look at the set tells of.
  std::vector<pair_of_sockets> all(count);
  std::vector<listener> who(count);
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(f.uut.await(all[i].near, readiness::input, who[i]));
  for (auto& x : all)
    x.speak();
  f.run();
  for (auto& x : who)
    CHECK(x.calls == 1);
}

TEST_CASE("an event loop ends when its watch is stopped", "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  REQUIRE(f.uut.await(x.near, readiness::input, who));
  who.then = [&] { f.uut.stop(); };
  x.speak();
  f.context.run();
  CHECK(who.calls == 1);
}

TEST_CASE("a peer that hangs up is told of, not what it has sent before",
          "[watch]") {
  fixture f;
  pair_of_sockets x;
  listener who;
  REQUIRE(f.uut.await(x.near, readiness::hang_up, who));
  x.speak();
  f.run();
  CHECK(who.calls == 0);
  SECTION("when it closes") {
    pair_of_sockets::close(x.far);
  }
  SECTION("when it sends no more") {
    REQUIRE(::shutdown(x.far, SHUT_WR) == 0);
  }
  f.run();
  CHECK(who.calls == 1);
}
