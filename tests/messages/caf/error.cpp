#include <troupe/messages/caf/error.hpp>

#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/pec.hpp>
#include <caf/sec.hpp>

#include <troupe/messages/caf/type_ids.hpp>

#include "catch.hpp"

using namespace troupe;

namespace {

struct test_config : caf::actor_system_config {
  test_config() {
    troupe::add_message_types(*this);
  }
};

constexpr int last = static_cast<int>(errc::end) - 1;

} // namespace

TEST_CASE("every error of ours survives the way through CAF and a wire") {
  test_config cfg;
  caf::actor_system system{cfg};
  for (int code = 1; code <= last; ++code) {
    for (const char* text : {"", "key of 70000 bytes"}) {
      error before{static_cast<errc>(code), text};
      auto as_caf = to_caf(before);
      std::vector<char> wire;
      caf::binary_serializer sink{system, wire};
      REQUIRE_FALSE(sink(as_caf));
      caf::error arrived;
      caf::binary_deserializer source{system, wire};
      REQUIRE_FALSE(source(arrived));
      auto after = from_caf(arrived);
      CHECK(after == before);
      CHECK(after.text() == before.text());
    }
  }
}

TEST_CASE("no error is no error on both sides") {
  CHECK_FALSE(to_caf({}));
  CHECK(from_caf({}) == errc::none);
}

TEST_CASE("CAF's errors become ours") {
  CHECK(from_caf(caf::make_error(caf::sec::request_timeout)) == errc::timeout);
  CHECK(from_caf(caf::make_error(caf::sec::request_receiver_down))
        == errc::shard_down);
  CHECK(from_caf(caf::make_error(caf::sec::runtime_error)) == errc::shard_down);
  CHECK(from_caf(caf::make_error(caf::sec::unexpected_message))
        == errc::invalid_argument);
  CHECK(from_caf(caf::make_error(caf::sec::cannot_connect_to_node))
        == errc::system_error);
  CHECK(from_caf(caf::make_error(caf::exit_reason::kill)) == errc::shard_down);
  CHECK(from_caf(caf::make_error(caf::exit_reason::unreachable))
        == errc::shard_down);
  CHECK(from_caf(caf::make_error(caf::exit_reason::user_shutdown))
        == errc::shutting_down);
  CHECK(from_caf(caf::make_error(caf::exit_reason::remote_link_unreachable))
        == errc::system_error);
  CHECK(from_caf(caf::make_error(caf::pec::not_an_option))
        == errc::system_error);
}

TEST_CASE("an error code of a newer version is told as unknown") {
  for (int code : {last + 1, 200, 255}) {
    caf::error strange{static_cast<std::uint8_t>(code), error_category,
                       caf::make_message(std::string{"the moon is full"})};
    CHECK(from_caf(strange) == errc::system_error);
    auto text = from_caf(strange).text();
    CHECK(text.find("unknown error code " + std::to_string(code)) == 0);
    CHECK(text.find("the moon is full") != text.npos);
    test_config cfg;
    caf::actor_system system{cfg};
    CHECK(system.render(strange)
          == "unknown error code " + std::to_string(code)
               + ": the moon is full");
  }
}

TEST_CASE("a system renders our errors") {
  test_config cfg;
  caf::actor_system system{cfg};
  CHECK(system.render(to_caf({errc::overloaded, "try later"}))
        == "overloaded: try later");
  CHECK(system.render(to_caf({errc::timeout, {}})) == "timeout");
}
