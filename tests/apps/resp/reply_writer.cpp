#include "apps/resp/reply_writer.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "actors/plain/fixture.hpp"
#include "apps/resp/spelled.hpp"
#include "catch.hpp"

using troupe::bytes;
using troupe::entry_view;
using troupe::net::byte_buffer;
using troupe::resp::reply_buffer;
using troupe::resp::reply_writer;

TEST_CASE("replies are spelled as RESP2 wants", "[server][reply]") {
  byte_buffer out;
  reply_writer uut{out};
  uut.begin();
  uut.ok();
  uut.simple("PONG");
  uut.error("ERR no");
  uut.integer(0);
  uut.integer(-1);
  uut.integer(1234567);
  uut.integer(std::numeric_limits<std::int64_t>::min());
  uut.integer(std::numeric_limits<std::int64_t>::max());
  uut.bulk("");
  uut.bulk(std::string("a\0\r\n", 4));
  uut.null();
  uut.array(2);
  uut.map(2);
  uut.end();
  CHECK(out.view()
        == "+OK\r\n+PONG\r\n-ERR no\r\n:0\r\n:-1\r\n:1234567\r\n"
           ":-9223372036854775808\r\n:9223372036854775807\r\n"
           "$0\r\n\r\n$4\r\na"
             + std::string(1, '\0') + "\r\n\r\n$-1\r\n*2\r\n*4\r\n");
}

namespace {

// One reply of each type that only RESP3 has.
std::string all_types(int protocol) {
  byte_buffer out;
  reply_writer uut{out};
  uut.protocol(protocol);
  uut.begin();
  uut.null();
  uut.null_array();
  uut.map(1);
  uut.set(2);
  uut.push(3);
  uut.boolean(true);
  uut.boolean(false);
  uut.number(3.25);
  uut.number(-HUGE_VAL);
  uut.verbatim("a\r\n");
  uut.end();
  return std::string{out.view()};
}

} // namespace

TEST_CASE("what RESP2 has no type for is spelled differently there",
          "[server][reply]") {
  CHECK(all_types(3)
        == "_\r\n_\r\n%1\r\n~2\r\n>3\r\n#t\r\n#f\r\n,3.25\r\n,-inf\r\n"
           "=7\r\ntxt:a\r\n\r\n");
  CHECK(all_types(2)
        == "$-1\r\n*-1\r\n*2\r\n*2\r\n*3\r\n:1\r\n:0\r\n$4\r\n3.25\r\n"
           "$4\r\n-inf\r\n$3\r\na\r\n\r\n");
}

TEST_CASE("an error stays on its line", "[server][reply]") {
  byte_buffer out;
  reply_writer uut{out};
  uut.error("ERR a\r\nb\n");
  CHECK(out.view() == "-ERR a  b \r\n");
}

TEST_CASE("a reply can be taken back", "[server][reply]") {
  byte_buffer out;
  reply_writer uut{out};
  uut.begin();
  uut.ok();
  uut.end();
  uut.begin();
  uut.array(3);
  uut.bulk("x");
  uut.rollback();
  uut.error("ERR no");
  uut.end();
  CHECK(out.view() == "+OK\r\n-ERR no\r\n");
}

TEST_CASE("a reply beyond the limit becomes an error", "[server][reply]") {
  byte_buffer out;
  reply_writer uut{out, 1000};
  const auto begin_with = [&](std::size_t size, int count) {
    out.clear(0);
    uut.begin();
    uut.array(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      uut.bulk(std::string(size, 'x'));
    uut.end();
  };
  const std::string refusal
    = "-ERR the reply is larger than 1000 bytes; ask for fewer keys at once"
      "\r\n";
  begin_with(100, 9);
  CHECK(out.size() > 900);
  begin_with(100, 20);
  CHECK(out.view() == refusal);
  begin_with(600, 2);
  CHECK(out.view() == refusal);
  begin_with(5000, 1); // One value is as large as it is.
  CHECK(out.size() > 5000);
  begin_with(5000, 2);
  CHECK(out.view() == refusal);
  SECTION("and what stands before it stays") {
    out.clear(0);
    uut.begin();
    uut.ok();
    uut.end();
    uut.begin();
    for (int i = 0; i < 50; ++i)
      uut.bulk(std::string(100, 'x'));
    uut.end();
    CHECK(out.view() == "+OK\r\n" + refusal);
  }
}

TEST_CASE("large values stand between replies without a copy",
          "[server][reply]") {
  region_fixture f;
  const bytes large(troupe::resp::defaults::large_value, 'x');
  REQUIRE(f.uut->set("k", large));
  REQUIRE(f.uut->set("small", "v"));
  reply_buffer out;
  reply_writer uut{out, large.size() * 2 + 100};
  const auto write = [&](const char* key) {
    REQUIRE(f.uut->visit(key, [&](const entry_view& x) { uut.value(x); })
            == true);
  };
  const auto text = [&out] {
    std::string result;
    while (result.size() < out.size()) {
      const auto piece = out.piece(result.size());
      REQUIRE(!piece.empty());
      // From within a piece the rest of it comes.
      CHECK(out.piece(result.size() + piece.size() - 1)
            == piece.substr(piece.size() - 1));
      result += piece;
    }
    CHECK(out.piece(out.size()).empty());
    return result;
  };
  const auto one = bulk(large);
  uut.begin();
  uut.array(3);
  write("k");
  write("small");
  write("k");
  uut.end();
  const auto first = "*3\r\n" + one + bulk("v") + one;
  CHECK(out.bytes.size() < 100);
  CHECK(uut.pending() == first.size());
  CHECK(text() == first);
  SECTION("and are taken back with their reply") {
    uut.begin();
    uut.ok();
    write("k");
    uut.rollback();
    CHECK(text() == first);
    write("k");
    uut.truncate(first.size());
    CHECK(text() == first);
    uut.truncate(0);
    CHECK(out.size() == 0);
  }
  SECTION("and count for the reply's size") {
    uut.begin();
    uut.array(3);
    for (int i = 0; i < 3; ++i)
      write("k");
    uut.end();
    CHECK(text().substr(first.size()).starts_with("-ERR "));
  }
  SECTION("and stay when the key goes") {
    REQUIRE(f.uut->erase("k") == true);
    reply_buffer other;
    other.swap(out);
    CHECK(out.size() == 0);
    out.swap(other);
    CHECK(text() == first);
    out.clear(0);
    CHECK(out.size() == 0);
  }
}
