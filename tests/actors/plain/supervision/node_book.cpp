#include <troupe/actors/supervision/node_book.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

TEST_CASE("a node is known from its first request to the end of its actors") {
  manual_clock time;
  const auto begin = time.now();
  node_book book;
  auto first = book.asked("a", 1, time.now());
  CHECK(first.node);
  CHECK(first.actor);
  time.advance(5s);
  auto again = book.asked("a", 1, time.now());
  CHECK_FALSE(again.node);
  CHECK_FALSE(again.actor);
  auto other = book.asked("a", 2, time.now());
  CHECK_FALSE(other.node);
  CHECK(other.actor);
  book.locate("a", "127.0.0.1:1234");
  book.locate("nobody", "127.0.0.1:1");

  auto rows = book.list(10);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].id == "a");
  CHECK(rows[0].address == "127.0.0.1:1234");
  CHECK(rows[0].since == begin);
  CHECK(rows[0].requests == 3);
  CHECK(rows[0].actors == 2);

  book.gone("a", 1);
  book.gone("a", 1);
  book.gone("nobody", 1);
  CHECK(book.size() == 1);
  book.gone("a", 2);
  CHECK(book.size() == 0);
  CHECK(book.asked("a", 1, time.now()).node);
  CHECK(book.list(10)[0].since == time.now());
}

TEST_CASE("nodes are listed in the order in which they came") {
  node_book book;
  for (const auto* name : {"c", "a", "b"})
    book.asked(name, 1, {});
  auto rows = book.list(2);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == "c");
  CHECK(rows[1].id == "a");
  CHECK(book.size() == 3);
}

TEST_CASE("a full book takes nothing more in") {
  node_book book{{2, 3}};
  CHECK(book.asked("a", 1, {}).node);
  CHECK(book.asked("b", 1, {}).node);
  CHECK_FALSE(book.asked("c", 1, {}).actor);
  CHECK(book.size() == 2);
  CHECK(book.asked("b", 2, {}).actor);
  CHECK_FALSE(book.asked("b", 3, {}).actor);
  // Requests of those who are known count all the same.
  CHECK(book.list(2)[1].requests == 3);
  book.gone("c", 1);
  book.gone("b", 3);
  book.gone("a", 1);
  CHECK(book.asked("c", 1, {}).node);
}
