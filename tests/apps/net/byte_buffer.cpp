#include "apps/net/byte_buffer.hpp"

#include <random>
#include <string>

#include "catch.hpp"

using troupe::net::byte_buffer;

TEST_CASE("a buffer holds what was appended and not consumed", "[server]") {
  std::mt19937 random{4711};
  byte_buffer uut;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    switch (random() % 8) {
      case 0:
        uut.truncate(model.size() / 2);
        model.resize(model.size() / 2);
        break;
      case 1: {
        const auto part = std::string(random() % 3'000, 'r');
        uut.prepare(part.size() + random() % 500);
        REQUIRE(uut.room() >= part.size());
        part.copy(uut.prepare(part.size()), part.size());
        uut.commit(part.size());
        model += part;
        break;
      }
      case 2:
        if (random() % 50 == 0) {
          uut.clear(random() % 2 == 0 ? 0 : 1 << 20);
          model.clear();
        }
        break;
      case 3:
      case 4: {
        const auto n = model.empty() ? 0 : random() % (model.size() + 1);
        uut.consume(n);
        model.erase(0, n);
        break;
      }
      default: {
        const auto part = std::to_string(random());
        uut.append(part);
        model += part;
      }
    }
    REQUIRE(uut.size() == model.size());
    REQUIRE(uut.view() == model);
  }
}

TEST_CASE("a buffer that is consumed as it fills stays small", "[server]") {
  byte_buffer uut;
  const std::string part(1'000, 'x');
  for (int i = 0; i < 100; ++i)
    uut.append(part);
  for (int i = 0; i < 100'000; ++i) {
    uut.append(part);
    uut.consume(part.size());
  }
  CHECK(uut.size() == 100'000);
  CHECK(uut.size() + uut.room() <= 400'000);
}

TEST_CASE("a buffer grows, drops its front and shrinks", "[server][reply]") {
  byte_buffer uut;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const auto piece = std::to_string(i) + ",";
    uut.append(piece);
    expected += piece;
  }
  CHECK(uut.view() == expected);
  uut.consume(100);
  CHECK(uut.view() == expected.substr(100));
  uut.truncate(10);
  CHECK(uut.view() == expected.substr(100, 10));
  uut.clear(1 << 20);
  CHECK(uut.empty());
  CHECK(uut.capacity() > 0);
  uut.clear(10);
  CHECK(uut.capacity() == 0);
}
